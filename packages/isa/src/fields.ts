/** A run of bits of an instruction word: a constant, or a named field. Listed from bit 31 downwards. */
export interface FixedSeg {
  readonly width: number;
  readonly value: number;
}

export interface FieldSeg<N extends string = string> {
  readonly width: number;
  readonly name: N;
  readonly doc: string;
  /** Names of the values, by value. Where present, a value without a name is not encodable and does not decode. */
  readonly names?: readonly (string | null)[];
  /** The text shows the value as two's complement of its width; the raw field stays unsigned. */
  readonly signed?: true;
}

export type Seg = FixedSeg | FieldSeg;

export const fix = (width: number, value: number): FixedSeg => ({ width, value });

export const arg = <const N extends string>(
  name: N,
  width: number,
  doc: string,
  names?: readonly (string | null)[],
): FieldSeg<N> => (names === undefined ? { name, width, doc } : { name, width, doc, names });

const signed = <const N extends string>(name: N, width: number, doc: string): FieldSeg<N> => ({
  name,
  width,
  doc,
  signed: true,
});

/** Namespace codes of Tandem operands. */
export const NS = { OBUF: 0, IBUF: 1, VMEM1: 2, VMEM2: 3, IMM: 4 } as const;
/** Buffer codes of systolic words. */
export const BUFFER = { WBUF: 0, IBUF: 1, OBUF: 2, BBUF: 3 } as const;
/** Directions of a systolic loop stride: DRAM bytes for LD and ST, on-chip rows for RD and WR. */
export const DIR = { LD: 0, ST: 1, RD: 2, WR: 3 } as const;
/** Unit codes of synchronisation words. */
export const UNIT = { SYSTOLIC: 0, SIMD: 1 } as const;
export const HALF = { LOW: 0, HIGH: 1 } as const;
export const SIDE = { READ: 0, WRITE: 1 } as const;
/** Reduction kinds of `sa_reduction`. */
export const REDUCTION = { INNER_IC: 0, INNER_KW: 1, INNER_KH: 2, OUTER_IC: 4, OUTER_KW: 5, OUTER_KH: 6 } as const;
/** Operand formats of `format`. */
export const FORMAT = { INT8: 0, INT4: 1, INT2: 2, HFP8: 3, FP8_BWD: 4, FP16: 5 } as const;
/** IMM slot of the FP8 casts that means 1-5-2; 0..31 is 1-4-3 under that exponent bias. */
export const FP8_152_SLOT = 32;
/** Systolic loop ids: tile loops 0-6, loops inside a tile 7-13 (order OC, N, IC, KH, KW, OH, OW), transfers 14-30. */
export const SA_LOOPS = { FIRST_TILE: 0, FIRST_INNER: 7, FIRST_TRANSFER: 14, LAST_TRANSFER: 30 } as const;
/** `inner` of `pad_dim` that means the run (request) itself, in units of one on-chip row. */
export const PAD_RUN = 31;

const NS_NAMES = ["obuf", "ibuf", "vmem1", "vmem2", "imm"];
const BUFFER_NAMES = ["wbuf", "ibuf", "obuf", "bbuf"];
const FORMAT_NAMES = ["int8", "int4", "int2", "hfp8", "fp8_bwd", "fp16"];
const REDUCTION_NAMES = ["inner_ic", "inner_kw", "inner_kh", null, "outer_ic", "outer_kw", "outer_kh"];

const operand = <const P extends "dst" | "src1" | "src2">(name: P) =>
  [
    arg(`${name}_ns`, 3, `namespace of ${name}`, NS_NAMES),
    arg(`${name}_ix`, 5, `iterator of ${name} outside a nest (IMM: the slot); ignored inside a nest`),
  ] as const;

/** Layout A without opcode and function: three operands of namespace and index. */
export const OPERANDS = [...operand("dst"), ...operand("src1"), ...operand("src2")] as const;

