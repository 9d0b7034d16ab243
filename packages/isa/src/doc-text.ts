/** Prose of docs/isa.md; everything that stands in the table is rendered from there (doc.ts). */

export const INTRODUCTION = `# Instruction set

Generated from the instruction table (\`packages/isa/src/table.ts\`); change it there.

The machine is a systolic GEMM array and a Tandem Processor beside it: SIMD lanes over scratchpads, driven by loop nests
and a data access engine (DAE). Every instruction is one 32-bit word. A program is one stream of words in execution order,
a sequence of blocks. A block is a systolic region, then a SIMD region, then BLOCK_END, or either region alone; the SIMD
region runs once per tile. The last block's BLOCK_END has \`last\` = 1.

Encodings marked *published* are those of the thesis and the public instruction sheet of the GeneSys project and never
change. What this project adds is marked *extension*, uses only free codes, and is argued below. Bits shown as digits are
fixed; a word that matches no row, or whose field holds a value without a meaning, is no instruction and traps.

## Fields

Layout A: op[31:28] fn[27:24] dst_ns[23:21] dst_ix[20:16] src1_ns[15:13] src1_ix[12:8] src2_ns[7:5] src2_ix[4:0].
Namespaces of Tandem operands: OBUF 0, IBUF 1, VMEM1 2, VMEM2 3, IMM 4. Buffers of systolic words: WBUF 0, IBUF 1,
OBUF 2, BBUF 3. Fields hold raw unsigned values; a 16-bit field called signed is two's complement. Fields called
\`…_minus_1\` hold the count less one. Scratchpad addresses are row numbers, a row being one word per lane.
`;

export const EXTENSIONS = `## Extensions and why

- **ABS, SIGN** (calculus functions 9 and 10). The thesis lists both among its primitives; the public sheet has dedicated
  nonlinear functions in their place. The integer approximations of erf, softmax and GELU are built from them (I-BERT), and
  without them ABS is a SUB, a MAX and a temporary row, SIGN two comparisons, a SUB and two temporary rows.
- **FORMAT**. The array's operands are int8 on the public sheet. Lower precision (int4, int2) and the minifloats of the
  published RaPiD numerics need the operand formats, the programmable exponent bias of hfp8 and the chunk length of the
  accumulation. All four fit one word per region; without it both operands are int8. Ranges of activations and weights
  differ, and so do their biases: format_weight_bias sets the second one.
- **FP16 and FP8 casts** (cast functions 12 to 15). Between the array's DLFloat sums and the fixed point of the lanes, and
  between DLFloat and the 8-bit operands. Through binary32 a conversion to fixed point would take four instructions and
  round twice; there is no other way to FP8 at all.
- **WINDOW** (window_base, window_rows). OBUF, IBUF, WBUF and BBUF turn over by themselves; VMEM does not, so a load for
  tile t+1 would have to wait for the compute of tile t. In odd tiles the rows [P, P+Q) mean [P+Q, P+2Q), for ALU, permute
  engine and DAE alike, so that one configuration serves both halves and transfer overlaps with compute.
- **PACK**. A first convolution of 3 channels fills 3 of 32 array rows. Writing runs of KW*IC bytes side by side packs a
  window's rows into IBUF rows; without it ResNet-50's first convolution costs 1.23 M cycles instead of 0.13 M.
- **Indexed load** (ld_index, ld_index_count). An embedding reads rows whose numbers are known only at run time. The
  published access engine walks affine patterns; without this word an embedding of 30,522 rows would be a product with
  a one-hot matrix of as many columns (3.0 G multiply-accumulates for BERT-base at 128 tokens, more than a quarter of
  the network). One list in the other scratchpad, one multiplication per run in the address generator.
- **PAD** (pad_dim, pad_low, pad_high, pad_fill and their high halves). Padding, halos and ragged last tiles would need
  either padded copies in DRAM or separate code for border tiles. A bound on a transfer's coordinate costs no memory
  traffic and no code per border: a load outside it yields the fill, a store outside it is dropped.
- **Input of the next block** (no new word: the published ST words with namespace IBUF, RD strides of IBUF over tile loops, its base address where nothing is loaded). A
  tensor between two blocks would be stored to DRAM and loaded again: two latencies of 100 cycles in which nothing else runs,
  and its bytes twice. A tile's input seldom fills a half of IBUF. A SIMD-only block could write IBUF already; what was
  missing is rows that neither the array nor its loads touch meanwhile, a destination that moves from tile to tile as transfers
  do (an iterator's base is the same in every tile), a border, and a read side that is tiled without loads. The descriptor has
  the first three. Copying by ST through the access engine instead would take a cycle per row and
  rows of VMEM; here the last instruction of a tile writes the row where it belongs.
- **High halves of permutation addresses and strides** (perm_set_base_addr_high, perm_set_loop_stride_high). Addresses count
  words, and 16,384 rows of 16 lanes (the published GeneSys configuration) are 262,144 of them, more than 16 bits reach.
  They use bits that are 0 in the published words.
`;

