import { BINDINGS, F, type FieldSeg, type FixedSeg, fix, OPERANDS, type Seg } from "./fields.js";

/**
 * The only place where a bit position of an instruction word is written, bit 31 downwards.
 * Encoder, decoder, assembler, disassembler, docs/isa.md and the types that make a missing emulator entry a compile
 * error are derived from these rows. Published rows follow the published sheet; extension rows use free codes.
 */

/** Region a word may stand in. `either`: a systolic or a SIMD region, which then owns it. */
export type Unit = "control" | "systolic" | "simd" | "either";
export type Origin = "published" | "extension";
export type Operand = "dst" | "src1" | "src2";

/** Operands a compute word touches. An operand not listed is ignored entirely: field, namespace and binding. */
export interface OperandUse {
  readonly reads: readonly Operand[];
  readonly writes: readonly "dst"[];
}

export interface Row {
  readonly unit: Unit;
  readonly group: string;
  readonly origin: Origin;
  /** One line. */
  readonly doc: string;
  /** Exact effect: intermediate width, rounding, saturation or wrap, datatype. */
  readonly meaning: string;
  /** Present on compute words only (layout A with three operands). */
  readonly operands?: OperandUse;
  readonly segs: readonly Seg[];
}

interface Meta<U extends Unit> {
  readonly unit: U;
  readonly group: string;
  readonly origin: Origin;
  readonly doc: string;
  readonly meaning: string;
}

const row =
  <U extends Unit>(unit: U, group: string, origin: Origin = "published") =>
  <const S extends readonly Seg[]>(doc: string, meaning: string, ...segs: S): Meta<U> & { readonly segs: S } => ({
    unit,
    group,
    origin,
    doc,
    meaning,
    segs,
  });

type ComputeSegs = readonly [FixedSeg, FixedSeg, ...typeof OPERANDS];
type ComputeRow = Meta<"simd"> & { readonly operands: OperandUse; readonly segs: ComputeSegs };

const compute =
  (group: string, opcode: number) =>
  (fn: number, reads: readonly Operand[], doc: string, meaning: string, origin: Origin = "published"): ComputeRow => ({
    unit: "simd",
    group,
    origin,
    doc,
    meaning,
    operands: { reads, writes: ["dst"] },
    segs: [fix(4, opcode), fix(4, fn), ...OPERANDS],
  });

const alu = compute("alu", 0);
const calculus = compute("calculus", 1);
const comparison = compute("comparison", 2);
const cast = compute("cast", 3);
const one = ["src1"] as const;
const two = ["src1", "src2"] as const;
const three = ["dst", "src1", "src2"] as const;
/** Casts read src2 as the IMM slot of the shift amount. */
const shifted = two;

const FLOAT = "32FP: binary32, one correct rounding; 16FP: DLFloat 1-6-9 in the low 16 bits.";
const SPECIAL =
  "Fixed point only, and only where the machine description says specialFunctions; elsewhere it traps. The value is defined in docs/numerics.md.";
const SLOT = "The shift amount is the IMM slot named by src2 (src2_ns = IMM), 0..31; other amounts trap 'cast shift'.";
const FLOAT_SLOT =
  "The shift is the IMM slot named by src2 (src2_ns = IMM), -64..64, negative to the other side; others trap 'cast shift'.";
const FP8_SLOT =
  "The IMM slot named by src2 (src2_ns = IMM) names the 8-bit format: 0..31 is 1-4-3 under that exponent bias, 32 is 1-5-2; others trap 'cast shift'.";

const datatype = (fn: number, doc: string, meaning: string) =>
  row("simd", "datatype")(
    doc,
    meaning,
    fix(4, 4),
    fix(4, fn),
    fix(3, 0),
    F.dstBits,
    fix(3, 0),
    F.src1Bits,
    fix(3, 0),
    F.src2Bits,
  );

const dae = row("simd", "dae");
const iterator = row("simd", "iterator");
const loop = row("simd", "loop");
const perm = row("simd", "permutation");
const permExtension = row("simd", "permutation", "extension");
const systolic = row("systolic", "systolic");
const sync = row("control", "sync");
const simdExtension = row("simd", "extension", "extension");
const systolicExtension = row("systolic", "extension", "extension");
const eitherExtension = row("either", "extension", "extension");

