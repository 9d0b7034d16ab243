import { type Data, foldNode, type Graph, type ValueId } from "@accelc/ir";

/** Every value of a float graph, each operation evaluated on its operands as if they were constants. */
export function floatValues(g: Graph, inputs: ReadonlyMap<string, Data>): Map<ValueId, Data> {
  const out = new Map<ValueId, Data>();
  for (const v of g.values.values()) if (v.data) out.set(v.id, v.data);
  for (const p of g.inputs) out.set(p.value, inputs.get(p.name)!);
  for (const n of g.nodes) {
    const operands = n.inputs.map((id) => ({ ...g.values.get(id)!, data: out.get(id)! }));
    const folded = foldNode(n, operands);
    if (!folded) throw new Error(`no float value for ${n.op}`);
    out.set(n.outputs[0]!, folded.data);
  }
  return out;
}

/** Largest difference of two tensors where the first is finite, relative to its magnitude. */
export function relativeError(want: ArrayLike<number>, got: ArrayLike<number>): number {
  if (want.length !== got.length) return Number.POSITIVE_INFINITY;
  let [diff, top] = [0, 1e-3];
  for (let i = 0; i < want.length; i++) {
    if (!Number.isFinite(want[i])) continue;
    top = Math.max(top, Math.abs(want[i]!));
    const d = Math.abs(want[i]! - got[i]!);
    diff = Number.isNaN(d) ? Number.POSITIVE_INFINITY : Math.max(diff, d);
  }
  return diff / top;
}
