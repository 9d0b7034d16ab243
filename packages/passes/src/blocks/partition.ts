/**
 * Cuts the integer graph into groups: at most one GEMM, the element-wise nodes fused behind it, at most one window
 * (pooling) and the element-wise nodes behind that; or a chain without GEMM; or one data movement.
 *
 * A node joins the group of its latest producer when that group still computes the node's shape, so that every other
 * operand comes from an earlier group: groups in order of creation are an execution order.
 */
import { consumersOf, type Graph, type Node, OPS, type OpDef, sameShape, type ValueId } from "@accelc/ir";

export interface ComputeGroup {
  readonly kind: "compute";
  gemm: Node | null;
  readonly before: Node[];
  window: Node | null;
  readonly after: Node[];
}

export interface MovementGroup {
  readonly kind: "movement";
  readonly node: Node;
}

export type Group = ComputeGroup | MovementGroup;

const kindOf = (n: Node): string => (OPS[n.op] as OpDef<never>).kind;
const outputOf = (n: Node): ValueId => n.outputs[0]!;

/** Nodes of a group in execution order. */
export function groupNodes(g: Group): readonly Node[] {
  if (g.kind === "movement") return [g.node];
  return [...(g.gemm ? [g.gemm] : []), ...g.before, ...(g.window ? [g.window] : []), ...g.after];
}

export interface PartitionOptions {
  /** Whether element-wise and pooling nodes may join the group of their producer. */
  readonly fuse: boolean;
}

export function partition(graph: Graph, options: PartitionOptions = { fuse: true }): readonly Group[] {
  const groups: Group[] = [];
  const groupOf = new Map<ValueId, number>();
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs.map((o) => o.value));
  const shape = (id: ValueId) => graph.values.get(id)!.type.shape;

  const latest = (n: Node): number => Math.max(-1, ...n.inputs.map((i) => groupOf.get(i) ?? -1));

  /** The values of the stage that a further node would extend. */
  const openStage = (g: ComputeGroup): readonly Node[] =>
    g.window ? [g.window, ...g.after] : [...(g.gemm ? [g.gemm] : []), ...g.before];

  const joinsElementwise = (n: Node, at: number): boolean => {
    const g = groups[at];
    if (g?.kind !== "compute" || !options.fuse) return false;
    const open = openStage(g);
    const inside = new Set(open.map(outputOf));
    if (!sameShape(shape(outputOf(open[0]!)), shape(outputOf(n)))) return false;
    return n.inputs.every((i) => groupOf.get(i) !== at || inside.has(i));
  };

  /** Tiles ahead of a window overlap or leave gaps, so nothing computed there may be wanted outside. */
  const joinsWindow = (n: Node, at: number): boolean => {
    const g = groups[at];
    if (g?.kind !== "compute" || n.op !== "iwindow" || g.window || !options.fuse) return false;
    const input = n.inputs[0]!;
    const only = consumers.get(input)?.length === 1 && !outputs.has(input);
    const inside = openStage(g).some((m) => outputOf(m) === input);
    const unpadded = n.attrs.pads.every((p) => p === 0);
    const members = new Set<Node>([...openStage(g), n]);
    const closed = openStage(g).every((m) => {
      const v = outputOf(m);
      return !outputs.has(v) && (consumers.get(v) ?? []).every((c) => members.has(c));
    });
    return only && inside && unpadded && closed && (g.gemm === null || g.gemm.op === "conv");
  };

  for (const n of graph.nodes) {
    const kind = kindOf(n);
    let at = latest(n);
    const g = groups[at];
    if (kind === "elementwise" && joinsElementwise(n, at) && g?.kind === "compute")
      (g.window ? g.after : g.before).push(n);
    else if (kind === "window" && joinsWindow(n, at) && g?.kind === "compute") g.window = n;
    else {
      at = groups.length;
      groups.push(newGroup(n, kind));
    }
    groupOf.set(outputOf(n), at);
  }
  return groups;
}

function newGroup(n: Node, kind: string): Group {
  if (kind === "movement") return { kind: "movement", node: n };
  const g: ComputeGroup = { kind: "compute", gemm: null, before: [], window: null, after: [] };
  if (kind === "gemm") g.gemm = n;
  else if (kind === "window") g.window = n;
  else g.before.push(n);
  return g;
}
