/** Iteration spaces of groups without a GEMM, and the choice of the lane axis they are walked under. */
import {
  type DramTensor,
  elements,
  type Graph,
  type Layout,
  LINEAR,
  laneLayout,
  sameLayout,
  sameShape,
} from "@accelc/ir";
import { narrowed } from "./gemm.js";
import { type ComputeGroup, groupNodes } from "./partition.js";
import { alignedAxis, plainDim, type Space, type SpaceDim } from "./space.js";
import type { TensorTable } from "./tensors.js";

/** Lane axis of a group without GEMM: pooling keeps channels in lanes; others follow their largest operand. */
export function chooseLayout(
  g: Graph,
  group: ComputeGroup,
  shape: readonly number[],
  table: TensorTable,
  vmemRows: number,
): Layout {
  if (group.narrowing?.kind === "window") return laneLayout(1);
  const inside = new Set(groupNodes(group).flatMap((n) => n.outputs));
  const operands = [...new Set(groupNodes(group).flatMap((n) => n.inputs))].filter(
    (i) => !inside.has(i) && !g.values.get(i)!.data,
  );
  const tensors = operands.map((i) => table.get(table.main(i)));
  const shapes = operands.map((i) => g.values.get(i)!.type.shape);
  const constantsFit = groupNodes(group)
    .flatMap((n) => n.inputs)
    .every((i) => !g.values.get(i)!.data || elements(g.values.get(i)!.type.shape) === 1);
  const flat = group.narrowing === null && constantsFit;
  const common = tensors[0]?.layout ?? LINEAR;
  const gapless = common.lane === null && tensors.every((t) => sameLayout(t.layout, common));
  if (flat && shapes.every((s) => sameShape(s, shape)) && gapless) return common;
  const votes = new Map<number, number>();
  tensors.forEach((t, k) => {
    const axis = votedAxis(t, shapes[k]!, shape);
    if (axis !== undefined) votes.set(axis, (votes.get(axis) ?? 0) + elements(shapes[k]!));
  });
  const best = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  const liked = best ? best[0] : shape.length >= 3 ? 1 : Math.max(0, shape.length - 1);
  return laneLayout(
    group.narrowing?.kind === "reduction" ? fitting(shape, group.narrowing.axes, liked, table.lanes, vmemRows) : liked,
  );
}

/** A lane axis under which a reduction's rows leave room for several buffers: the one liked, or the one with fewest rows. */
function fitting(
  shape: readonly number[],
  axes: readonly number[],
  liked: number,
  lanes: number,
  vmemRows: number,
): number {
  const rows = (lane: number) => axes.reduce((n, a) => n * (a === lane ? Math.ceil(shape[a]! / lanes) : shape[a]!), 1);
  if (rows(liked) <= vmemRows / 4) return liked;
  return [...shape.keys()].sort((a, b) => rows(a) - rows(b) || a - b)[0] ?? liked;
}

function votedAxis(t: DramTensor, operand: readonly number[], shape: readonly number[]): number | undefined {
  const { lane } = t.layout;
  if (lane === null || lane >= operand.length || operand[lane] === 1) return undefined;
  const axis = lane + shape.length - operand.length;
  return alignedAxis(operand, shape.length, axis) === lane ? axis : undefined;
}

/** The space of a group without GEMM under `layout`. */
export function vectorSpace(g: Graph, group: ComputeGroup, layout: Layout, lanes: number): Space {
  const before = spaceShape(g, group);
  if (layout.lane === null)
    return { before, layout, dims: [plainDim("row", 0, Math.max(1, Math.ceil(elements(before) / lanes)))] };
  const dims = before.map((size, axis): SpaceDim => {
    const extent = axis === layout.lane ? Math.ceil(size / lanes) : size;
    return narrowed(plainDim(`d${axis}`, axis, extent), axis, before.length, group.narrowing);
  });
  if (dims.length === 0) dims.push(plainDim("d0", 0, 1));
  return { before, layout, dims };
}

/** The shape of stage "before": of what the first step computes there, or reads to narrow. */
export function spaceShape(g: Graph, group: ComputeGroup): readonly number[] {
  const first = group.steps[0]!;
  const id = first.stage === "before" ? first.node.outputs[0]! : first.node.inputs[0]!;
  return g.values.get(id)!.type.shape;
}