export const DECISIONS = `## Decisions

What the published sheets leave open. The published worked example stays valid under all of these.

### Loops and operands
- SET_ITER opens a level, replacing that level's earlier bindings; the j-th SET_INDEX after it binds the j-th instruction of
  the body. Levels nest by id, 0 outermost. A body of n instructions has n bindings per level, NOP included.
- The levels of a nest are those opened since the last nest was cleared; they are contiguous from 0, up to 8; a gap or a trip
  count of 0 traps. \`nested\` in SET_INST is 1 if and only if there is more than one level.
- SET_INST arms the nest: the next n compute words are its body, run in order in every innermost iteration; then it clears.
- Address of an operand = base of the iterator bound at the innermost level + sum over levels of trip * stride of the
  iterator bound there. The namespace in the word and in its bindings must agree (trap); ix in the word is ignored. In IMM
  the innermost binding's ix is the slot.
- A compute word outside a nest runs once: its ix names an iterator and the address is that iterator's base (IMM: the slot).
- An operand that an instruction does not read is ignored entirely, in the word and in its bindings.
- Iterator base and stride are int32 registers in rows. *_LOW and *_HIGH write one half and keep the other; *_SIGNEXT and
  *_ZEROFILL write all 32 bits.
- Scratchpads have one port: two sources of one instruction come from different namespaces. The same namespace and address
  twice is one read; writes of dst and MACC's read of dst do not count. Reading a row never written traps.

### Data access engine
- CONFIG words act at tile 0 only. START seals a descriptor from the CONFIG words of its direction and namespace since the
  previous START of the same, keyed by START's address.
- 32-bit values are written low half first: the low word zeroes the high half, the high word sets it. Addresses and strides
  are bytes; strides are signed. Loop ids are 0..31, counts are minus one, the lowest id is outermost.
- DRAM address = BASE_ADDR + sum digit * BASE_LOOP_STRIDE + sum trip * TILE_LOOP_STRIDE. The digits are the tile number in
  the mixed radix of the base loop counts, highest loop id fastest. All descriptors of a region have one product of base
  counts, or product 1 (transferred once). In a fused block the product equals the number of hand-overs; a SIMD-only block
  runs that many tiles. The tile number counts the starts of the SIMD region in this block.
- START's size is the bytes of an innermost run, a whole number of elements (4 and 2 bit: a whole number of bytes, packed
  low bits first). LD sign-extends to 32 bits, ST writes the low bits without saturation.
- Run j (in nest order of the tile loops) occupies rows TILE_ADDR + j*ceil(E/lanes) on, E the elements of a run; element e
  of a run is row floor(e/lanes), lane e mod lanes. Lanes not covered keep their value.
- Namespaces: VMEM1 and VMEM2; OBUF (owned) for ST only; LD of IBUF traps, ST of IBUF is no transfer (input of the next block).

### Double buffering and ownership
- IBUF, WBUF, OBUF and BBUF are two halves each; programs address one half. IBUF, WBUF and BBUF are loaded at the first tile and
  whenever the trip of one of their LD tile loops (0..6, LD stride not 0) differs from the last load, and then turn over.
  OBUF turns over at each hand-over. What they hold outlives a block, so that a block's first load goes to the half that the
  block before does not read last; constants may therefore be loaded under that block ([cycles.md](cycles.md)).
- Tandem owns the handed-over half of OBUF from the start of the SIMD region to its END BUF, or to the region's end. Any other
  access to OBUF traps. Without a SIMD region in the block, OBUF is stored by sa_st after each hand-over.
- IBUF is write-only for Tandem: one row of bytes (the low 8 bits of each lane) per vector. In a block without a systolic
  region these go to the half that programs address; in one with a systolic region they trap, but for the input of the next
  block.
- Order within a block: for each tile systolic loads, then compute; after the last reduction step the hand-over, then the
  SIMD region once. The load for tile t+1 may start when tile t-1 has ended.

### Input of the next block
- ST START of IBUF, in any SIMD region, opens the half of IBUF that programs do not address at its first execution in the
  block. Vectors behind it in the region whose destination is IBUF go there, in every tile; when the block ends, that half is the
  one that programs address. The next systolic region that does not load IBUF reads what they wrote: so a producer's tiles become
  the next GEMM's input without DRAM.
- At the first tile the rows of that half from TILE_ADDR on become PAD_FILL's low byte (hardware: a valid bit per row, cleared at
  once, and a register): the borders of a padded input are never written.
- Row r of a vector is row TILE_ADDR + r + sum digit * BASE_LOOP_STRIDE of the half; strides count rows, digits are those of a
  transfer. The other fields of the descriptor have no meaning.
- Where the region's load of IBUF is done again as tiles advance, its rows lie below TILE_ADDR in both halves; START traps
  otherwise, as does a second one in a region.
- The array reads IBUF at row sum trip * RD stride over the loops inside a tile and over the tile loops; without a load of IBUF
  in the region, its base address is a row and added. So an input that lies in IBUF as a whole is read tile by tile.

### Systolic array
- IBUF row = one byte per array row; WBUF row = one block of rows x columns bytes, [k][m] in DRAM; BBUF and OBUF row = one int32
  per column. In DRAM a request is banks * size contiguous bytes. Under FORMAT int4 and int2 element i of byte b of an IBUF row
  and of column m of byte row b of a WBUF block belong together: 2 or 4 products per byte and cell, one sum. A fill is a byte.
- Loops 0-6 walk tiles, 7-13 walk inside a tile (order OC, N, IC, KH, KW, OH, OW), 14-30 belong to transfers. The loop id is
  the nesting order, lowest outermost. A loop not configured has count 1. START EXEC clears all of it.
- A transfer iterates the loops from 14 on for which an LD stride (OBUF: ST stride) of its buffer was set in the region; the
  \`loop\` of sa_ld and sa_st names the last of them (trap otherwise). On-chip row = sum trip * WR stride (ST: RD stride) + r
  for the r-th row of a request. DRAM address = base + sum index * stride over tile and transfer loops, 32-bit wrap.
- The multiply is implicit in the innermost loop: an IBUF row times a WBUF block into an OBUF row, at the rows given by the RD
  strides of IBUF, WBUF and BBUF and the WR stride of OBUF over loops 7-13, of IBUF over loops 0-6, too.
- A loop reduces if and only if sa_reduction marks it. Reduction tile loops are innermost among tile loops with count above 1.
  OBUF rows start at 0 at the first reduction step and accumulate int32, wrapping. After the last one the BBUF row, if BBUF
  was loaded in the region, is added once to each OBUF row of the tile; then the hand-over.

### Minifloat sums
- fp16 operands take two bytes: an IBUF row holds rows / 2 of them, a WBUF block rows / 2 x columns, low bytes first.
- The reduction steps of an output are the iterations of its reduction loops, tile loops included, in nest order; a step
  multiplies P elements (P = rows for 8-bit floats, rows / 2 for fp16), and its k-th product is number step * P + k of the
  sum. rows is a multiple of 2 (fp16: of 4; trap otherwise).
- Products are exact. One with a zero factor is 0 even if the other factor is no number: spare lanes hold garbage.
- An OBUF word under way holds two DLFloat codes, the total in bits 15:0 and the running chunk in bits 31:16, both 0 at the
  first reduction step. FMMA adds products two at a time (numbers 2i and 2i + 1; in chunks of one product alone) to the
  running chunk with one rounding of the exact sum. Where the number of products reaches a multiple of 2^chunk_log2, the
  running chunk is added to the total and becomes 0.
- After the last reduction step the running chunk is added to the total, then the DLFloat number in the low half of the BBUF
  word, if BBUF was loaded in the region. The total leaves in bits 15:0, bits 31:16 are 0.
- Every addition rounds to DLFloat; ties: machine option \`ties\`.

### Arithmetic
- Scratchpad words are int32. ADD, SUB, MACC and LSHIFT wrap. Shift amounts are unsigned; 32 or more gives the limit.
- The datatype is reset at the start of every SIMD region: int32, s = 0, MUL wraps. After DATATYPE_CONFIG f = max(0, width - 1 -
  integer bits), width 32, 16 or 8; s = f1 + f2 - fd.
- MUL = saturate32(round(a*b / 2^s)), exact 64-bit product, ties away from zero; s < 0 shifts left, saturating. MACC is
  neither shifted nor saturated. So requantization is MUL by a row of per-channel multipliers, then CAST; the zero point may
  ride in the bias, ReLU in the saturation.
- CAST = saturate_n(round(src1 >> slot)), ties away from zero, kept in a 32-bit word; the slot holds 0..31, others trap.
- DIV truncates toward zero; division by zero saturates by the sign of the dividend (0/0 = 0); -2^31 / -1 = 2^31 - 1.
- 32FP is binary32, each operation correctly rounded, MACC rounding product and sum; 16FP is DLFloat (1-6-9) in the low 16 bits;
  16BFP is bfloat16. Comparisons give the integer 1 or 0 in every datatype.
- Dedicated nonlinear functions exist only where the machine says specialFunctions.

### Permute engine
- Addresses and strides count words: word w is row floor(w / lanes), bank w mod lanes. The dimensions of a side are those
  configured since the last START, nested by id, 0 outermost; the trip products of both sides are equal. A read stride of 0
  broadcasts. Words are copied one by one in order; START clears the configuration.
- shuffle = 0 keeps the bank of every word (trap otherwise), 1 allows any. Namespaces: OBUF (owned), VMEM1, VMEM2.

### Bounds
- coordinate = trip(inner) + trip(outer) * (DRAM stride of outer / DRAM stride of inner); inner 31 is the run itself in units
  of one row, its stride the row's bytes in DRAM. The ratio must be an integer (trap). The bound is [low, high), low 0 and high
  2^31-1 by default. Several bounds of one transfer must all hold.
- SIMD bounds are sealed into the descriptor by START like CONFIG words; systolic ones belong to the buffer for the region.
- A pad_dim directly behind another of its target, no pad_low or pad_high between them, adds its terms to the same
  coordinate: a dimension that several tile loops move needs one term each.
- DRAM activations are N, ceil(C/lanes), H, W, lanes. Spare lanes hold no defined value: the weights of spare channels are
  zero, stores of them are never read as elements, and a reduction across lanes writes the neutral element first. Keeping
  the zero point there would cost an instruction in every movement and buy nothing.
`;

