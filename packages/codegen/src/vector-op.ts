/** Vector instructions over loops: what they touch, when they may take turns, which loops are one. */
import type { Loc } from "@accelc/ir";
import { type ComputeOp, type Inst, NS } from "@accelc/isa";
import { INT32_MAX, INT32_MIN } from "@accelc/numerics";
import { iteratorKey } from "./slots.js";

/** Rows of a namespace, walked by one stride per loop. */
export interface RowOperand {
  readonly namespace: "OBUF" | "IBUF" | "VMEM1" | "VMEM2";
  readonly row: number;
  readonly strides: readonly number[];
}

export type Operand = RowOperand | { readonly immediate: number };

export interface VectorOp {
  readonly op: ComputeOp;
  readonly dst: Operand;
  readonly src1: Operand;
  readonly src2?: Operand;
  /** Right shift of a multiplication, saturating; absent where the operation has none. */
  readonly shift?: number;
  /** The ONNX node that its word belongs to. */
  readonly loc?: Loc;
}

/** The iterator that walks `o` along a loop: the address begins at the base of the innermost level's. */
export const keyAt = (o: RowOperand, loop: number, innermost: boolean): string =>
  iteratorKey(innermost ? o.row : undefined, o.strides[loop] ?? 0);

/** round(a m / 2^s) = round(a m 2^k / 2^(s + k)): a product with an immediate under another shift, where int32 holds the factor. */
export function withShift(op: VectorOp, shift: number): VectorOp | undefined {
  if (op.shift === undefined || op.shift === shift) return op;
  const by = 2 ** (shift - op.shift);
  const scaled = (o: Operand | undefined): Operand | undefined => {
    if (!o || !("immediate" in o)) return undefined;
    const immediate = o.immediate * by;
    return Number.isInteger(immediate) && immediate >= INT32_MIN && immediate <= INT32_MAX ? { immediate } : undefined;
  };
  const src1 = scaled(op.src1);
  if (src1) return { ...op, shift, src1 };
  const src2 = scaled(op.src2);
  return src2 && { ...op, shift, src2 };
}

export const operandsOf = (op: VectorOp): readonly Operand[] => [op.dst, op.src1, ...(op.src2 ? [op.src2] : [])];

/**
 * Whether two operations may take turns, iteration by iteration, instead of one running through before the other: what one
 * writes, the other touches in the same iteration or not at all.
 */
export function independent(extents: readonly number[], a: VectorOp, b: VectorOp): boolean {
  const apart = (written: Operand, other: Operand): boolean => {
    if ("immediate" in written || "immediate" in other || written.namespace !== other.namespace) return true;
    const moved = extents.flatMap((x, i) => (x > 1 ? [i] : []));
    const end = (o: RowOperand) => o.row + moved.reduce((n, i) => n + (extents[i]! - 1) * (o.strides[i] ?? 0), 0) + 1;
    if (written.row >= end(other) || other.row >= end(written)) return true;
    const together = moved.every((i) => (written.strides[i] ?? 0) === (other.strides[i] ?? 0) && written.strides[i]);
    return written.row === other.row && together;
  };
  return operandsOf(b).every((o) => apart(a.dst, o)) && operandsOf(a).every((o) => apart(b.dst, o));
}

/** Drops loops of one trip and joins neighbours that every operand walks as one; `keep` maps levels to original loops. */
export function coalesce(
  extents: readonly number[],
  ops: readonly VectorOp[],
): { readonly loops: number[]; readonly keep: number[] } {
  const operands = ops.flatMap(operandsOf);
  const loops: number[] = [];
  const keep: number[] = [];
  for (let i = extents.length - 1; i >= 0; i--) {
    if (extents[i] === 1) continue;
    const inner = keep[0];
    const joins =
      inner !== undefined &&
      loops[0]! * extents[i]! <= 0xffff &&
      operands.every((o) => "immediate" in o || (o.strides[i] ?? 0) === (o.strides[inner] ?? 0) * loops[0]!);
    if (joins) loops[0]! *= extents[i]!;
    else {
      loops.unshift(extents[i]!);
      keep.unshift(i);
    }
  }
  return loops.length > 0 ? { loops, keep } : { loops: [1], keep: [-1] };
}

export function computeWord(op: VectorOp) {
  const ns = (o: Operand | undefined) => (o === undefined ? 0 : "immediate" in o ? NS.IMM : NS[o.namespace]);
  const word = {
    op: op.op,
    dst_ns: ns(op.dst),
    dst_ix: 0,
    src1_ns: ns(op.src1),
    src1_ix: 0,
    src2_ns: ns(op.src2),
    src2_ix: 0,
  };
  return word as Inst<ComputeOp>;
}
