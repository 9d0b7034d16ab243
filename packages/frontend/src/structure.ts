import { type Diagnostic, diag, type Loc } from "@accelc/ir";
import type { GraphProto, NodeProto } from "./proto.js";

/** A node of the ONNX graph and its place in the file. */
export interface Placed {
  readonly node: NodeProto;
  readonly loc: Loc;
  /** Tensors of this graph and those around it that the node's own graphs read. */
  readonly captured: readonly string[];
}

export interface Structure {
  /** Nodes that the graph's outputs need, each after those it reads from; in file order where that is such an order. */
  readonly nodes: readonly Placed[];
  /** Tensors that those nodes and the graph's outputs read. */
  readonly read: ReadonlySet<string>;
  /** Every tensor name of the graph. */
  readonly names: ReadonlySet<string>;
}

/** The node's name, or its operator and index where it has none. */
export function nodeLoc(model: string, node: NodeProto, index: number): Loc {
  const op = node.opType ?? "";
  return { model, node: node.name || `${op} #${index}`, op };
}

const REMEDY = "check the model with the ONNX checker and export it again";
const given = (names: readonly string[] | null | undefined): string[] => (names ?? []).filter((n) => n !== "");

/** Names that the graphs in a node's attributes read and do not define. */
export function captured(node: NodeProto): string[] {
  const names = new Set<string>();
  for (const a of node.attribute ?? [])
    for (const g of a.g ? [a.g, ...(a.graphs ?? [])] : (a.graphs ?? []))
      for (const name of freeNames(g)) names.add(name);
  return [...names];
}

function freeNames(g: GraphProto): string[] {
  const own = new Set(given([...(g.initializer ?? []), ...(g.input ?? [])].map((t) => t.name ?? "")));
  for (const node of g.node ?? []) for (const o of node.output ?? []) own.add(o);
  const read = (g.node ?? []).flatMap((node) => [...given(node.input), ...captured(node)]);
  return [...read, ...given((g.output ?? []).map((o) => o.name ?? ""))].filter((name) => !own.has(name));
}

/** Live nodes in topological order; missing and double definitions and cycles are reported. `around`: names defined outside. */
export function structureOf(
  g: GraphProto,
  model: string,
  around?: { has(name: string): boolean },
): { structure: Structure; problems: Diagnostic[] } {
  const problems: Diagnostic[] = [];
  const nodes = (g.node ?? []).map((node, i) => ({ node, loc: nodeLoc(model, node, i), captured: captured(node) }));
  const fixed = new Set(given([...(g.initializer ?? []), ...(g.input ?? [])].map((t) => t.name ?? "")));
  for (const s of g.sparseInitializer ?? []) if (s.values?.name) fixed.add(s.values.name);
  const producer = new Map<string, number>();
  nodes.forEach(({ node, loc }, i) => {
    for (const o of given(node.output)) {
      if (producer.has(o) || fixed.has(o)) problems.push(diag("FE2006", loc, { tensor: JSON.stringify(o) }, REMEDY));
      else producer.set(o, i);
    }
  });
  problems.push(...listedTwice(g, model, around !== undefined));
  const known = (name: string): boolean => producer.has(name) || fixed.has(name) || around?.has(name) === true;
  const outputs = given((g.output ?? []).map((o) => o.name ?? ""));
  const missing = (tensor: string, loc: Partial<Loc>, op: string) =>
    problems.push(diag("FE2005", loc, { tensor: JSON.stringify(tensor), op }, REMEDY));
  for (const o of outputs) if (!known(o)) missing(o, { model }, "the graph's outputs");
  const { order, cycle } = sorted(nodes, producer, outputs);
  if (cycle)
    problems.push(
      diag("FE2003", cycle[0]!.loc, { nodes: cycle.map((p) => JSON.stringify(p.loc.node)).join(", ") }, REMEDY),
    );
  const read = new Set(outputs);
  for (const { node, loc, captured: more } of order)
    for (const name of [...given(node.input), ...more]) {
      read.add(name);
      if (!known(name)) missing(name, loc, loc.op);
    }
  return { structure: { nodes: order, read, names: new Set([...fixed, ...producer.keys()]) }, problems };
}

/** A graph inside a node may give one tensor as several outputs. */
function listedTwice(g: GraphProto, model: string, nested: boolean): Diagnostic[] {
  const again = (list: readonly { readonly name?: string | null }[] | null | undefined): string[] => {
    const seen = new Set<string>();
    const twice = new Set<string>();
    for (const { name } of list ?? []) (seen.has(name ?? "") ? twice : seen).add(name ?? "");
    return [...twice];
  };
  return [...again(g.initializer), ...again(g.input), ...(nested ? [] : again(g.output))].map((n) =>
    diag("FE2006", { model }, { tensor: JSON.stringify(n) }, REMEDY),
  );
}

/** Depth-first order from the outputs, roots taken in file order; the first cycle found, if any. */
function sorted(
  nodes: readonly Placed[],
  producer: ReadonlyMap<string, number>,
  outputs: readonly string[],
): { order: Placed[]; cycle?: Placed[] } {
  const sources = nodes.map(({ node, captured: more }) =>
    [...given(node.input), ...more].flatMap((n) => producer.get(n) ?? []),
  );
  const live = reachable(
    sources,
    outputs.flatMap((o) => producer.get(o) ?? []),
  );
  const state = new Uint8Array(nodes.length);
  const order: Placed[] = [];
  for (let root = 0; root < nodes.length; root++) {
    if (!live.has(root) || state[root] !== 0) continue;
    const stack: { at: number; next: number }[] = [{ at: root, next: 0 }];
    state[root] = 1;
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const source = sources[top.at]![top.next++];
      if (source === undefined) {
        state[top.at] = 2;
        order.push(nodes[top.at]!);
        stack.pop();
      } else if (state[source] === 1) {
        const from = stack.findIndex((f) => f.at === source);
        return { order, cycle: dataFlow(stack.slice(from).map((f) => nodes[f.at]!)) };
      } else if (state[source] === 0) {
        state[source] = 1;
        stack.push({ at: source, next: 0 });
      }
    }
  }
  return { order };
}

/** From "reads from the next" to "feeds the next", beginning with the same node. */
const dataFlow = ([first, ...rest]: readonly Placed[]): Placed[] => [first!, ...rest.reverse()];

function reachable(sources: readonly (readonly number[])[], roots: readonly number[]): Set<number> {
  const seen = new Set(roots);
  const queue = [...seen];
  for (let at = queue.pop(); at !== undefined; at = queue.pop())
    for (const s of sources[at]!)
      if (!seen.has(s)) {
        seen.add(s);
        queue.push(s);
      }
  return seen;
}