const LSB_MSB = "The low word sets the low half and zeroes the high half; the high word sets the high half.";

const daeBaseAddr = (fn: number, what: string) =>
  dae(
    `DRAM base address of ${what}`,
    `BASE_ADDR, a 32-bit DRAM byte address. ${LSB_MSB} Acts at tile 0 only.`,
    fix(4, 5),
    fix(4, fn),
    F.half,
    F.daeNs,
    fix(5, 0),
    F.imm,
  );
const daeIter = (fn: number, what: string, kind: "base" | "tile") =>
  dae(
    `trip count of a ${kind} loop of ${what}`,
    kind === "base"
      ? "Base loops step per tile: the tile number is written in the mixed radix of their counts, highest loop id fastest. Acts at tile 0 only."
      : "Tile loops step inside one transfer, nested by id, lowest outermost; each innermost iteration is a run. Acts at tile 0 only.",
    fix(4, 5),
    fix(4, fn),
    fix(1, 0),
    F.daeNs,
    F.daeLoop,
    F.countM1,
  );
const daeStride = (fn: number, what: string, kind: "base" | "tile") =>
  dae(
    `DRAM stride of a ${kind} loop of ${what}`,
    `Signed 32-bit byte stride of the DRAM address. ${LSB_MSB} Acts at tile 0 only.`,
    fix(4, 5),
    fix(4, fn),
    F.half,
    F.daeNs,
    F.daeLoop,
    F.imm,
  );
const daeTileAddr = (fn: number, what: string) =>
  dae(
    `on-chip base row of ${what}`,
    "TILE_ADDR, a row of the namespace. Run j of the transfer occupies the rows from TILE_ADDR + j*ceil(E/lanes) on, E elements per run. Acts at tile 0 only.",
    fix(4, 5),
    fix(4, fn),
    fix(1, 0),
    F.daeNs,
    fix(5, 0),
    F.rows,
  );
const daeStart = (fn: number, what: string, meaning: string) =>
  dae(`run ${what}`, meaning, fix(4, 5), fix(4, fn), fix(1, 0), F.daeNs, F.bitsM1, F.runBytes);

const START_COMMON =
  "Seals a descriptor from the CONFIG words of this direction and namespace since the previous START of the same. DRAM address = BASE_ADDR + sum digit*BASE_LOOP_STRIDE + sum trip*TILE_LOOP_STRIDE (32-bit wrap). Element e of a run is row floor(e/lanes), lane e mod lanes. A run is a whole number of elements (4 and 2 bit: of bytes, packed low bits first).";

const iteratorWord = (fn: number, register: "base" | "stride", how: string, field: FieldSeg<"imm">) =>
  iterator(
    `set an iterator's ${register} (${how})`,
    `int32 ${register} register of iterator ns[ix], in rows: ${how}.`,
    fix(4, 6),
    fix(4, fn),
    F.ns,
    F.ix,
    field,
  );
const immWord = (fn: number, how: string, field: FieldSeg<"imm">) =>
  iterator(
    `set an IMM slot (${how})`,
    `int32 scalar of the slot, broadcast to all lanes when read: ${how}.`,
    fix(4, 6),
    fix(4, fn),
    fix(3, 4),
    F.slot,
    field,
  );
const LOW = "replaces bits 15:0, keeps 31:16";
const HIGH = "replaces bits 31:16, keeps 15:0";
const SIGNEXT = "sets all 32 bits to imm sign-extended";
const ZEROFILL = "sets all 32 bits to imm zero-extended";

const padWord = (fn: number, doc: string, meaning: string) =>
  eitherExtension(doc, meaning, fix(4, 15), fix(4, fn), F.target, fix(5, 0), F.imm);