const binding = <const P extends "dst" | "src1" | "src2">(name: P) =>
  [
    arg(`${name}_ns`, 3, `namespace of ${name}`, NS_NAMES),
    arg(`${name}_ix`, 5, `iterator that steps ${name} at this level (IMM: the slot)`),
  ] as const;

export const BINDINGS = [...binding("dst"), ...binding("src1"), ...binding("src2")] as const;

export const F = {
  half: arg("half", 1, "half of the 32-bit value that imm sets: low first, high second", ["low", "high"]),
  imm: arg("imm", 16, "half of a 32-bit value"),
  signedImm: signed("imm", 16, "16-bit value"),
  ns: arg("ns", 3, "namespace", NS_NAMES),
  daeNs: arg("ns", 2, "namespace", NS_NAMES.slice(0, 4)),
  permDst: arg("dst_ns", 3, "namespace written", NS_NAMES),
  permSrc: arg("src1_ns", 3, "namespace read", NS_NAMES),
  windowNs: arg("ns", 3, "namespace: VMEM1 or VMEM2", [null, null, "vmem1", "vmem2"]),
  ix: arg("ix", 5, "iterator"),
  slot: arg("slot", 5, "IMM slot"),
  rows: arg("imm", 16, "rows"),
  daeLoop: arg("loop", 5, "loop id, the lowest outermost"),
  saLoop: arg("loop", 5, "systolic loop id: 0-6 tile, 7-13 inside a tile, 14-30 transfer"),
  nestLoop: arg("loop", 3, "level of the nest, 0 outermost"),
  count: arg("count", 16, "trip count (not minus one; 0 traps)"),
  countM1: arg("count_minus_1", 16, "trip count minus one"),
  instructions: arg("count", 16, "number of instructions"),
  bitsM1: arg("bits_minus_1", 5, "element width in DRAM in bits, minus one"),
  runBytes: arg("bytes", 16, "bytes of an innermost run"),
  bankBytes: arg("bytes", 16, "request size in bytes per bank"),
  buffer: arg("buffer", 2, "buffer", BUFFER_NAMES),
  dir: arg("dir", 2, "what the stride moves", ["ld", "st", "rd", "wr"]),
  unit: arg("unit", 1, "unit", ["systolic", "simd"]),
  buf: arg("buf", 1, "what is signalled: execution or buffer", ["exec", "buf"]),
  group: arg("group", 5, "group id"),
  last: arg("last", 1, "1: the last block of the program"),
  nested: arg("nested", 1, "1 if and only if the nest has more than one level"),
  side: arg("side", 1, "side of the permutation", ["read", "write"]),
  dim: arg("dim", 5, "dimension, 0 outermost"),
  shuffle: arg("shuffle", 1, "0: every word keeps its bank; 1: any bank"),
  dstBits: arg("dst_bits", 5, "integer bits of dst"),
  src1Bits: arg("src1_bits", 5, "integer bits of src1"),
  src2Bits: arg("src2_bits", 5, "integer bits of src2"),
  kind: arg("kind", 3, "which reduction", REDUCTION_NAMES),
  chunk: arg("chunk_log2", 5, "log2 of the accumulation chunk length (minifloats)"),
  formatA: arg("a", 4, "format of the input operand", FORMAT_NAMES),
  formatW: arg("w", 4, "format of the weight operand", FORMAT_NAMES),
  bias: arg("bias", 5, "exponent bias of hfp8 operands"),
  run: arg("run", 8, "bytes of a run"),
  bank: arg("bank", 8, "first bank written"),
  target: arg(
    "target",
    3,
    "systolic region: buffer code (WBUF 0, IBUF 1, OBUF 2, BBUF 3); SIMD region: bits 1:0 namespace, bit 2 LD 0 / ST 1",
  ),
  inner: arg("inner", 5, "transfer loop (systolic) or tile loop (SIMD); 31 = the run itself, in rows"),
  hasOuter: arg("has_outer", 1, "1: there is an outer loop"),
  outer: arg("outer", 5, "systolic tile loop 0-6 or DAE base loop"),
} as const;
