/** Codes of 4 and 2 bits: the layouts the array wants them in, and the blocks that pack what nobody packed on the way. */
import {
  CompilerBug,
  type ComputeBlock,
  type Graph,
  type Loc,
  laneLayout,
  type Node,
  type NodeOf,
  type TensorId,
  type ValueId,
} from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { operandForm } from "./operands.js";
import { accessStrides, plainDim, type Space, stageSpans } from "./space.js";
import type { TensorTable } from "./tensors.js";
import { rankedTilings } from "./tile.js";
import type { VectorDraft } from "./vector.js";

/** Axes that the readers of a packed value reduce over: those it is wanted with in lanes. */
export function reducedAxes(g: Graph, value: ValueId, readers: readonly Node[]): readonly number[] {
  const rank = g.values.get(value)!.type.shape.length;
  const axes = readers.filter((n) => n.inputs[0] === value).map((n) => (n.op === "conv" ? 1 : rank - 1));
  return [...new Set(axes)];
}

/**
 * Blocks that store the codes of an int8 value packed, with `lane` in lanes: without an instruction, since a store writes
 * as many low bits as its elements have. Block `part` carries out every `factor`th block of lanes, so that it steps
 * evenly through both tensors.
 */
export function packBlocks(
  n: NodeOf<"pack">,
  lane: number,
  table: TensorTable,
  machine: MachineDescription,
): Omit<ComputeBlock, "id">[] {
  const [from, to] = [n.inputs[0]!, n.outputs[0]!];
  const { shape, dtype } = table.graph.values.get(to)!.type;
  const { factor } = operandForm(dtype, machine, n.loc);
  const source = table.read(from, laneLayout(lane), n.loc);
  const target = table.result(to, laneLayout(lane, factor));
  const blocks = Math.ceil(shape[lane]! / table.lanes);
  const parts = Array.from({ length: Math.min(factor, blocks) }, (_, part): Omit<ComputeBlock, "id"> => {
    const dims = shape.map((size, axis) =>
      axis === lane
        ? plainDim(`d${axis}`, axis, Math.ceil((blocks - part) / factor), factor)
        : plainDim(`d${axis}`, axis, size),
    );
    const space: Space = { before: shape, layout: laneLayout(lane), dims };
    const vector = partDraft(from, space, [source, target], part, table);
    const [tiling] = rankedTilings(space, null, vector, machine);
    if (!tiling) throw new CompilerBug("blocks", `${to}: no tile to pack`);
    return {
      kind: "compute",
      name: to,
      locs: [n.loc] as readonly Loc[],
      results: part === Math.min(factor, blocks) - 1 ? [target] : [],
      dims: tiling.dims,
      order: tiling.order,
      gemm: null,
      vector: tiling.vector,
    };
  });
  table.provide(to, target);
  return parts;
}

function partDraft(
  label: ValueId,
  space: Space,
  tensors: readonly [source: TensorId, target: TensorId],
  part: number,
  table: TensorTable,
): VectorDraft {
  const { lanes } = table;
  const one: Space = { ...space, dims: space.dims.map((d) => ({ ...d, blocks: 1 })) };
  const access = (id: TensorId) => {
    const t = table.get(id);
    const lane = space.dims.findIndex((d) => d.axis === t.layout.lane);
    const strides = accessStrides(space, t.shape, t, lanes);
    return { tensor: id, offset: part * accessStrides(one, t.shape, t, lanes)[lane]!, strides };
  };
  const spans = stageSpans(space, "before");
  const [source, target] = [access(tensors[0]), access(tensors[1])];
  const moves = { ...source, strides: source.strides.map((s, i) => (spans[i] ? s : 0)) };
  return {
    buffers: [{ id: 0, label, stage: "before", form: "rows", spans, origin: "load" }],
    loads: [{ buffer: 0, access: moves, fill: 0, lead: spans.map(() => 0) }],
    ops: [],
    stores: [{ buffer: 0, access: target }],
  };
}
