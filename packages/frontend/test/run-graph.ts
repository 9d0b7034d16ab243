import { type Data, type FoldableNode, foldNode, type Graph, type Value } from "@accelc/ir";

/** Runs a float graph by folding its nodes on the given inputs; the results by output name. */
export function runGraph(g: Graph, inputs: Readonly<Record<string, Data>>): Map<string, Value> {
  const values = new Map(g.values);
  for (const p of g.inputs) values.set(p.value, { ...values.get(p.value)!, data: inputs[p.name]! });
  for (const n of g.nodes) {
    const out = foldNode(
      n as FoldableNode,
      n.inputs.map((id) => values.get(id)!),
    );
    if (!out) throw new Error(`${n.op} at ${n.loc.node} does not fold`);
    values.set(n.outputs[0]!, { ...values.get(n.outputs[0]!)!, data: out.data });
  }
  return new Map(g.outputs.map((o) => [o.name, values.get(o.value)!]));
}
