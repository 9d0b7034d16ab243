/** Geometry of a GEMM block: how conv and matmul map to the array's loops, and the images of their constants. */
import {
  type Access,
  elements,
  fail,
  type Graph,
  laneLayout,
  type Node,
  type NodeOf,
  physicalDims,
  type TensorId,
} from "@accelc/ir";
import { rawImage } from "./images.js";
import { plainDim, type Space, type SpaceDim } from "./space.js";
import type { TensorTable } from "./tensors.js";
import { type GroupShape, groupShape, weightImage } from "./weights.js";

/** Position of each role among the space's dimensions. */
export interface GemmRoles {
  readonly batch: number;
  readonly group: number;
  readonly oc: number;
  readonly h: number;
  readonly w: number;
}

/** The array's side of a group before tiling. */
export interface GemmDraft {
  readonly roles: GemmRoles;
  readonly input: Access;
  readonly weights: TensorId;
  readonly bias: TensorId | null;
  readonly icBlocks: number;
  readonly icStride: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly lead: readonly [number, number];
  readonly size: readonly [number, number];
  readonly fill: number;
}

const ROLES: GemmRoles = { batch: 0, group: 1, oc: 2, h: 3, w: 4 };

const withWindow = (d: SpaceDim, window: NodeOf<"iwindow"> | null, spatial: number): SpaceDim =>
  window
    ? {
        ...d,
        extent:
          Math.floor(
            (d.before - ((window.attrs.kernel[spatial]! - 1) * window.attrs.dilations[spatial]! + 1)) /
              window.attrs.strides[spatial]!,
          ) + 1,
        kernel: window.attrs.kernel[spatial]!,
        stride: window.attrs.strides[spatial]!,
        dilation: window.attrs.dilations[spatial]!,
      }
    : d;

/** Iteration space of a conv group: batch, channel group, output block, height, width. */
export function convSpace(g: Graph, n: NodeOf<"conv">, window: NodeOf<"iwindow"> | null, lanes: number): Space {
  const shape = g.values.get(n.outputs[0]!)!.type.shape;
  const after = window ? g.values.get(window.outputs[0]!)!.type.shape : shape;
  if (shape.length !== 4)
    fail(
      "CG1002",
      n.loc,
      { op: n.loc.op, reason: `${shape.length - 2} spatial axes; the array walks 2` },
      "reshape the model to 2-D convolutions",
    );
  const s = convGroups(g, n, lanes);
  const dims = [
    plainDim("n", 0, shape[0]!),
    plainDim("g", 1, s.groups, s.ocBlocks),
    plainDim("oc", 1, Math.min(s.ocBlocks, Math.ceil(shape[1]! / lanes))),
    withWindow(plainDim("h", 2, shape[2]!), window, 0),
    withWindow(plainDim("w", 3, shape[3]!), window, 1),
  ];
  return { before: shape, after, layout: laneLayout(1), dims };
}

function convGroups(g: Graph, n: NodeOf<"conv">, lanes: number): GroupShape {
  const w = g.values.get(n.inputs[1]!)!.type.shape;
  return groupShape(n.attrs.groups, w[1]!, w[0]! / n.attrs.groups, lanes);
}

/** Iteration space of a matmul group: up to three leading axes walk as batch, height and width. */
export function matmulSpace(g: Graph, n: NodeOf<"matmul">, lanes: number): Space {
  const shape = g.values.get(n.outputs[0]!)!.type.shape;
  const rank = shape.length;
  const leading = shape.slice(0, -1);
  if (leading.length > 3)
    fail(
      "CG1002",
      n.loc,
      { op: n.loc.op, reason: `${leading.length} leading axes; the array walks 3` },
      "merge leading axes by a Reshape",
    );
  const axisOf = (role: number) => leading.length - 3 + role;
  const lead = (name: string, role: number) => {
    const axis = axisOf(role);
    return axis < 0 ? plainDim(name, rank, 1) : plainDim(name, axis, leading[axis]!);
  };
  const dims = [
    lead("n", 0),
    plainDim("g", rank - 1, 1),
    plainDim("oc", rank - 1, Math.ceil(shape[rank - 1]! / lanes)),
    lead("h", 1),
    lead("w", 2),
  ];
  return { before: shape, after: shape, layout: laneLayout(rank - 1), dims };
}