export const ISA = {
  add: alu(0, two, "dst = src1 + src2", `int32, wraps. ${FLOAT}`),
  sub: alu(1, two, "dst = src1 - src2", `int32, wraps. ${FLOAT}`),
  mul: alu(
    2,
    two,
    "dst = src1 * src2, rescaled",
    `Fixed point: saturate32(round(a*b, s)) of the exact 64-bit product, s = f1 + f2 - fd; round(x, s) = x / 2^s to the nearest, ties away from zero; s < 0 shifts left by -s, saturating. In reset state s = 0 and the low 32 bits are kept (wraps). ${FLOAT}`,
  ),
  macc: alu(
    3,
    three,
    "dst = dst + src1 * src2",
    "int32: the low 32 bits of dst + a*b, not rescaled, wraps. 32FP and 16FP: the product is rounded, then the sum.",
  ),
  div: alu(
    4,
    two,
    "dst = src1 / src2",
    `int32, truncates toward zero, not rescaled. x/0 is 2^31-1 for x > 0, -2^31 for x < 0, 0 for x = 0; -2^31/-1 is 2^31-1. ${FLOAT}`,
  ),
  max: alu(5, two, "dst = max(src1, src2)", "Signed int32. 32FP and 16FP compare as numbers."),
  min: alu(6, two, "dst = min(src1, src2)", "Signed int32. 32FP and 16FP compare as numbers."),
  rshift: alu(
    7,
    two,
    "dst = src1 >> src2",
    "Arithmetic, no rounding (toward minus infinity). src2 is an unsigned 32-bit amount; 32 or more gives 0 or -1. Ignores the datatype.",
  ),
  lshift: alu(
    8,
    two,
    "dst = src1 << src2",
    "Wraps: the low 32 bits are kept. src2 is an unsigned 32-bit amount; 32 or more gives 0. Ignores the datatype.",
  ),
  move: alu(9, one, "dst = src1", "Copies the 32-bit word. src2 is not read."),
  cond_move_true: alu(
    10,
    three,
    "dst = src1 in lanes where src2 != 0",
    "Other lanes of dst keep their value, so the dst row must have been written before. src2 is tested as a 32-bit word.",
  ),
  cond_move_false: alu(
    11,
    three,
    "dst = src1 in lanes where src2 == 0",
    "Other lanes of dst keep their value, so the dst row must have been written before. src2 is tested as a 32-bit word.",
  ),
  not: alu(12, one, "dst = ~src1", "Bitwise complement of the 32-bit word. src2 is not read."),
  and: alu(13, two, "dst = src1 & src2", "Bitwise on the 32-bit word."),
  or: alu(14, two, "dst = src1 | src2", "Bitwise on the 32-bit word."),
  nop: row("simd", "alu")(
    "no operation",
    "Takes an issue slot. In the body of a nest it counts as an instruction and has its bindings, which are ignored.",
    fix(4, 0),
    fix(4, 15),
    fix(24, 0),
  ),

  relu: calculus(
    0,
    one,
    "dst = max(src1, 0)",
    "Signed int32; 32FP and 16FP as numbers, -0 gives +0. src2 is not read.",
  ),
  leaky_relu: calculus(
    1,
    two,
    "dst = src1 >= 0 ? src1 : src1 * src2",
    "The product is MUL under the current datatype configuration, rescaled and saturated like it.",
  ),
  sigmoid: calculus(2, one, "dst = 1 / (1 + e^-src1)", SPECIAL),
  tanh: calculus(3, one, "dst = tanh(src1)", SPECIAL),
  exp: calculus(4, one, "dst = e^src1", SPECIAL),
  ln: calculus(5, one, "dst = ln(src1)", SPECIAL),
  sqrt: calculus(6, one, "dst = sqrt(src1)", SPECIAL),
  inv_sqrt: calculus(7, one, "dst = 1 / sqrt(src1)", SPECIAL),
  log2: calculus(8, one, "dst = log2(src1)", SPECIAL),
  abs: calculus(
    9,
    one,
    "dst = |src1|",
    "int32; |-2^31| saturates to 2^31-1. 32FP and 16FP clear the sign. src2 is not read.",
    "extension",
  ),
  sign: calculus(
    10,
    one,
    "dst = -1, 0 or 1 by the sign of src1",
    "int32; 32FP and 16FP give -1.0, 0.0 or 1.0. src2 is not read.",
    "extension",
  ),

  equal: comparison(0, two, "dst = src1 == src2", "Integer word 1 or 0; signed int32, 32FP and 16FP as numbers."),
  neq: comparison(1, two, "dst = src1 != src2", "Integer word 1 or 0; signed int32, 32FP and 16FP as numbers."),
  gt: comparison(2, two, "dst = src1 > src2", "Integer word 1 or 0; signed int32, 32FP and 16FP as numbers."),
  gte: comparison(3, two, "dst = src1 >= src2", "Integer word 1 or 0; signed int32, 32FP and 16FP as numbers."),
  lt: comparison(4, two, "dst = src1 < src2", "Integer word 1 or 0; signed int32, 32FP and 16FP as numbers."),
  lte: comparison(5, two, "dst = src1 <= src2", "Integer word 1 or 0; signed int32, 32FP and 16FP as numbers."),

  cast_fxp32_fxp16: cast(
    0,
    shifted,
    "narrow to 16 bits",
    `saturate16(round(src1 >> shift)), ties away from zero, kept in a 32-bit word. ${SLOT}`,
  ),
  cast_fxp32_fxp8: cast(
    1,
    shifted,
    "narrow to 8 bits",
    `saturate8(round(src1 >> shift)), ties away from zero, kept in a 32-bit word. ${SLOT}`,
  ),
  cast_fxp32_fxp4: cast(
    2,
    shifted,
    "narrow to 4 bits",
    `saturate4(round(src1 >> shift)), ties away from zero, kept in a 32-bit word. ${SLOT}`,
  ),
  cast_fxp16_fxp32: cast(
    3,
    shifted,
    "widen 16 bits",
    `saturate32(signExtend16(src1) << shift): the low 16 bits are taken, the shift saturates. ${SLOT}`,
  ),
  cast_fxp8_fxp32: cast(
    4,
    shifted,
    "widen 8 bits",
    `saturate32(signExtend8(src1) << shift): the low 8 bits are taken, the shift saturates. ${SLOT}`,
  ),
  cast_fxp4_fxp32: cast(
    5,
    shifted,
    "widen 4 bits",
    `saturate32(signExtend4(src1) << shift): the low 4 bits are taken, the shift saturates. ${SLOT}`,
  ),
  cast_fp32_fp16: cast(
    6,
    one,
    "binary32 to DLFloat",
    "Rounds to nearest (ties: machine option `ties`, default even); result in the low 16 bits, high bits 0. src2 is not read.",
  ),
  cast_fp16_fp32: cast(
    7,
    one,
    "DLFloat to binary32",
    "Exact; the merged Inf/NaN gives the quiet NaN. src2 is not read.",
  ),
  floor: cast(
    8,
    shifted,
    "integer part, rounded down",
    `Fixed point: (src1 >> shift) << shift, toward minus infinity. ${SLOT} 32FP: floor of the number, src2 ignored. 16FP traps.`,
  ),
  ceil: cast(
    9,
    shifted,
    "integer part, rounded up",
    `Fixed point: ceil(src1 / 2^shift) << shift, saturating to int32. ${SLOT} 32FP: ceiling of the number, src2 ignored. 16FP traps.`,
  ),
  cast_fp32_bf16: cast(
    10,
    one,
    "binary32 to bfloat16",
    "Rounds to nearest, ties to even; result in the low 16 bits, high bits 0. src2 is not read.",
  ),
  cast_bf16_fp32: cast(
    11,
    one,
    "bfloat16 to binary32",
    "Exact: the low 16 bits become the high half. src2 is not read.",
  ),
  cast_fp16_fxp32: cast(
    12,
    shifted,
    "DLFloat to fixed point",
    `saturate32(round(number * 2^shift)) of the DLFloat number in the low 16 bits, ties away from zero; the merged Inf/NaN gives 2^31-1. ${FLOAT_SLOT}`,
    "extension",
  ),
  cast_fxp32_fp16: cast(
    13,
    shifted,
    "fixed point to DLFloat",
    `src1 / 2^shift rounded once to DLFloat (ties: machine option \`ties\`); result in the low 16 bits, high bits 0. ${FLOAT_SLOT}`,
    "extension",
  ),
  cast_fp16_fp8: cast(
    14,
    shifted,
    "DLFloat to FP8",
    `The nearest FP8 number to the DLFloat number in the low 16 bits, ties to even, saturating; what is no number becomes 1-5-2's own, in 1-4-3 the largest. Result in the low 8 bits, high bits 0. ${FP8_SLOT}`,
    "extension",
  ),
  cast_fp8_fp16: cast(
    15,
    shifted,
    "FP8 to DLFloat",
    `The FP8 number in the low 8 bits, exactly; what is no number stays so. Result in the low 16 bits, high bits 0. ${FP8_SLOT}`,
    "extension",
  ),

  config_fxp32: datatype(
    0,
    "work in 32-bit fixed point",
    "Fraction bits f = max(0, 31 - integer bits) of dst, src1, src2. Sets the shift of MUL and LEAKY_RELU.",
  ),
  config_fxp16: datatype(
    1,
    "work in 16-bit fixed point",
    "Fraction bits f = max(0, 15 - integer bits). Words stay 32 bits wide; narrowing is CAST's business.",
  ),
  config_fxp8: datatype(
    2,
    "work in 8-bit fixed point",
    "Fraction bits f = max(0, 7 - integer bits). Words stay 32 bits wide; narrowing is CAST's business.",
  ),
  config_fp32: datatype(
    3,
    "work in binary32",
    "ADD SUB MUL MACC DIV MAX MIN RELU LEAKY_RELU ABS SIGN FLOOR CEIL and comparisons take binary32 words. The bit counts are ignored.",
  ),
  config_fp16: datatype(
    4,
    "work in DLFloat (1-6-9)",
    "ADD SUB MUL MACC DIV MAX MIN RELU LEAKY_RELU ABS SIGN and comparisons take DLFloat in the low 16 bits. The bit counts are ignored.",
  ),

  ld_config_base_addr: daeBaseAddr(0, "a load"),
  ld_config_base_loop_iter: daeIter(1, "a load", "base"),
  ld_config_base_loop_stride: daeStride(2, "a load", "base"),
  ld_config_tile_loop_iter: daeIter(3, "a load", "tile"),
  ld_config_tile_loop_stride: daeStride(4, "a load", "tile"),
  ld_start: daeStart(
    5,
    "a load",
    `${START_COMMON} LD sign-extends to 32-bit words; lanes a run does not cover keep their value. Namespaces VMEM1, VMEM2; others trap.`,
  ),
  ld_config_tile_addr: daeTileAddr(6, "a load"),
  st_config_base_addr: daeBaseAddr(8, "a store"),
  st_config_base_loop_iter: daeIter(9, "a store", "base"),
  st_config_base_loop_stride: daeStride(10, "a store", "base"),
  st_config_tile_loop_iter: daeIter(11, "a store", "tile"),
  st_config_tile_loop_stride: daeStride(12, "a store", "tile"),
  st_start: daeStart(
    13,
    "a store",
    `${START_COMMON} ST writes the low bits without saturation. Namespaces VMEM1, VMEM2, owned OBUF; of IBUF it moves nothing and opens the next block's input (below: input of the next block).`,
  ),
  st_config_tile_addr: daeTileAddr(14, "a store"),

  iter_base_signext: iteratorWord(0, "base", SIGNEXT, F.signedImm),
  iter_base_low: iteratorWord(1, "base", LOW, F.imm),
  iter_base_high: iteratorWord(2, "base", HIGH, F.imm),
  iter_base_zerofill: iteratorWord(3, "base", ZEROFILL, F.imm),
  iter_stride_signext: iteratorWord(4, "stride", SIGNEXT, F.signedImm),
  iter_stride_low: iteratorWord(5, "stride", LOW, F.imm),
  iter_stride_high: iteratorWord(6, "stride", HIGH, F.imm),
  iter_stride_zerofill: iteratorWord(7, "stride", ZEROFILL, F.imm),
  set_imm_low: immWord(8, LOW, F.imm),
  set_imm_high: immWord(9, HIGH, F.imm),
  imm_signext: immWord(10, SIGNEXT, F.signedImm),

  set_index: loop(
    "bind the iterators of the next instruction of the body at the level last opened",
    "The j-th SET_INDEX after a SET_ITER belongs to the j-th instruction of the body. Namespaces of operands that the instruction uses must agree with its own; others are ignored. IMM names a slot and steps nothing; the innermost level's slot is read.",
    fix(4, 7),
    fix(4, 0),
    ...BINDINGS,
  ),
  set_iter: loop(
    "open a level of the nest with its trip count",
    "Levels nest by id, 0 outermost. Opening a level again replaces its bindings. Levels opened since the last nest was cleared must be contiguous from 0 when a compute word runs; a count of 0 traps.",
    fix(4, 7),
    fix(4, 1),
    F.nestLoop,
    fix(5, 0),
    F.count,
  ),
  set_inst: loop(
    "arm the nest: the next `count` compute words are its body",
    "The body runs in order in every innermost iteration; then the nest clears. Operand address = base of the iterator bound at the innermost level + sum over levels trip*stride of the iterator bound there, in rows.",
    fix(4, 7),
    fix(4, 2),
    fix(2, 0),
    F.nested,
    fix(5, 0),
    F.instructions,
  ),

  perm_set_base_addr: perm(
    "word address where a side starts",
    "Sets the low half of the side's 32-bit word address and zeroes the high half. Word w is row floor(w/lanes), bank w mod lanes.",
    fix(4, 8),
    fix(4, 0),
    fix(2, 0),
    F.side,
    fix(5, 0),
    F.imm,
  ),
  perm_set_base_addr_high: permExtension(
    "high half of a side's word address",
    "Sets bits 31:16 of the side's word address; follows perm_set_base_addr.",
    fix(4, 8),
    fix(4, 0),
    fix(2, 0),
    F.side,
    fix(5, 1),
    F.imm,
  ),
  perm_set_loop_iter: perm(
    "trip count of a dimension of a side",
    "The dimensions of a side are those configured since the last START, nested by id, 0 outermost. The trip products of both sides must be equal.",
    fix(4, 8),
    fix(4, 1),
    fix(2, 0),
    F.side,
    F.dim,
    F.countM1,
  ),
  perm_set_loop_stride: perm(
    "stride of a dimension of a side",
    "Signed stride in words, imm sign-extended to 32 bits. A read stride of 0 broadcasts.",
    fix(4, 8),
    fix(4, 2),
    fix(2, 0),
    F.side,
    F.dim,
    F.signedImm,
  ),
  perm_set_loop_stride_high: permExtension(
    "high half of a stride of a side",
    "Sets bits 31:16 of the stride; follows perm_set_loop_stride.",
    fix(4, 8),
    fix(4, 2),
    fix(1, 0),
    fix(1, 1),
    F.side,
    F.dim,
    F.imm,
  ),
  perm_start: perm(
    "copy words from src1_ns to dst_ns",
    "Copies the words one by one in nest order, then clears the configuration. OBUF (owned), VMEM1, VMEM2. Reading a row never written traps; with shuffle 0 a word whose source and destination bank differ traps.",
    fix(4, 8),
    fix(4, 3),
    F.permDst,
    fix(5, 0),
    F.permSrc,
    fix(5, 0),
    fix(7, 0),
    F.shuffle,
  ),

  sa_loop: systolic(
    "configure a systolic loop",
    "Loops nest by id, lowest outermost; a loop not configured has count 1. Cleared at the START of a systolic region.",
    fix(4, 9),
    fix(6, 0),
    fix(1, 0),
    F.saLoop,
    F.countM1,
  ),
  sa_reduction: systolic(
    "mark a reduction loop",
    "The loop accumulates into the same OBUF rows. Reduction tile loops must be innermost among the tile loops with count above 1. The kind is descriptive.",
    fix(4, 9),
    fix(6, 32),
    fix(1, 0),
    F.saLoop,
    fix(13, 0),
    F.kind,
  ),
  sync_start: sync(
    "a region begins",
    "EXEC: the unit's region begins; `count` is the number of words behind this one up to and including the region's END EXEC. Systolic START clears strides, bases, loops, marks, formats and bounds; SIMD START resets the datatype and the window. START with BUF is encodable and traps.",
    fix(4, 10),
    F.unit,
    fix(1, 0),
    F.buf,
    fix(4, 0),
    F.group,
    F.instructions,
  ),
  sync_end: sync(
    "a region ends, or OBUF is released",
    "EXEC ends the region. BUF from SIMD releases the handed-over OBUF half to the array; BUF from systolic is encodable and traps.",
    fix(4, 10),
    F.unit,
    fix(1, 1),
    F.buf,
    fix(4, 0),
    F.group,
    fix(16, 0),
  ),
  block_end: sync("a block ends", "With last = 1 the program ends.", fix(4, 11), fix(27, 0), F.last),
  sa_set_loop_stride: systolic(
    "stride of a buffer in a systolic loop",
    `Signed 32 bits: DRAM bytes for ld and st, on-chip rows for rd and wr. Of tile loops (0..6) ld and st strides count, and rd strides of IBUF. ${LSB_MSB}`,
    fix(4, 12),
    F.half,
    fix(1, 0),
    F.dir,
    F.buffer,
    fix(1, 0),
    F.saLoop,
    F.imm,
  ),
  sa_set_base_addr: systolic(
    "DRAM base address of a buffer",
    `32-bit DRAM byte address. ${LSB_MSB}`,
    fix(4, 13),
    F.half,
    fix(1, 0),
    fix(2, 0),
    F.buffer,
    fix(6, 0),
    F.imm,
  ),
  sa_set_imem_addr: systolic(
    "DRAM base address of the instruction memory",
    "Published, never emitted: .text is already one stream in execution order. Executing it traps.",
    fix(4, 13),
    F.half,
    fix(1, 1),
    fix(10, 0),
    F.imm,
  ),
  sa_ld: systolic(
    "load a buffer",
    "Iterates the loops 14..30 with an LD stride of this buffer, lowest id outermost; `loop` names the last of them (trap otherwise). A request is banks*bytes contiguous bytes of DRAM at BASE + sum index*LD stride over tile and transfer loops; row = sum trip*WR stride + r for the r-th row of the request. Done at the first tile and whenever the trip of one of its tile loops differs from the last load; the buffer then turns over to its other half.",
    fix(4, 14),
    fix(1, 0),
    fix(1, 0),
    fix(2, 0),
    F.buffer,
    fix(1, 0),
    F.saLoop,
    F.bankBytes,
  ),
  sa_st: systolic(
    "store a buffer",
    "As sa_ld with ST strides and RD strides, from OBUF, after each hand-over; only where the block has no SIMD region.",
    fix(4, 14),
    fix(1, 1),
    fix(1, 0),
    fix(2, 0),
    F.buffer,
    fix(1, 0),
    F.saLoop,
    F.bankBytes,
  ),
  sa_ld_imem: systolic(
    "load the instruction memory",
    "Published, never emitted: .text is already one stream in execution order. Executing it traps.",
    fix(4, 14),
    fix(1, 0),
    fix(1, 1),
    fix(4, 0),
    fix(1, 0),
    F.saLoop,
    F.bankBytes,
  ),
  sa_st_imem: systolic(
    "store the instruction memory",
    "Published as a combination of bits, never emitted. Executing it traps.",
    fix(4, 14),
    fix(1, 1),
    fix(1, 1),
    fix(4, 0),
    fix(1, 0),
    F.saLoop,
    F.bankBytes,
  ),

  format: systolicExtension(
    "operand formats of the region",
    "Without it both operands are int8. Reduction elements per pass: int8 1x rows, int4 2x, int2 4x, hfp8 and fp8_bwd 1x, fp16 1/2x. A byte of an IBUF row, and of a row of a WBUF block, holds 2 (int4) or 4 (int2) neighbouring reduction elements, low bits first. Formats go with themselves only, the 8-bit floats with each other, too. Integer sums leave as int32, minifloat sums as DLFloat, accumulated in chunks of 2^chunk_log2 (below: minifloat sums). `bias` is the exponent bias of both hfp8 operands until format_weight_bias sets the weights' own. A format that the machine lacks traps, as does a pair the array does not have.",
    fix(4, 15),
    fix(4, 0),
    fix(3, 0),
    F.chunk,
    fix(3, 0),
    F.bias,
    F.formatW,
    F.formatA,
  ),
  format_weight_bias: systolicExtension(
    "exponent bias of the weights",
    "Of hfp8 weights; stands behind format.",
    fix(4, 15),
    fix(4, 0),
    fix(3, 1),
    fix(8, 0),
    F.bias,
    fix(8, 0),
  ),
  window_base: simdExtension(
    "first row P of a namespace's window",
    "With window_rows Q > 0: in odd tiles the rows [P, P+Q) mean [P+Q, P+2Q), for ALU, permute engine and DAE alike. Acts at tile 0, cleared at the region's START.",
    fix(4, 15),
    fix(4, 1),
    F.windowNs,
    fix(5, 0),
    F.rows,
  ),
  window_rows: simdExtension(
    "rows Q of a namespace's window",
    "0 switches the window off. Acts at tile 0, cleared at the region's START.",
    fix(4, 15),
    fix(4, 2),
    F.windowNs,
    fix(5, 0),
    F.rows,
  ),
  pack: systolicExtension(
    "pack runs of few channels into IBUF rows",
    "Each iteration of the IBUF transfer loops is one run of `run` bytes. Iterations that differ only in loops without WR stride form a window; run j of a window lands at byte bank + j * run behind the window's row, running on into the next row. PAD counts a run in bytes. The source is tight NHWC.",
    fix(4, 15),
    fix(4, 3),
    fix(3, 0),
    fix(5, 0),
    F.run,
    F.bank,
  ),
  pad_dim: eitherExtension(
    "begin a bound of a transfer",
    "coordinate = trip(inner) + trip(outer) * (strideOuter / strideInner), strides being the DRAM strides of those loops for that transfer (run: the row's bytes in DRAM); the ratio must be an exact integer (trap). A pad_dim directly behind another of its target, no pad_low or pad_high between them, adds its terms to the same coordinate, in units of the first one's inner loop. All bounds of a transfer must hold: an LD outside yields the fill without touching memory, an ST outside is dropped. SIMD: sealed by START; systolic: for the region.",
    fix(4, 15),
    fix(4, 4),
    F.target,
    F.inner,
    fix(10, 0),
    F.hasOuter,
    F.outer,
  ),
  pad_low: padWord(
    5,
    "lowest coordinate inside, low half",
    `int32, default 0, of the bound last begun for the target. ${LSB_MSB}`,
  ),
  pad_low_hi: padWord(6, "lowest coordinate inside, high half", "Sets bits 31:16; follows pad_low."),
  pad_high: padWord(
    7,
    "first coordinate outside, low half",
    `int32, default 2^31-1, of the bound last begun for the target. ${LSB_MSB}`,
  ),
  pad_high_hi: padWord(8, "first coordinate outside, high half", "Sets bits 31:16; follows pad_high."),
  pad_fill: padWord(
    9,
    "fill value, low half",
    `int32 (IBUF: its low byte), default 0, of all bounds of the target. ${LSB_MSB}`,
  ),
  pad_fill_hi: padWord(10, "fill value, high half", "Sets bits 31:16; follows pad_fill."),
  ld_index: simdExtension(
    "take a load's position along one tile loop from a list",
    "In the DRAM address, the trip of tile loop `loop` is replaced by the int32 in word trip of the list that starts at row `imm` of the other VMEM (VMEM2 for a load into VMEM1 and vice versa). Requires ld_index_count. Sealed by START.",
    fix(4, 15),
    fix(4, 11),
    fix(1, 0),
    F.daeNs,
    F.daeLoop,
    F.imm,
  ),
  ld_index_count: simdExtension(
    "extent n of the indexed axis, low half",
    `An index i in [-n, 0) means i + n; one outside [-n, n) traps. ${LSB_MSB}`,
    fix(4, 15),
    fix(4, 12),
    fix(1, 0),
    F.daeNs,
    fix(5, 0),
    F.imm,
  ),
  ld_index_count_hi: simdExtension(
    "extent n of the indexed axis, high half",
    "Sets bits 31:16; follows ld_index_count.",
    fix(4, 15),
    fix(4, 13),
    fix(1, 0),
    F.daeNs,
    fix(5, 0),
    F.imm,
  ),
} as const satisfies Record<string, Row>;

export type Op = keyof typeof ISA;
export const OPS = Object.keys(ISA) as readonly Op[];

type Names<S> = S extends { readonly name: infer N extends string } ? N : never;
/** Names of the fields of a form. */
export type Args<M extends Op> = Names<(typeof ISA)[M]["segs"][number]>;

/** One decoded word: `op` and its raw unsigned field values. A discriminated union over `op`. */
export type Inst<M extends Op = Op> = {
  [K in M]: { readonly op: K } & { readonly [F in Args<K>]: number };
}[M];

/** Forms that compute on lanes and have the three operands of layout A. */
export type ComputeOp = { [K in Op]: (typeof ISA)[K] extends { readonly operands: OperandUse } ? K : never }[Op];

export const isCompute = (inst: Inst): inst is Inst<ComputeOp> => "operands" in ISA[inst.op];
