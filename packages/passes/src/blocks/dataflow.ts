/** What a block's tiles keep in place, from the order in which they are walked. */
import type { ComputeBlock } from "@accelc/ir";

/**
 * The operand that stays on the array's side from one step to the next: partial sums where the reduction is tiled, else
 * the one that the innermost tile loop does not move. A block of one tile moves nothing twice.
 */
export const DATAFLOWS = ["output", "weight", "input", "single"] as const;
export type Dataflow = (typeof DATAFLOWS)[number];

/** Undefined for a block without GEMM. */
export function dataflowOf(b: ComputeBlock): Dataflow | undefined {
  const g = b.gemm;
  if (g === null) return undefined;
  if (g.ic.count * g.kh.count * g.kw.count > 1) return "output";
  const inner = b.order.findLast((d) => b.dims[d]!.count > 1);
  if (inner === undefined) return "single";
  return g.weights.strides[inner] === 0 ? "weight" : "input";
}
