import { type Graph, isFloat, type OpName, producersOf, type ValueId } from "@accelc/ir";

/** Operations through which an additive mask reaches its softmax. */
const CARRIES: ReadonlySet<OpName> = new Set<OpName>([
  "add",
  "where",
  "reshape",
  "transpose",
  "slice",
  "expand",
  "concat",
  "identity",
  "minimum",
  "maximum",
  "mul",
  "sub",
  "cast",
]);

/** Float values that lead to a softmax by additions, selections and movement alone, where very negative means absent. */
export function maskedValues(g: Graph): ReadonlySet<ValueId> {
  const producers = producersOf(g);
  const out = new Set<ValueId>();
  const visit = (id: ValueId): void => {
    if (out.has(id) || !isFloat(g.values.get(id)!.type.dtype)) return;
    out.add(id);
    const n = producers.get(id);
    if (n && CARRIES.has(n.op)) n.inputs.forEach(visit);
  };
  for (const n of g.nodes) if (n.op === "softmax") n.inputs.forEach(visit);
  return out;
}
