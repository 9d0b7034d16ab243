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
  type Loc,
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

/** Why the first node of a group did not join the group of the value it reads. */
export interface Apart {
  readonly from: ValueId;
  readonly reason: string;
}

/** A node that is not fused with the producer of a value it reads. */
export interface Stop extends Apart {
  readonly loc: Loc;
}

export interface ComputeGroup {
  readonly kind: "compute";
  readonly apart?: Apart;
  readonly gemm: Node | null;
  readonly steps: readonly Step[];
  readonly narrowing: Narrowing | null;
}

export interface MovementGroup {
  readonly kind: "movement";
  readonly apart?: Apart;
  readonly node: Node;
}

export type Group = ComputeGroup | MovementGroup;

/** Why a node does not join a group. */
type Refusal = Pick<Apart, "reason">;
const refused = (reason: string): Refusal => ({ reason });

const kindOf = (n: Node): string => (OPS[n.op] as OpDef<never>).kind;
const outputOf = (n: Node): ValueId => n.outputs[0]!;

/** Nodes of a group in execution order. */
export function groupNodes(g: Group): readonly Node[] {
  if (g.kind === "movement") return [g.node];
  return [...(g.gemm ? [g.gemm] : []), ...g.steps.map((s) => s.node)];
}

/** Where fusion ends: what each group's first node would have joined. */
export const stopsOf = (groups: readonly Group[]): Stop[] =>
  groups.flatMap((g) => (g.apart ? [{ ...g.apart, loc: groupNodes(g)[0]!.loc }] : []));

/** The same between two parts of a group. */
export const stopBetween = ([head, tail]: readonly [ComputeGroup, ComputeGroup], reason: string): Stop => ({
  from: outputOf(groupNodes(head).at(-1)!),
  loc: groupNodes(tail)[0]!.loc,
  reason,
});

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

  /** The stage in which `n` could run in `g`, that of its shape, its operands within reach; or why there is none. */
  const elementwiseStage = (n: Node, g: ComputeGroup, at: number): Stage | Refusal => {
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
    if (fits("before")) return refused("tiles ahead of a sliding window overlap, so nothing else is computed there");
    if (fits("after")) return refused("it reads what has another shape ahead of the reduction or window");
    return refused("its shape is not that of the block's tiles");
  };

  /** Tiles ahead of a sliding window overlap or leave gaps, so nothing computed there may be wanted outside. */
  const closedBy = (g: ComputeGroup, n: Node): boolean => {
    const members = new Set<Node>([...groupNodes(g), n]);
    return groupNodes(g).every((m) => {
      const v = outputOf(m);
      return !outputs.has(v) && (consumers.get(v) ?? []).every((c) => members.has(c));
    });
  };

  const windowRefusal = (n: NodeOf<"iwindow">, g: ComputeGroup, before: boolean): string | undefined => {
    if (g.narrowing !== null || !before) return "the block has a window or reduction already";
    if (n.attrs.pads.some((p) => p !== 0)) return "the window is padded";
    if (g.gemm !== null && g.gemm.op !== "conv") return "the window slides over rows of a product";
    return closedBy(g, n) ? undefined : "what is computed ahead of the window is read elsewhere too";
  };

  const reductionRefusal = (n: NodeOf<"ireduce">, g: ComputeGroup, before: boolean): string | undefined => {
    const { narrowing } = g;
    if (!before) return "its operand has been reduced or narrowed already";
    if (narrowing !== null && !(narrowing.kind === "reduction" && sameAxes(narrowing.axes, n.attrs.axes)))
      return "the block has a window, or a reduction of other axes, already";
    if (!reducible(g.gemm, n.attrs.axes, shape(n.inputs[0]!).length))
      return "a tile does not hold the reduced axes whole";
    return undefined;
  };

  const joins = (n: Node, at: number): ComputeGroup | Refusal => {
    const g = groups[at];
    if (kindOf(n) === "gemm") return refused("a block has one GEMM");
    if (kindOf(n) === "movement") return refused("data movement is a block of its own, or a view");
    if (kindOf(n) !== "elementwise" && !["iwindow", "ireduce", "pack"].includes(n.op))
      return refused("only element-wise operations, windows and reductions join a block");
    if (g?.kind !== "compute") return refused("it reads the result of data movement");
    if (!options.fuse) return refused("fusion is off");
    const add = (stage: Stage, narrowing = g.narrowing): ComputeGroup => ({
      ...g,
      steps: [...g.steps, { node: n, stage }],
      narrowing,
    });
    const before = stageOf(g).get(n.inputs[0]!) === "before";
    if (n.op === "iwindow") {
      const why = windowRefusal(n, g, before);
      return why === undefined ? add("after", { kind: "window", node: n }) : refused(why);
    }
    if (n.op === "ireduce") {
      const why = reductionRefusal(n, g, before);
      return why === undefined ? add("after", { kind: "reduction", axes: n.attrs.axes }) : refused(why);
    }
    const stage = elementwiseStage(n, g, at);
    return typeof stage === "string" ? add(stage) : stage;
  };

  for (const n of graph.nodes) {
    const at = Math.max(-1, ...n.inputs.map((i) => groupOf.get(i) ?? -1));
    const joined = at < 0 ? undefined : joins(n, at);
    if (joined && "kind" in joined) {
      groups[at] = joined;
      groupOf.set(outputOf(n), at);
    } else {
      const from = n.inputs.find((i) => groupOf.get(i) === at);
      groupOf.set(outputOf(n), groups.length);
      groups.push({
        ...newGroup(n),
        ...(joined && from !== undefined ? { apart: { from, reason: joined.reason } } : {}),
      });
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
