import {
  type CodeGrid,
  consumersOf,
  type FakeQuantAttrs,
  type Graph,
  isFloat,
  type Node,
  type OpName,
  type Rounding,
  type ValueId,
} from "@accelc/ir";

/** A grid that the model states for values, of one scale throughout, and how they are rounded to it. */
export interface Pin {
  readonly scale: number;
  readonly zero: number;
  readonly codes: CodeGrid["codes"];
  readonly rounding: Rounding;
}

/** Values that a chain of data movement ties together share one grid. */
export interface Classes {
  /** Representative of the class a float value belongs to. */
  find(id: ValueId): ValueId;
  members(id: ValueId): readonly ValueId[];
  /** The inputs of a node that share the grid of its output. */
  tied(n: Node): readonly ValueId[];
  /** The grid that the model states for the class of a value. */
  pin(id: ValueId): Pin | undefined;
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

/** The one grid of a quantizer; undefined where scales or zero points differ between elements. */
export function pinOf({ scale, zero, codes, rounding }: FakeQuantAttrs): Pin | undefined {
  const [s, z] = [scale[0]!, zero[0]!];
  const one = s > 0 && scale.every((x) => x === s) && zero.every((x) => x === z);
  return one ? { scale: s, zero: z, codes, rounding } : undefined;
}

const agree = (a: Pin | undefined, b: Pin | undefined): boolean =>
  !a || !b || (a.scale === b.scale && a.zero === b.zero && a.codes[0] === b.codes[0] && a.codes[1] === b.codes[1]);

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
  const pins = new Map<ValueId, Pin>();
  for (const n of g.nodes) {
    const pin = n.op === "fakeQuant" ? pinOf(n.attrs) : undefined;
    if (pin) pins.set(n.outputs[0]!, pin);
  }
  const join = (a: ValueId, b: ValueId) => {
    if (a === b || !agree(pins.get(a), pins.get(b))) return;
    parent.set(b, a);
    const pin = pins.get(a) ?? pins.get(b);
    if (pin) pins.set(a, pin);
  };
  for (const n of g.nodes) for (const x of tied(n)) join(find(x), find(n.outputs[0]!));
  const members = new Map<ValueId, ValueId[]>();
  for (const [id, v] of g.values) {
    if (!isFloat(v.type.dtype)) continue;
    const root = find(id);
    const list = members.get(root);
    if (list) list.push(id);
    else members.set(root, [id]);
  }
  for (const p of g.inputs) {
    const root = find(p.value);
    const pin = pins.has(root) ? undefined : quantizedInput(g, members.get(root) ?? [], consumers, tied);
    if (pin) pins.set(root, pin);
  }
  return { find, members: (id) => members.get(find(id)) ?? [], pin: (id) => pins.get(find(id)), tied };
}

/** The grid of a graph input that is moved, and then rounded in one way only: the host rounds it so, ties to even. */
function quantizedInput(
  g: Graph,
  members: readonly ValueId[],
  consumers: ReadonlyMap<ValueId, readonly Node[]>,
  tied: Classes["tied"],
): Pin | undefined {
  if (g.outputs.some((o) => members.includes(o.value))) return undefined;
  const ends = members.flatMap((id) => (consumers.get(id) ?? []).filter((n) => !tied(n).includes(id)));
  const pins = ends.map((n) => (n.op === "fakeQuant" ? pinOf(n.attrs) : undefined));
  const [first] = pins;
  return first?.rounding === "even" && pins.every((p) => p?.rounding === "even" && agree(p, first)) ? first : undefined;
}
