/**
 * Cuts the integer graph into groups: at most one GEMM with the nodes fused behind it, or a chain without GEMM, or one
 * data movement.
 *
 * A group walks one iteration space. Nodes of stage "before" have its shape; a window (pooling) or reduction leads to a
 * smaller shape, stage "after". A node joins the group of its latest producer when the group still computes its shape,
 * so that every other operand comes from an earlier group: groups in order of creation are an execution order.
 */
import {
  consumersOf,
  type Graph,
  type Node,
  type NodeOf,
  OPS,
  type OpDef,
  type Stage,
  sameShape,
  type ValueId,
} from "@accelc/ir";

export interface Step {
  readonly node: Node;
  readonly stage: Stage;
}

/** What leads from stage "before" to stage "after": one sliding window, or any number of reductions of the same axes. */
export type Narrowing =
  | { readonly kind: "window"; readonly node: NodeOf<"iwindow"> }
  | { readonly kind: "reduction"; readonly axes: readonly number[] };

export interface ComputeGroup {
  readonly kind: "compute";
  readonly gemm: Node | null;
  readonly steps: readonly Step[];
  readonly narrowing: Narrowing | null;
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
  return [...(g.gemm ? [g.gemm] : []), ...g.steps.map((s) => s.node)];
}

export interface PartitionOptions {
  /** Whether nodes may join the group of their producer. */
  readonly fuse: boolean;
}

const sameAxes = (a: readonly number[], b: readonly number[]): boolean => [...a].sort().join() === [...b].sort().join();

/** Axes that a tile of a GEMM may hold whole: a convolution's height and width, a product's columns. */
const reducible = (gemm: Node | null, axes: readonly number[], rank: number): boolean =>
  gemm === null || axes.every((a) => (gemm.op === "conv" ? a === 2 || a === 3 : a === rank - 1));

export function partition(graph: Graph, options: PartitionOptions = { fuse: true }): readonly Group[] {
  const groups: Group[] = [];
  const groupOf = new Map<ValueId, number>();
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs.map((o) => o.value));
  const shape = (id: ValueId) => graph.values.get(id)!.type.shape;

  const stageOf = (g: ComputeGroup): Map<ValueId, Stage> =>
    new Map([
      ...(g.gemm ? [[outputOf(g.gemm), "before"] as const] : []),
      ...g.steps.map((s) => [outputOf(s.node), s.stage] as const),
    ]);

  /** The stage in which `n` could run in `g`: that of its shape, its operands within reach. */
  const elementwiseStage = (n: Node, g: ComputeGroup, at: number): Stage | undefined => {
    const inside = stageOf(g);
    const own = n.inputs.filter((i) => groupOf.get(i) === at);
    const shapeIn = (s: Stage): readonly number[] | undefined => {
      const model = [...inside].find(([, stage]) => stage === s)?.[0];
      if (model !== undefined) return shape(model);
      return s === "before" && g.narrowing ? shape(g.steps[0]!.node.inputs[0]!) : undefined;
    };
    const fits = (s: Stage) => {
      const model = shapeIn(s);
      return model !== undefined && sameShape(model, shape(outputOf(n)));
    };
    const whole = g.narrowing?.kind === "reduction";
    if (fits("before") && (g.narrowing === null || whole)) return "before";
    if (fits("after") && own.every((i) => inside.get(i) === "after")) return "after";
    return undefined;
  };

  /** Tiles ahead of a sliding window overlap or leave gaps, so nothing computed there may be wanted outside. */
  const closedBy = (g: ComputeGroup, n: Node): boolean => {
    const members = new Set<Node>([...groupNodes(g), n]);
    return groupNodes(g).every((m) => {
      const v = outputOf(m);
      return !outputs.has(v) && (consumers.get(v) ?? []).every((c) => members.has(c));
    });
  };

  const joins = (n: Node, at: number): ComputeGroup | undefined => {
    const g = groups[at];
    if (g?.kind !== "compute" || !options.fuse) return undefined;
    const add = (stage: Stage, narrowing = g.narrowing): ComputeGroup => ({
      ...g,
      steps: [...g.steps, { node: n, stage }],
      narrowing,
    });
    const input = n.inputs[0]!;
    const before = stageOf(g).get(input) === "before";
    if (n.op === "iwindow") {
      const unpadded = n.attrs.pads.every((p) => p === 0);
      const fits =
        g.narrowing === null && before && unpadded && (g.gemm === null || g.gemm.op === "conv") && closedBy(g, n);
      return fits ? add("after", { kind: "window", node: n }) : undefined;
    }
    if (n.op === "ireduce") {
      const { narrowing } = g;
      const agrees = narrowing === null || (narrowing.kind === "reduction" && sameAxes(narrowing.axes, n.attrs.axes));
      const fits = before && agrees && reducible(g.gemm, n.attrs.axes, shape(input).length);
      return fits ? add("after", { kind: "reduction", axes: n.attrs.axes }) : undefined;
    }
    if (kindOf(n) !== "elementwise" && n.op !== "pack") return undefined;
    const stage = elementwiseStage(n, g, at);
    return stage && add(stage);
  };

  for (const n of graph.nodes) {
    const at = Math.max(-1, ...n.inputs.map((i) => groupOf.get(i) ?? -1));
    const joined = joins(n, at);
    if (joined) {
      groups[at] = joined;
      groupOf.set(outputOf(n), at);
    } else {
      groupOf.set(outputOf(n), groups.length);
      groups.push(newGroup(n));
    }
  }
  return groups;
}

function newGroup(n: Node): Group {
  const kind = kindOf(n);
  if (kind === "movement") return { kind: "movement", node: n };
  if (kind === "gemm") return { kind: "compute", gemm: n, steps: [], narrowing: null };
  if (n.op === "iwindow")
    return {
      kind: "compute",
      gemm: null,
      steps: [{ node: n, stage: "after" }],
      narrowing: { kind: "window", node: n },
    };
  if (n.op === "ireduce")
    return {
      kind: "compute",
      gemm: null,
      steps: [{ node: n, stage: "after" }],
      narrowing: { kind: "reduction", axes: n.attrs.axes },
    };
  return { kind: "compute", gemm: null, steps: [{ node: n, stage: "before" }], narrowing: null };
}

/**
 * A group that no tile fits, as two that follow each other: cut ahead of its narrowing, or in the middle. Undefined for
 * a single node.
 */
export function splitGroup(g: ComputeGroup): readonly [ComputeGroup, ComputeGroup] | undefined {
  const first = g.steps.findIndex((s) => s.stage === "after");
  const at = first > 0 || (first === 0 && g.gemm) ? first : Math.floor((g.steps.length + (g.gemm ? 0 : 1)) / 2);
  if (at >= g.steps.length || (at === 0 && !g.gemm)) return undefined;
  const [head, tail] = [g.steps.slice(0, at), g.steps.slice(at)];
  const narrowed = (steps: readonly Step[]) => steps.some((s) => s.node.op === "iwindow" || s.node.op === "ireduce");
  // Without its narrowing node, what was computed behind it is a space of its own.
  const settle = (steps: readonly Step[]) =>
    narrowed(steps) ? steps : steps.map((s) => ({ ...s, stage: "before" as const }));
  const part = (gemm: Node | null, steps: readonly Step[]): ComputeGroup => ({
    kind: "compute",
    gemm,
    steps: settle(steps),
    narrowing: narrowed(steps) ? g.narrowing : null,
  });
  return [part(g.gemm, head), part(null, tail)];
}
