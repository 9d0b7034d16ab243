import type { OpAttrs, OpName } from "./ops.js";
import type { Data, Loc, Port, TensorType, Value, ValueId } from "./types.js";

/** One operation in tensor SSA: `outputs` are defined here and nowhere else. */
export interface NodeOf<K extends OpName> {
  readonly op: K;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly attrs: OpAttrs[K];
  readonly loc: Loc;
}
export type Node = { [K in OpName]: NodeOf<K> }[OpName];

/** What the array computes. */
export type GemmNode = NodeOf<"conv"> | NodeOf<"matmul">;
export const isGemm = (n: Node): n is GemmNode => n.op === "conv" || n.op === "matmul";

/** Nodes stand in topological order; every value is a graph input, a constant, or the output of exactly one node. */
export interface Graph {
  readonly name: string;
  readonly values: ReadonlyMap<ValueId, Value>;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export function valueIn(g: Graph, id: ValueId): Value {
  const v = g.values.get(id);
  if (!v) throw new Error(`graph ${g.name} has no value ${id}`);
  return v;
}

export const typeOf = (g: Graph, id: ValueId): TensorType => valueIn(g, id).type;

export const constantOf = (g: Graph, id: ValueId): Data | undefined => valueIn(g, id).data;

/** Nodes that read each value, in graph order; a graph output counts as no node. */
export function consumersOf(g: Graph): ReadonlyMap<ValueId, readonly Node[]> {
  const out = new Map<ValueId, Node[]>();
  for (const n of g.nodes)
    for (const i of new Set(n.inputs)) {
      const list = out.get(i);
      if (list) list.push(n);
      else out.set(i, [n]);
    }
  return out;
}

export function producersOf(g: Graph): ReadonlyMap<ValueId, Node> {
  const out = new Map<ValueId, Node>();
  for (const n of g.nodes) for (const o of n.outputs) out.set(o, n);
  return out;
}

/** The graph without nodes and values that no output needs; inputs stay. */
export function prune(g: Graph): Graph {
  const live = new Set<ValueId>(g.outputs.map((o) => o.value));
  const kept: Node[] = [];
  for (let i = g.nodes.length - 1; i >= 0; i--) {
    const n = g.nodes[i]!;
    if (!n.outputs.some((o) => live.has(o))) continue;
    kept.push(n);
    for (const x of n.inputs) live.add(x);
    for (const x of n.outputs) live.add(x);
  }
  for (const p of g.inputs) live.add(p.value);
  const values = new Map([...g.values].filter(([id]) => live.has(id)));
  return { ...g, nodes: kept.reverse(), values };
}
