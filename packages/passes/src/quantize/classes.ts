import { consumersOf, type Graph, isFloat, type Node, type OpName, type ValueId } from "@accelc/ir";

/** Values that a chain of data movement ties together share one grid. */
export interface Classes {
  /** Representative of the class a float value belongs to. */
  find(id: ValueId): ValueId;
  members(id: ValueId): readonly ValueId[];
  /** The inputs of a node that share the grid of its output. */
  tied(n: Node): readonly ValueId[];
}

const PRESERVING: ReadonlySet<OpName> = new Set<OpName>([
  "reshape",
  "transpose",
  "slice",
  "pad",
  "expand",
  "gather",
  "identity",
  "cast",
  "maxPool",
]);

const dtypeOf = (g: Graph, id: ValueId) => g.values.get(id)!.type.dtype;

function tiedInputs(g: Graph, n: Node, consumers: ReadonlyMap<ValueId, readonly Node[]>): readonly ValueId[] {
  if (!isFloat(dtypeOf(g, n.outputs[0]!))) return [];
  if (n.op === "concat") return n.inputs.filter((i) => consumers.get(i)!.length === 1);
  const x = n.inputs[0];
  if (x === undefined) return [];
  return PRESERVING.has(n.op) && isFloat(dtypeOf(g, x)) ? [x] : [];
}

/** Classes of a graph, in which the nodes `free` tie nothing. */
export function classesOf(g: Graph, free: ReadonlySet<Node> = new Set()): Classes {
  const parent = new Map<ValueId, ValueId>();
  const find = (id: ValueId): ValueId => {
    let root = id;
    while (parent.has(root)) root = parent.get(root)!;
    for (let at = id; at !== root; ) {
      const next = parent.get(at)!;
      parent.set(at, root);
      at = next;
    }
    return root;
  };
  const consumers = consumersOf(g);
  const tied = (n: Node) => (free.has(n) ? [] : tiedInputs(g, n, consumers));
  for (const n of g.nodes)
    for (const x of tied(n)) {
      const [a, b] = [find(x), find(n.outputs[0]!)];
      if (a !== b) parent.set(b, a);
    }
  const members = new Map<ValueId, ValueId[]>();
  for (const [id, v] of g.values) {
    if (!isFloat(v.type.dtype)) continue;
    const root = find(id);
    const list = members.get(root);
    if (list) list.push(id);
    else members.set(root, [id]);
  }
  return { find, members: (id) => members.get(find(id)) ?? [], tied };
}
