/** Geometry of a GEMM block: how conv and matmul map to the array's loops, and the images of their constants. */
import {
  type Access,
  fail,
  type GemmNode,
  type GemmOperands,
  type Graph,
  LINEAR,
  laneLayout,
  type Node,
  type NodeOf,
  type PackedWindow,
  physicalDims,
  type TensorId,
  type ValueId,
  windowExtent,
} from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { rawImage } from "./images.js";
import { minifloatSum } from "./minifloat.js";
import { fillByte, type OperandForm, operandForm } from "./operands.js";
import { packedFrom, packedWeights } from "./packed-values.js";
import type { Narrowing } from "./partition.js";
import { plainDim, type Space, type SpaceDim } from "./space.js";
import type { TensorTable } from "./tensors.js";
import { weightForm } from "./weight-order.js";
import { groupShape, imageBytes, weightImage } from "./weights.js";

/** Position of each role among the space's dimensions. */
export interface GemmRoles {
  readonly batch: number;
  readonly group: number;
  readonly oc: number;
  readonly h: number;
  readonly w: number;
  /** Blocks of output lanes inside a step of oc; -1 where a step is one block. */
  readonly part: number;
}

/** The array's side of a group before tiling. */
export interface GemmDraft {
  readonly roles: GemmRoles;
  readonly operands: GemmOperands;
  readonly input: Access;
  readonly weights: Access;
  readonly bias: TensorId | null;
  /**
   * Dimensions that a tile may not hold more than one step of: those that move the weights, or a group's input; the batch
   * where its loop is wanted for the passes of a block of channels.
   */
  readonly single: readonly boolean[];
  readonly icBlocks: number;
  readonly icStride: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly lead: readonly [number, number];
  readonly size: readonly [number, number];
  /** The byte that padding reads as. */
  readonly fill: number;
  /** Windows packed into rows of IBUF: the array then sees a 1 × 1 kernel over `icBlocks` rows per window. */
  readonly pack: PackedWindow | null;
}

export const ROLES: GemmRoles = { batch: 0, group: 1, oc: 2, h: 3, w: 4, part: -1 };

/** How a group's window or reduction changes one dimension of its space. */
export function narrowed(d: SpaceDim, axis: number, rank: number, narrowing: Narrowing | null): SpaceDim {
  if (narrowing === null) return d;
  if (narrowing.kind === "reduction") {
    if (!narrowing.axes.includes(axis)) return d;
    return { ...d, extent: 1, kernel: d.before, stride: d.before };
  }
  const a = narrowing.node.attrs;
  const k = axis - (rank - a.kernel.length);
  if (k < 0) return d;
  const [kernel, stride, dilation] = [a.kernel[k]!, a.strides[k]!, a.dilations[k]!];
  const lead = a.pads[k]!;
  const extent = windowExtent(d.before, kernel, stride, dilation, lead + a.pads[a.kernel.length + k]!);
  return { ...d, extent, kernel, stride, dilation, lead };
}

/** Iteration space of a conv group: batch, channel group, output block, height, width. */
export function convSpace(
  g: Graph,
  n: NodeOf<"conv">,
  narrowing: Narrowing | null,
  machine: MachineDescription,
): Space {
  const { lanes } = machine.tandem;
  const shape = g.values.get(n.outputs[0]!)!.type.shape;
  if (shape.length !== 4)
    fail(
      "CG1002",
      n.loc,
      { op: n.loc.op, reason: `${shape.length - 2} spatial axes; the array walks 2` },
      "reshape the model to 2-D convolutions",
    );
  const { block } = operandForm(g.values.get(n.inputs[0]!)!.type.dtype, machine, n.loc);
  const w = g.values.get(n.inputs[1]!)!.type.shape;
  const s = groupShape(n.attrs.groups, w[1]!, w[0]! / n.attrs.groups, lanes, block);
  const dims = [
    plainDim("n", 0, shape[0]!),
    plainDim("g", 1, s.groups, s.ocBlocks),
    plainDim("oc", 1, Math.min(s.ocBlocks, Math.ceil(shape[1]! / lanes))),
    plainDim("h", 2, shape[2]!),
    plainDim("w", 3, shape[3]!),
  ].map((d) => narrowed(d, d.axis, 4, narrowing));
  return { before: shape, layout: laneLayout(1), dims };
}

