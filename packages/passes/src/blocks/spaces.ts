/** Iteration spaces of groups without a GEMM, and the choice of the lane axis they are walked under. */
import {
  type DramTensor,
  elements,
  type Graph,
  type Layout,
  LINEAR,
  laneLayout,
  type NodeOf,
  sameShape,
} from "@accelc/ir";
import { type ComputeGroup, groupNodes } from "./partition.js";
import { alignedAxis, plainDim, type Space, type SpaceDim } from "./space.js";
import type { TensorTable } from "./tensors.js";

/** Lane axis of a group without GEMM: pooling keeps channels in lanes; others follow their largest operand. */
export function chooseLayout(g: Graph, group: ComputeGroup, shape: readonly number[], table: TensorTable): Layout {
  if (group.window) return laneLayout(1);
  const inside = new Set(groupNodes(group).flatMap((n) => n.outputs));
  const operands = [...new Set(groupNodes(group).flatMap((n) => n.inputs))].filter(
    (i) => !inside.has(i) && !g.values.get(i)!.data,
  );
  const tensors = operands.map((i) => table.get(table.main(i)));
  const shapes = operands.map((i) => g.values.get(i)!.type.shape);
  const constantsFit = groupNodes(group)
    .flatMap((n) => n.inputs)
    .every((i) => !g.values.get(i)!.data || elements(g.values.get(i)!.type.shape) === 1);
  if (constantsFit && shapes.every((s) => sameShape(s, shape)) && tensors.every((t) => t.layout.lane === null))
    return LINEAR;
  const votes = new Map<number, number>();
  tensors.forEach((t, k) => {
    const axis = votedAxis(t, shapes[k]!, shape);
    if (axis !== undefined) votes.set(axis, (votes.get(axis) ?? 0) + elements(shapes[k]!));
  });
  const best = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  return laneLayout(best ? best[0] : shape.length >= 3 ? 1 : Math.max(0, shape.length - 1));
}

function votedAxis(t: DramTensor, operand: readonly number[], shape: readonly number[]): number | undefined {
  const { lane } = t.layout;
  if (lane === null || lane >= operand.length || operand[lane] === 1) return undefined;
  const axis = lane + shape.length - operand.length;
  return alignedAxis(operand, shape.length, axis) === lane ? axis : undefined;
}

/** The space of a group without GEMM under `layout`. */
export function vectorSpace(g: Graph, group: ComputeGroup, layout: Layout, lanes: number): Space {
  const nodes = groupNodes(group);
  const shapeOf = (id: string) => g.values.get(id)!.type.shape;
  const after = shapeOf(nodes[nodes.length - 1]!.outputs[0]!);
  const first = group.before[0];
  const before = first ? shapeOf(first.outputs[0]!) : shapeOf(group.window!.inputs[0]!);
  if (layout.lane === null)
    return { before, after, layout, dims: [plainDim("row", 0, Math.max(1, Math.ceil(elements(after) / lanes)))] };
  const window = group.window as NodeOf<"iwindow"> | null;
  const spatial = window ? before.length - window.attrs.kernel.length : before.length;
  const dims = before.map((size, axis): SpaceDim => {
    const extent = axis === layout.lane ? Math.ceil(size / lanes) : size;
    const plain = plainDim(`d${axis}`, axis, extent);
    if (!window || axis < spatial) return plain;
    const k = axis - spatial;
    const a = window.attrs;
    return {
      ...plain,
      extent: after[axis]!,
      kernel: a.kernel[k]!,
      stride: a.strides[k]!,
      dilation: a.dilations[k]!,
      lead: a.pads[k]!,
    };
  });
  if (dims.length === 0) dims.push(plainDim("d0", 0, 1));
  return { before, after, layout, dims };
}
