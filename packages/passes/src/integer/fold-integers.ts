import { allocate, elements, evaluate, type Node, OPS, type OpDef, type ValueId, valueIn } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** What a node computes from constants alone, unless it has more elements than any of them; nothing depends on operands without elements. */
function fold(n: Node, r: Rewriter): ValueId | undefined {
  const { kind } = OPS[n.op] as OpDef<never>;
  if (kind !== "elementwise" && kind !== "movement") return undefined;
  const operands = n.inputs.map((i) => valueIn(r.graph, i));
  const out = valueIn(r.graph, n.outputs[0]!);
  const most = Math.max(0, ...operands.map((v) => elements(v.type.shape)));
  if (elements(out.type.shape) === 0) return r.constant(out.type, allocate(out.type.dtype, 0), out.id);
  if (operands.some((v) => !v.data) || (most > 0 && elements(out.type.shape) > most)) return undefined;
  const values = new Map([...operands, out].map((v) => [v.id, v]));
  const known = evaluate({ name: n.op, values, nodes: [n], inputs: [], outputs: [] }, new Map());
  return r.constant(out.type, known.get(out.id)!, out.id);
}

/**
 * ```
 * %y = ishl(%c, %bits)   // both constant   →   const %y : int32[]
 * ```
 */
export const foldIntegers: Pass = {
  name: "fold-integers",
  doc: "Evaluates element-wise operations and movement whose operands are all constants, where the result is no larger than they, and what has no elements.",
  level: "integer",
  run: (g) => rewrite(g, fold),
};