function constantData(g: Graph, n: Node, input: number) {
  const v = g.values.get(n.inputs[input]!)!;
  if (!v.data)
    fail(
      "CG1002",
      n.loc,
      { op: n.loc.op, reason: `input ${input} is computed at run time` },
      "operands of a product of two activations are not supported yet",
    );
  return { data: v.data, shape: v.type.shape };
}

/** Transposed copy of a [K, N] matrix as [N, K]. */
function transposed(data: ArrayLike<number | bigint>, k: number, n: number): Int8Array {
  const out = new Int8Array(k * n);
  for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) out[j * k + i] = Number(data[i * n + j]!);
  return out;
}

function biasTensor(g: Graph, n: Node, oc: number, blocks: number, table: TensorTable): TensorId | null {
  if (n.inputs.length < 3) return null;
  const { data } = constantData(g, n, 2);
  const padded = new Int32Array(blocks * table.lanes);
  for (let i = 0; i < oc; i++) padded[i] = Number(data[i]!);
  return table.add(n.inputs[2]!, [padded.length], laneLayout(0), 32, table.space(padded.length * 4, rawImage(padded)));
}

export function draftGemm(g: Graph, n: NodeOf<"conv"> | NodeOf<"matmul">, table: TensorTable): GemmDraft {
  const { lanes } = table;
  const x = g.values.get(n.inputs[0]!)!.type;
  const w = constantData(g, n, 1);
  const conv = n.op === "conv";
  if (!conv && w.shape.length !== 2)
    fail(
      "CG1002",
      n.loc,
      { op: n.loc.op, reason: `a constant right operand of rank ${w.shape.length}` },
      "only rank 2 constant operands are supported yet",
    );
  const oc = conv ? w.shape[0]! : w.shape[1]!;
  const icg = conv ? w.shape[1]! : w.shape[0]!;
  const groups = conv ? n.attrs.groups : 1;
  const [kh, kw] = conv ? (w.shape.slice(2) as [number, number]) : [1, 1];
  const data = conv ? w.data : transposed(w.data, icg, oc);
  const shape = groupShape(groups, icg, oc / groups, lanes);
  const image = weightImage({ data, oc, icg, groups, kh, kw }, shape, lanes);
  const weights = table.add(n.inputs[1]!, [image.length], { lane: null }, 8, table.space(image.length, image));
  const layout = laneLayout(conv ? 1 : x.shape.length - 1);
  const tensor = table.read(n.inputs[0]!, layout, n.loc);
  const physical = physicalDims(x.shape, layout, lanes);
  const stride = (axis: number) => physical.find((d) => d.axis === axis)?.stride ?? 0;
  const rank = x.shape.length;
  const channel = stride(layout.lane!);
  const lead = (role: number) => stride(rank - 4 + role);
  const ic = channel;
  const strides = conv
    ? [stride(0), ic * shape.icBlocks, 0, stride(2), stride(3)]
    : [rank - 4 >= 0 ? lead(0) : 0, 0, 0, rank - 3 >= 0 ? lead(1) : 0, rank - 2 >= 0 ? lead(2) : 0];
  return {
    roles: ROLES,
    input: { tensor, offset: 0, strides },
    weights,
    bias: biasTensor(g, n, oc, shape.groups * shape.ocBlocks, table),
    icBlocks: shape.icBlocks,
    icStride: ic,
    kernel: [kh, kw],
    strides: conv ? (n.attrs.strides as [number, number]) : [1, 1],
    dilations: conv ? (n.attrs.dilations as [number, number]) : [1, 1],
    lead: conv ? [n.attrs.pads[0]!, n.attrs.pads[1]!] : [0, 0],
    size: conv ? [x.shape[2]!, x.shape[3]!] : [x.shape[rank - 3] ?? 1, x.shape[rank - 2]!],
    fill: conv ? n.attrs.fill : 0,
  };
}

export const gemmMacs = (g: Graph, n: Node): number => {
  const out = elements(g.values.get(n.outputs[0]!)!.type.shape);
  const w = g.values.get(n.inputs[1]!)!.type.shape;
  return out * (n.op === "conv" ? elements(w.slice(1)) : w.at(-2)!);
};