/** Iteration space of a matmul group: up to three leading axes walk as batch, height and width. */
export function matmulSpace(g: Graph, n: NodeOf<"matmul">, narrowing: Narrowing | null, lanes: number): Space {
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
    plainDim("g", rank, 1),
    plainDim("oc", rank - 1, Math.ceil(shape[rank - 1]! / lanes)),
    lead("h", 1),
    lead("w", 2),
  ];
  return { before: shape, layout: laneLayout(rank - 1), dims: dims.map((d) => narrowed(d, d.axis, rank, narrowing)) };
}

export function constantData(g: Graph, n: Node, input: number) {
  const v = g.values.get(n.inputs[input]!)!;
  if (!v.data)
    fail(
      "CG1002",
      n.loc,
      { op: n.loc.op, reason: `input ${input} is computed at run time` },
      "make the operand constant",
    );
  return { data: v.data, shape: v.type.shape };
}

export function biasTensor(g: Graph, n: Node, oc: number, blocks: number, table: TensorTable): TensorId | null {
  const id = n.inputs[2];
  if (id === undefined) return null;
  return table.once(`${id} bias`, () => {
    const { data } = constantData(g, n, 2);
    const padded = new Int32Array(blocks * table.lanes);
    for (let i = 0; i < oc; i++) padded[i] = Number(data[i]!);
    const storage = table.space(padded.length * 4, rawImage(padded));
    return table.add(id, [padded.length], laneLayout(0), 32, { storage, offset: 0 });
  });
}

/** Passes of a block of channels: one that stands alone may not need them all. */
const passesOf = (icBlocks: number, channels: number, { passes, perPass }: OperandForm): number =>
  icBlocks === 1 ? Math.min(passes, Math.ceil(channels / perPass)) : passes;

/** Constant weights as an image; each dimension's step through it in bytes. */
function constantWeights(g: Graph, n: GemmNode, table: TensorTable, form: OperandForm) {
  const { lanes } = table;
  const w = constantData(g, n, 1);
  const [oc, icg] = n.op === "conv" ? [w.shape[0]!, w.shape[1]!] : [w.shape[1]!, w.shape[0]!];
  const groups = n.op === "conv" ? n.attrs.groups : 1;
  const [kh, kw] = n.op === "conv" ? (w.shape.slice(2) as [number, number]) : [1, 1];
  const shape = groupShape(groups, icg, oc / groups, lanes, form.block);
  const passes = passesOf(shape.icBlocks, groups * icg, form);
  const icPasses = shape.icBlocks * passes;
  const tensor = table.once(`${n.inputs[1]} image ${n.op} ${groups}`, () => {
    const images = { ...shape, icBlocks: icPasses };
    const bytes = imageBytes(images, kh * kw, lanes, form);
    const strides = n.op === "conv" ? ([icg * kh * kw, kh * kw] as const) : ([1, oc] as const);
    const image = () => weightImage({ data: w.data, strides, oc, icg, groups, kh, kw }, images, lanes, form);
    return table.add(n.inputs[1]!, [bytes], LINEAR, 8, { storage: table.space(bytes, image), offset: 0 });
  });
  const ocStride = icPasses * kh * kw * lanes * lanes;
  const strides = [0, shape.ocBlocks * ocStride, ocStride, 0, 0];
  const bias = biasTensor(g, n, oc, shape.groups * shape.ocBlocks, table);
  return { weights: { tensor, offset: 0, strides }, icBlocks: shape.icBlocks, passes, kernel: [kh, kw] as const, bias };
}

