import type { Node, NodeOf, ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** Axes of a product's operands beyond which the reshape stays: lanes, rows, and two to walk. */
const MOST_AXES = 4;

function raise(n: Node, r: Rewriter): ValueId | undefined {
  const from = n.op === "reshape" && r.single(n.inputs[0]!) ? r.producer(n.inputs[0]!, "matmul") : undefined;
  if (!from) return undefined;
  const { shape } = (n as unknown as NodeOf<"reshape">).attrs;
  const [x, w, ...bias] = from.inputs as readonly [ValueId, ValueId, ...ValueId[]];
  const plain = r.data(w) !== undefined && r.shape(w).length === 2 && bias.every((b) => r.shape(b).length === 1);
  const keeps = shape.length >= 2 && shape.length <= MOST_AXES && shape.at(-1) === r.shape(w)[1];
  if (!plain || !keeps || r.shape(x).length < 2) return undefined;
  const rows = [...shape.slice(0, -1), r.shape(w)[0]!];
  const moved = r.add("reshape", [r.at(x)], { shape: rows }, n.loc, { id: `${n.outputs[0]}.rows` });
  return r.add("matmul", [moved, ...[w, ...bias].map((i) => r.at(i))], from.attrs, from.loc, r.as(n));
}

/**
 * ```
 * %a = reshape(%x) {shape=[128,768]}
 * %b = matmul(%a, %w)                     →   %a = reshape(%x) {shape=[1,128,768]}
 * %y = reshape(%b) {shape=[1,128,3072]}       %y = matmul(%a, %w)
 * ```
 */
export const raiseReshapes: Pass = {
  name: "raise-reshapes",
  doc: "Moves a reshape that keeps the last axis ahead of the product by a constant matrix that it follows, where reshapes meet, so that arithmetic finds the product in its own shape.",
  level: "float",
  run: (g) => rewrite(g, raise),
};
