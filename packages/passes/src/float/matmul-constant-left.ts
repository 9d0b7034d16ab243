import type { Node, ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** The permutation that exchanges the last two of `rank` axes. */
function swapLast(rank: number): number[] {
  const perm = Array.from({ length: rank }, (_, i) => i);
  return [...perm.slice(0, -2), rank - 1, rank - 2];
}

function swap(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op !== "matmul") return undefined;
  const [a, x, bias] = n.inputs as [ValueId, ValueId, ValueId | undefined];
  if (!r.data(a) || r.data(x)) return undefined;
  const turned = (id: ValueId) => r.add("transpose", [r.at(id)], { perm: swapLast(r.shape(id).length) }, n.loc);
  const product = r.add("matmul", [turned(x), turned(a)], {}, n.loc);
  const perm = swapLast(r.shape(n.outputs[0]!).length);
  if (bias === undefined) return r.add("transpose", [product], { perm }, n.loc, r.as(n));
  return r.add("add", [r.add("transpose", [product], { perm }, n.loc), r.at(bias)], {}, n.loc, r.as(n));
}

/**
 * The array keeps constants on the right: A x = (xᵀ Aᵀ)ᵀ.
 * ```
 * %y = matmul(%A, %x)   →   %p = matmul(transpose(%x), transpose(%A))   // the latter folded later
 *                           %y = transpose(%p)
 * ```
 */
export const matmulConstantLeft: Pass = {
  name: "matmul-constant-left",
  doc: "Writes a matrix product whose left operand alone is constant with the constant on the right, between transposes.",
  level: "float",
  run: (g) => rewrite(g, swap),
};
