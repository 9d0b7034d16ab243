import { elements, type Graph, type Node, type NodeOf, type ValueId } from "@accelc/ir";
import { difference, type Fixed } from "../functions/index.js";
import type { Context } from "./context.js";
import { emitterOf, fixedOperand, formOfFixed } from "./fixed.js";
import type { Form } from "./form.js";

/**
 * Is the node a difference of a tensor and of something that was reduced to an eighth of its elements or fewer, as x − mean? It is
 * then one instruction in the tensor's own unit, to which the reduced operand is rounded on its own shape.
 */
export function isCentering(g: Graph, producer: (id: ValueId) => Node | undefined, n: Node | undefined): boolean {
  if (n?.op !== "sub") return false;
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  const count = (id: ValueId) => elements(g.values.get(id)!.type.shape);
  const [more, fewer] = count(a) >= count(b) ? [a, b] : [b, a];
  return producer(fewer)?.op === "reduce" && !g.values.get(more)!.data && 8 * count(fewer) <= count(more);
}

/** The difference in the unit of its larger operand, or the finest that holds it. */
export function centered(c: Context, n: NodeOf<"sub">): Form {
  const [x, y] = n.inputs.map((i) => fixedOperand(c, i)) as [Fixed, Fixed];
  const [a, b] = n.inputs.map((i) => elements(c.graph.values.get(i)!.type.shape)) as [number, number];
  const { unit } = a >= b ? x : y;
  return formOfFixed(c, difference(emitterOf(c, n), x, y, unit), c.graph.values.get(n.outputs[0]!)!.type.shape);
}