/** Weights that are an activation or differ from batch to batch: in weight order, moved by the batch axes they have. */
function batchedWeights(
  g: Graph,
  n: NodeOf<"matmul">,
  table: TensorTable,
  machine: MachineDescription,
  form: OperandForm,
) {
  const { lanes } = table;
  const shape = g.values.get(n.inputs[1]!)!.type.shape;
  const rank = g.values.get(n.outputs[0]!)!.type.shape.length;
  const [, right] = n.inputs as [ValueId, ValueId];
  const source = packedFrom(g, right);
  const operand = source
    ? packedWeights(right, source, n.loc, table, machine, form)
    : weightForm(table, right, n.loc, form);
  const batch = (role: number): number => {
    const axis = role - 3 + (rank - 1) - (rank - shape.length);
    return axis < 0 || axis >= shape.length - 2 || shape[axis] === 1 ? 0 : (operand.batch[axis]! * form.bits) / 8;
  };
  const icBlocks = Math.ceil(shape.at(-2)! / form.block);
  const passes = passesOf(icBlocks, shape.at(-2)!, form);
  const strides = [batch(0), 0, (operand.columns * form.bits) / 8, batch(1), 0];
  const columns = shape.at(-1)!;
  const bias = biasTensor(g, n, columns, Math.ceil(columns / lanes), table);
  const weights = { tensor: operand.tensor, offset: 0, strides };
  return { weights, icBlocks, passes, kernel: [1, 1] as const, bias };
}

export function draftGemm(g: Graph, n: GemmNode, table: TensorTable, machine: MachineDescription): GemmDraft {
  const { lanes } = table;
  const x = g.values.get(n.inputs[0]!)!.type;
  const conv = n.op === "conv";
  const right = g.values.get(n.inputs[1]!)!;
  const batched = n.op === "matmul" && (right.data === undefined || right.type.shape.length > 2);
  const form = operandForm(x.dtype, machine, n.loc);
  const sum = minifloatSum(g, n, form, machine);
  const w = batched ? batchedWeights(g, n, table, machine, form) : constantWeights(g, n, table, form);
  const layout = laneLayout(conv ? 1 : x.shape.length - 1, form.factor);
  const tensor = table.read(n.inputs[0]!, layout, n.loc);
  const physical = physicalDims(x.shape, table.get(tensor).layout, lanes);
  const stride = (axis: number) => ((physical.find((d) => d.axis === axis)?.stride ?? 0) * form.bits) / 8;
  const icStride = stride(layout.lane!);
  const outRank = g.values.get(n.outputs[0]!)!.type.shape.length;
  const leading = (role: number) => {
    const axis = outRank - 4 + role - (outRank - x.shape.length);
    return axis < 0 || (x.shape[axis] === 1 && role < 2) ? 0 : stride(axis);
  };
  const strides = conv
    ? [stride(0), icStride * w.icBlocks, 0, stride(2), stride(3)]
    : [leading(0), 0, 0, leading(1), leading(2)];
  const rank = x.shape.length;
  return {
    roles: ROLES,
    operands: { input: x.dtype, weights: right.type.dtype, passes: w.passes, sum },
    input: { tensor, offset: 0, strides },
    weights: w.weights,
    bias: w.bias,
    single: w.weights.strides.map(
      (s, i) => i === ROLES.group || (i === ROLES.batch && w.passes > 1) || (i !== ROLES.oc && s !== 0),
    ),
    icBlocks: w.icBlocks,
    icStride,
    kernel: w.kernel,
    strides: conv ? (n.attrs.strides as [number, number]) : [1, 1],
    dilations: conv ? (n.attrs.dilations as [number, number]) : [1, 1],
    lead: conv ? [n.attrs.pads[0]!, n.attrs.pads[1]!] : [0, 0],
    size: conv ? [x.shape[2]!, x.shape[3]!] : [x.shape[rank - 3] ?? 1, x.shape[rank - 2]!],
    fill: conv ? fillByte(n.attrs.fill, form) : 0,
    pack: null,
  };
}

/** A draft for a space whose lanes are split by `factor`: the array's loop over the batch walks the parts instead. */
export function splitOutputs(g: GemmDraft, factor: number): GemmDraft {
  const { roles, input, weights } = g;
  const part = input.strides.length;
  const oc = weights.strides[roles.oc]!;
  const strides = weights.strides.map((s, i) => (i === roles.oc ? s * factor : s));
  return {
    ...g,
    roles: { ...roles, part },
    input: { ...input, strides: [...input.strides, 0] },
    weights: { ...weights, strides: [...strides, oc] },
    single: [...g.single.map((single, i) => single || i === roles.batch), false],
  };
}