export const OBJECT_FILE = `## Object file

ELF64, little-endian, ET_EXEC, e_machine 0xACC1, read by \`readelf -a\`. The same object gives the same bytes.

| section | holds |
|---|---|
| .note.accelc | one note, owner "accelc", type 1: u32 format version (1), 32 bytes SHA-256 of the machine description, u32 checksum of .text, .rodata, .accelc.io and .accelc.debug, the machine's name in UTF-8 up to the end |
| .text | the words, little-endian; instruction memory is shown at address 2^32, above the 32-bit DRAM space |
| .rodata | weights and constants; sh_addr is their DRAM address |
| .bss | activation arena: sh_addr and sh_size, no bytes |
| .accelc.io | canonical JSON: inputs and outputs, each name, elementType, shape, address, bits, scale, zeroPoint, bytes, layout |
| .accelc.debug | canonical JSON: model, nodes, blocks (with the multiply-accumulates the model asks for, where it asks for any), ranges (words to node), tensors |
| .symtab, .strtab | one function symbol per block, in ascending order |

Canonical JSON has sorted keys and no white space. A stored integer q means scale * (q - zeroPoint). A float input enters as
q = clamp(roundHalfEven(x / scale) + zeroPoint) in the signed range of \`bits\`. Element (i0, i1, …) of a tensor is at
address + the sum over \`layout\` of (floor(i_axis / div) mod extent) * stride.

## Assembly text

One instruction per line: the mnemonic, then \`field=value\` separated by commas, in any order. A value is a number (decimal, 0x
hexadecimal; 16-bit fields also negative) or one of the field's names. A namespace and its index are written
\`dst=vmem1[3]\`. A comment begins with \`;\`. \`name:\` (or \`"any name":\`) begins a symbol, which reaches to the next label,
\`.end\` or the end. A word that is no instruction is \`.word 0x…\`.

| directive | meaning |
|---|---|
| .format VERSION | format version, default 1 |
| .machine "name" HASH | machine; required |
| .rodata ADDRESS, .base64 BYTES | address of the constants; their bytes, over as many lines as needed |
| .bss ADDRESS SIZE | activation arena |
| .input JSON, .output JSON | one entry of .accelc.io |
| .model JSON, .node JSON, .block JSON, .range JSON, .tensor JSON | one entry of .accelc.debug |
| .text | begins the instructions; for the reader only |
`;
