import { foldNode, type Node, type ValueId, valueIn } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

function fold(n: Node, r: Rewriter): ValueId | undefined {
  const folded = foldNode(
    n,
    n.inputs.map((i) => valueIn(r.graph, i)),
  );
  return folded && r.constant(folded.type, folded.data, n.outputs[0]!, folded.grid);
}

/**
 * ```
 * %b = reshape(%w) {shape=[256,10]}   // %w constant   →   const %b : float32[256,10]
 * ```
 */
export const foldConstants: Pass = {
  name: "fold-constants",
  doc: "Evaluates operations whose operands are all constants.",
  level: "float",
  run: (g) => rewrite(g, fold),
};
