/** A model in pieces that run one after another: what a piece reads of earlier ones are its inputs. */
import type { AttributeProto, GraphProto, NodeProto } from "@accelc/frontend";

export interface Piece {
  readonly nodes: readonly NodeProto[];
  /** Everything that the nodes read by name. */
  readonly reads: ReadonlySet<string>;
  /** Wanted tensors that it computes. */
  readonly wanted: readonly string[];
  /** What it computes for later pieces. */
  readonly kept: readonly string[];
}

export interface CutOptions {
  readonly wanted: ReadonlySet<string>;
  /** Bytes of a sample's tensor, 0 where they are not known. */
  readonly bytesOf: (tensor: string) => number;
  /** Bytes of weights and wanted tensors that a piece has at most, unless a single node has more. */
  readonly most: number;
}

const graphsOf = (a: AttributeProto): readonly GraphProto[] => (a.g ? [a.g] : (a.graphs ?? []));

/** What a node reads, what graphs in its attributes read included. */
function readsOf(node: NodeProto): string[] {
  const inner = (node.attribute ?? [])
    .flatMap(graphsOf)
    .flatMap((g) => [...(g.node ?? []).flatMap(readsOf), ...(g.output ?? []).map((o) => o.name ?? "")]);
  return [...(node.input ?? []), ...inner].filter((name) => name !== "");
}

const outputsOf = (node: NodeProto): string[] => (node.output ?? []).filter((name) => name !== "");

/** Constants go with whoever reads them: some kernels treat a constant otherwise than an input. */
export const isConstant = (node: NodeProto): boolean => node.opType === "Constant" && !node.domain;

const sum = (names: readonly string[], f: (name: string) => number): number => names.reduce((n, x) => n + f(x), 0);

/** Bytes of every initializer, by name. */
const weightsOf = (graph: GraphProto): ReadonlyMap<string, number> =>
  new Map((graph.initializer ?? []).map((t) => [t.name ?? "", t.rawData?.length ?? 0]));

/** Runs of nodes, each with the weights it is the first to read and its wanted tensors within the limit. */
function runsOf(graph: GraphProto, o: CutOptions): NodeProto[][] {
  const weights = weightsOf(graph);
  const runs: NodeProto[][] = [];
  let read = new Set<string>();
  let bytes = Number.POSITIVE_INFINITY;
  for (const node of graph.node ?? []) {
    if (isConstant(node) && !outputsOf(node).some((name) => o.wanted.has(name))) continue;
    const size = () => {
      const fresh = new Set(readsOf(node).filter((name) => !read.has(name)));
      const returned = outputsOf(node).filter((name) => o.wanted.has(name));
      return sum([...fresh], (name) => weights.get(name) ?? 0) + sum(returned, o.bytesOf);
    };
    if (bytes + size() > o.most) {
      runs.push([]);
      read = new Set();
      bytes = 0;
    }
    bytes += size();
    for (const name of readsOf(node)) read.add(name);
    runs.at(-1)!.push(node);
  }
  return runs;
}

/** The model's nodes in pieces; one piece where the model is small, or where its nodes are not in order. */
export function cut(graph: GraphProto, o: CutOptions): Piece[] {
  const runs = runsOf(graph, o);
  const home = new Map(runs.flatMap((nodes, at) => nodes.flatMap(outputsOf).map((name) => [name, at] as const)));
  const last = new Map<string, number>();
  for (const [at, nodes] of runs.entries()) for (const name of nodes.flatMap(readsOf)) last.set(name, at);
  const ordered = runs.every((nodes, at) => nodes.flatMap(readsOf).every((name) => (home.get(name) ?? 0) <= at));
  const pieces = ordered ? runs : [runs.flat()];
  const constants = new Set((graph.node ?? []).filter(isConstant).flatMap(outputsOf));
  return pieces.map((nodes, at) => {
    const defined = nodes.flatMap(outputsOf);
    return {
      nodes,
      reads: new Set(nodes.flatMap(readsOf)),
      wanted: defined.filter((name) => o.wanted.has(name)),
      kept: ordered ? defined.filter((name) => (last.get(name) ?? 0) > at && !constants.has(name)) : [],
    };
  });
}
