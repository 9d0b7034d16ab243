/** Instruction selection: one row per integer operation of the graph, giving the Tandem instructions that carry it out. */
import type { Comparison, OpName } from "@accelc/ir";
import { type ComputeOp, FP8_152_SLOT } from "@accelc/isa";

/** An instruction over the operation's operands: its result, or its input number n. */
export interface Selected {
  readonly op: ComputeOp;
  readonly src1: Pick;
  readonly src2?: Pick;
  readonly shift?: number;
}

export type Pick = number | "dst" | { readonly immediate: number };

/** Starts from a copy of input `from`, unless the result already lies in that input's rows. */
export interface Selection {
  readonly start?: number;
  readonly words: readonly Selected[];
}

type Attrs = Readonly<Record<string, unknown>>;
export type SelectionRule = (attrs: Attrs) => Selection;

const binary =
  (op: ComputeOp): SelectionRule =>
  () => ({ words: [{ op, src1: 0, src2: 1 }] });
const unary =
  (op: ComputeOp): SelectionRule =>
  () => ({ words: [{ op, src1: 0 }] });

const COMPARE: { readonly [K in Comparison]: ComputeOp } = {
  eq: "equal",
  ne: "neq",
  gt: "gt",
  ge: "gte",
  lt: "lt",
  le: "lte",
};
const CAST: { readonly [bits: number]: ComputeOp } = {
  4: "cast_fxp32_fxp4",
  8: "cast_fxp32_fxp8",
  16: "cast_fxp32_fxp16",
};

/** IMM slot of a cast from or to FP8. */
const fp8Slot = (a: Attrs): Pick => ({ immediate: a.format === "fp8e5m2" ? FP8_152_SLOT : (a.bias as number) });
const cast =
  (op: ComputeOp, slot: (a: Attrs) => Pick): SelectionRule =>
  (a) => ({ words: [{ op, src1: 0, src2: slot(a) }] });
const shiftSlot = (a: Attrs): Pick => ({ immediate: a.shift as number });

export const SELECT: { readonly [K in OpName]?: SelectionRule } = {
  identity: unary("move"),
  iadd: binary("add"),
  isub: binary("sub"),
  imul: (a) => ({ words: [{ op: "mul", src1: 0, src2: 1, shift: a.shift as number }] }),
  imacc: () => ({ start: 0, words: [{ op: "macc", src1: 1, src2: 2 }] }),
  idiv: binary("div"),
  imax: binary("max"),
  imin: binary("min"),
  ishr: binary("rshift"),
  ishl: binary("lshift"),
  iand: binary("and"),
  ior: binary("or"),
  inot: unary("not"),
  iabs: unary("abs"),
  isign: unary("sign"),
  icmp: (a) => binary(COMPARE[a.kind as Comparison])(a),
  select: () => ({ start: 2, words: [{ op: "cond_move_true", src1: 1, src2: 0 }] }),
  narrow: (a) => cast(CAST[a.bits as number]!, shiftSlot)(a),
  toFixed: cast("cast_fp16_fxp32", shiftSlot),
  toDlfloat: cast("cast_fxp32_fp16", shiftSlot),
  toFp8: cast("cast_fp16_fp8", fp8Slot),
  fromFp8: cast("cast_fp8_fp16", fp8Slot),
};

/** The instruction that folds one more element into a window's result. */
export const FOLD: { readonly [kind: string]: ComputeOp } = { max: "max", min: "min", sum: "add" };
