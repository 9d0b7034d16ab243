import {
  type CodeGrid,
  CompilerBug,
  constantOf,
  consumersOf,
  type Data,
  type Graph,
  GraphBuilder,
  type Loc,
  type NewValue,
  type Node,
  type NodeOf,
  type OpAttrs,
  type OpName,
  producersOf,
  prune,
  type TensorType,
  typeOf,
  type Value,
  type ValueId,
  valueIn,
} from "@accelc/ir";

/**
 * Answers a node with the value, in the graph under construction, that stands for the node's output from now on; or with
 * undefined, and the node is kept. The value must have the type of the output it replaces.
 */
export type Rule = (n: Node, r: Rewriter) => ValueId | undefined;

/**
 * One sweep over a graph in topological order. Identifiers given to and by `old` methods are the old graph's; those of
 * `at`, `add` and `constant` the new one's. Every old constant and input keeps its identifier.
 */
export class Rewriter {
  private readonly builder: GraphBuilder;
  private readonly map = new Map<ValueId, ValueId>();
  private readonly sources = new Map<ValueId, string>();
  private readonly producers: ReadonlyMap<ValueId, Node>;
  private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>;
  private readonly results: ReadonlySet<ValueId>;
  /** Rules that applied so far. */
  changes = 0;

  constructor(readonly graph: Graph) {
    this.builder = new GraphBuilder(graph.name);
    this.producers = producersOf(graph);
    this.consumers = consumersOf(graph);
    this.results = new Set(graph.outputs.map((o) => o.value));
    for (const v of graph.values.values())
      if (v.data || graph.inputs.some((p) => p.value === v.id)) this.map.set(v.id, this.builder.adopt(v));
  }

  /** The old node that defines `id`, if it is of kind `op`. */
  producer<K extends OpName>(id: ValueId, op: K): NodeOf<K> | undefined {
    const n = this.producers.get(id);
    return n?.op === op ? (n as unknown as NodeOf<K>) : undefined;
  }

  producerOf(id: ValueId): Node | undefined {
    return this.producers.get(id);
  }

  /** True where exactly one node reads `id` and no graph output does. */
  single(id: ValueId): boolean {
    return this.consumers.get(id)?.length === 1 && !this.results.has(id);
  }

  /** Old nodes that read `id`, in graph order. */
  readersOf(id: ValueId): readonly Node[] {
    return this.consumers.get(id) ?? [];
  }

  isGraphOutput(id: ValueId): boolean {
    return this.results.has(id);
  }

  type(id: ValueId): TensorType {
    return typeOf(this.graph, id);
  }

  shape(id: ValueId): readonly number[] {
    return typeOf(this.graph, id).shape;
  }

  data(id: ValueId): Data | undefined {
    return constantOf(this.graph, id);
  }

  /** The grid that the model states for a constant. */
  grid(id: ValueId): CodeGrid | undefined {
    return valueIn(this.graph, id).grid;
  }

  /** The new value that stands for the old one. */
  at(id: ValueId): ValueId {
    const v = this.map.get(id);
    if (v === undefined) throw new CompilerBug("rewriter", `${id} has no counterpart yet`);
    return v;
  }

  value(id: ValueId): Value {
    return this.builder.value(id);
  }

  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], loc: Loc, at: NewValue = {}): ValueId {
    return this.builder.add(op, inputs, attrs, loc, at);
  }

  constant(type: TensorType, data: Data, id: string, grid?: CodeGrid): ValueId {
    return this.builder.constant(type, data, { id, ...(grid ? { grid } : {}) });
  }

  /** Identifier and grid of the node's output, for the node that replaces it. */
  as(n: Node): NewValue {
    const v = valueIn(this.graph, n.outputs[0]!);
    return { id: v.id, ...(v.type.quant ? { quant: v.type.quant } : {}) };
  }

  /** Name and source for a value that holds the elements of the node's output in the same row-major order under another shape. */
  reshaped(n: Node): NewValue {
    const v = valueIn(this.graph, n.outputs[0]!);
    return { id: `${v.id}.${n.op}`, ...(v.source === undefined ? {} : { source: v.source }) };
  }

  /** Applies `rule` to the node, or copies it. */
  visit(n: Node, rule: Rule): void {
    const out = valueIn(this.graph, n.outputs[0]!);
    const replaced = rule(n, this);
    if (replaced !== undefined) this.changes++;
    const inputs = n.inputs.map((i) => this.at(i));
    const next = replaced ?? this.builder.add(n.op, inputs, n.attrs as never, n.loc, this.as(n));
    this.map.set(out.id, next);
    if (out.source !== undefined && !this.sources.has(next) && this.value(next).source === undefined)
      this.sources.set(next, out.source);
  }

  finish(): Graph {
    const g = this.builder.finish();
    for (const n of g.nodes) if (n.op === "reshape") this.handBack(n);
    const values = new Map([...g.values].map(([id, v]) => [id, this.named(v)] as const));
    const outputs = this.graph.outputs.map((o) => ({ ...o, value: this.at(o.value) }));
    return prune({ ...g, values, inputs: this.graph.inputs, outputs });
  }

  /** The operand of a reshape holds its elements: where it has no name, it takes the reshape's, which may become dead. */
  private handBack(reshape: Node): void {
    const [x, y] = [this.value(reshape.inputs[0]!), this.value(reshape.outputs[0]!)];
    const source = this.sources.get(y.id) ?? y.source;
    if (source !== undefined && x.source === undefined && !x.data && !this.sources.has(x.id))
      this.sources.set(x.id, source);
  }

  private named(v: Value): Value {
    const source = this.sources.get(v.id);
    return source === undefined ? v : { ...v, source };
  }
}

/**
 * Sweeps `rule` over the graph until it applies nowhere, and removes what became dead. A replacement takes over the
 * `source` of the value it replaces unless it has one of its own; a value with a source holds that tensor's elements in
 * row-major order, possibly under another shape.
 */
export function rewrite(g: Graph, rule: Rule): Graph {
  const limit = 16 + g.nodes.length;
  let graph = prune(g);
  for (let sweep = 0; sweep < limit; sweep++) {
    const r = new Rewriter(graph);
    for (const n of graph.nodes) r.visit(n, rule);
    if (r.changes === 0) return graph;
    graph = r.finish();
  }
  throw new CompilerBug("rewriter", `a rule still applies after ${limit} sweeps`);
}
