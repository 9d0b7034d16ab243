/**
 * Convolutions of few input channels: a packed load writes the runs of a window side by side into rows of IBUF, so that a
 * pass of the array takes as many reduction elements as it has rows, not as many as there are channels.
 */
import { type Data, type Graph, LINEAR, type NodeOf, type PackedWindow, physicalDims, tightLayout } from "@accelc/ir";
import { derive, type MachineDescription } from "@accelc/machine";
import { biasTensor, constantData, type GemmDraft, ROLES } from "./gemm.js";
import { operandForm } from "./operands.js";
import type { TensorTable } from "./tensors.js";
import { groupShape, imageBytes, weightImage } from "./weights.js";

/** A run's bytes are a field of 8 bits. */
const MOST_RUN = 0xff;

/** Channels last: kernel columns that are not dilated follow one another in DRAM. */
export const PACKED_LAYOUT = tightLayout(1);

/** How the windows of `n` lie in IBUF rows; undefined where they cannot, or none fits. */
export function packedWindow(g: Graph, n: NodeOf<"conv">, machine: MachineDescription): PackedWindow | undefined {
  const { lanes } = machine.tandem;
  const [x, w] = [g.values.get(n.inputs[0]!)!, g.values.get(n.inputs[1]!)!];
  if (x.type.shape.length !== 4 || x.type.dtype !== "int8" || w.type.dtype !== "int8" || !w.data) return undefined;
  const [oc, icg, kh, kw] = w.type.shape as [number, number, number, number];
  const { groups, dilations } = n.attrs;
  if (groupShape(groups, icg, oc / groups, lanes, lanes).groups > 1) return undefined;
  const channels = groups * icg;
  const whole = dilations[1] === 1 && kw * channels <= MOST_RUN;
  const run = whole ? kw * channels : channels;
  if (run > MOST_RUN) return undefined;
  const rows = Math.ceil((kh * kw * channels) / lanes);
  const { ibuf, wbuf } = derive(machine);
  return rows <= Math.min(ibuf.halfRows, wbuf.halfRows) ? { run, taps: [kh, whole ? 1 : kw], rows } : undefined;
}

/** [O, K] of a window's bytes in the order in which they are packed: kernel row, kernel column, channel. */
function packedWeights(data: Data, shape: readonly number[], groups: number): Int8Array {
  const [oc, icg, kh, kw] = shape as [number, number, number, number];
  const [channels, taps] = [groups * icg, kh * kw];
  const out = new Int8Array(oc * taps * channels);
  for (let o = 0; o < oc; o++) {
    const first = Math.floor(o / (oc / groups)) * icg;
    for (let i = 0; i < icg; i++)
      for (let t = 0; t < taps; t++)
        out[(o * taps + t) * channels + first + i] = Number(data[(o * icg + i) * taps + t]!);
  }
  return out;
}

export function draftPacked(
  g: Graph,
  n: NodeOf<"conv">,
  table: TensorTable,
  machine: MachineDescription,
  pack: PackedWindow,
): GemmDraft {
  const { lanes } = table;
  const x = g.values.get(n.inputs[0]!)!.type;
  const w = constantData(g, n, 1);
  const [oc, icg, kh, kw] = w.shape as [number, number, number, number];
  const { groups, strides, dilations, pads, fill } = n.attrs;
  const k = groups * icg * kh * kw;
  const form = operandForm(x.dtype, machine, n.loc);
  const shape = groupShape(1, k, oc, lanes, form.perPass);
  const weights = table.once(`${n.inputs[1]} image packed ${groups}`, () => {
    const bytes = imageBytes(shape, 1, lanes, form);
    const image = () => {
      const data = packedWeights(w.data, w.shape, groups);
      return weightImage({ data, strides: [k, 1], oc, icg: k, groups: 1, kh: 1, kw: 1 }, shape, lanes, form);
    };
    return table.add(n.inputs[1]!, [bytes], LINEAR, 8, { storage: table.space(bytes, image), offset: 0 });
  });
  const tensor = table.read(n.inputs[0]!, PACKED_LAYOUT, n.loc);
  const physical = physicalDims(x.shape, PACKED_LAYOUT, lanes);
  const stride = (axis: number) => physical.find((d) => d.axis === axis)!.stride;
  return {
    roles: ROLES,
    operands: { input: "int8", weights: "int8", passes: 1, sum: null },
    input: { tensor, offset: 0, strides: [stride(0), 0, 0, stride(2), stride(3)] },
    weights: { tensor: weights, offset: 0, strides: [0, 0, shape.icBlocks * lanes * lanes, 0, 0] },
    bias: biasTensor(g, n, oc, shape.ocBlocks, table),
    single: ROLE_INDICES.map((i) => i === ROLES.group),
    icBlocks: shape.icBlocks,
    icStride: 0,
    kernel: [1, 1],
    strides: strides as [number, number],
    dilations: dilations as [number, number],
    lead: [pads[0]!, pads[1]!],
    size: [x.shape[2]!, x.shape[3]!],
    fill,
    pack,
  };
}

const ROLE_INDICES = Object.values(ROLES);
