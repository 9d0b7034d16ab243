/** Codes of 4 and 2 bits: the layouts the array wants them in, and the blocks that pack what nobody packed on the way. */
import {
  CompilerBug,
  type ComputeBlock,
  type Graph,
  LINEAR,
  type Loc,
  laneLayout,
  type Node,
  type NodeOf,
  physicalElements,
  type TensorId,
  type ValueId,
} from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { leastTiling } from "./best-first.js";
import { type OperandForm, packFactor } from "./operands.js";
import type { ComputeGroup } from "./partition.js";
import { accessStrides, plainDim, type Space, splitLanes, stageSpans } from "./space.js";
import type { TensorTable } from "./tensors.js";
import type { VectorDraft } from "./vector-builder.js";
import { type WeightTensor, weightForm } from "./weight-order.js";

/** Axes that the readers of a packed value reduce over: those it is wanted with in lanes. */
export function reducedAxes(g: Graph, value: ValueId, readers: readonly Node[]): readonly number[] {
  const rank = g.values.get(value)!.type.shape.length;
  const axes = readers.filter((n) => n.inputs[0] === value).map((n) => (n.op === "conv" ? 1 : rank - 1));
  return [...new Set(axes)];
}

/** The int8 value that a packed one holds the codes of; undefined for all others. */
export function packedFrom(g: Graph, value: ValueId): ValueId | undefined {
  const { data, type } = g.values.get(value)!;
  if (data || packFactor(type.dtype) === 1) return undefined;
  return g.nodes.find((n) => n.outputs[0] === value)?.inputs[0];
}

/** A pack that the group of its operand does not carry out, or not for every axis its readers want in lanes. */
export interface Unpacked {
  readonly node: NodeOf<"pack">;
  readonly lanes: readonly number[];
}

export interface PackedGroup {
  readonly group: ComputeGroup;
  /** Split where the group packs. */
  readonly space: Space;
  readonly factor: number;
  readonly apart: readonly Unpacked[];
  /** Values that must be stored, since codes are packed from them elsewhere. */
  readonly sources: readonly ValueId[];
}

/** Settles which packs of a group its stores carry out in `space`: those to one element type, lanes where the readers want them. */
export function settlePacks(
  g: Graph,
  group: ComputeGroup,
  space: Space,
  levels: number,
  readersOf: (value: ValueId) => readonly Node[],
): PackedGroup {
  const packs = group.steps.flatMap(({ node }) => (node.op === "pack" ? [node] : []));
  const lanesOf = (n: Node) => reducedAxes(g, n.outputs[0]!, readersOf(n.outputs[0]!));
  const { lane } = space.layout;
  // The array's loop that would walk the parts is taken where a block of channels has several passes.
  const taken = group.gemm !== null && g.values.get(group.gemm.inputs[0]!)!.type.dtype === "dlfloat16";
  const here = packs.filter((n) => !taken && lane !== null && lanesOf(n).includes(lane));
  const factorOf = (n: Node) => packFactor(g.values.get(n.outputs[0]!)!.type.dtype);
  const factor = here[0] ? factorOf(here[0]) : 1;
  const split = factor > 1 ? splitLanes(space, factor, levels) : undefined;
  const kept = new Set<Node>(split ? here.filter((n) => factorOf(n) === factor) : []);
  const apart = packs
    .map((node) => ({ node, lanes: lanesOf(node).filter((l) => l !== lane || !kept.has(node)) }))
    .filter(({ lanes }) => lanes.length > 0);
  const weights = packs.filter((n) => readersOf(n.outputs[0]!).some((r) => r.inputs[1] === n.outputs[0]));
  return {
    group: { ...group, steps: group.steps.filter(({ node }) => node.op !== "pack" || kept.has(node)) },
    space: split ?? space,
    factor: split ? factor : 1,
    apart,
    sources: [...apart.map((a) => a.node), ...weights].map((n) => n.inputs[0]!),
  };
}

/**
 * Blocks that store the codes of an int8 value packed, with `lane` in lanes: without an instruction, since a store writes
 * as many low bits as its elements have. Where the blocks of lanes do not divide by the layout's factor, block `part`
 * carries out every `factor`th of them, so that it steps evenly through both tensors.
 */
export function packBlocks(
  n: NodeOf<"pack">,
  lane: number,
  table: TensorTable,
  machine: MachineDescription,
): Omit<ComputeBlock, "id">[] {
  const [from, to] = [n.inputs[0]!, n.outputs[0]!];
  const { shape, dtype } = table.graph.values.get(to)!.type;
  const factor = packFactor(dtype);
  const source = table.read(from, laneLayout(lane), n.loc);
  const target = table.result(to, laneLayout(lane, factor));
  const spaces = packSpaces(shape, lane, factor, machine);
  table.provide(to, target);
  return spaces.map((space, part) => {
    const vector = partDraft(from, space, [source, target], part, table);
    return packBlock(to, n.loc, space, vector, part === spaces.length - 1 ? [target] : [], machine, table);
  });
}

function packSpaces(shape: readonly number[], lane: number, factor: number, machine: MachineDescription): Space[] {
  const { lanes, loopLevels } = machine.tandem;
  const blocks = Math.ceil(shape[lane]! / lanes);
  const space = (extent: number, step: number): Space => {
    const dims = shape.map((size, axis) =>
      axis === lane ? plainDim(`d${axis}`, axis, extent, step) : plainDim(`d${axis}`, axis, size),
    );
    return { before: shape, layout: laneLayout(lane), dims };
  };
  const split = splitLanes(space(blocks, 1), factor, loopLevels);
  if (split) return [split];
  const parts = Math.min(factor, blocks);
  return Array.from({ length: parts }, (_, part) => space(Math.ceil((blocks - part) / factor), factor));
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
    const offset = part === 0 ? 0 : part * accessStrides(one, t.shape, t, lanes)[lane]!;
    return { tensor: id, offset, strides };
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

/**
 * A packed right operand of a product in weight order: the codes are brought in that order, neighbours along the reduction
 * side by side, and packed as they lie.
 */
export function packedWeights(
  value: ValueId,
  source: ValueId,
  loc: Loc,
  table: TensorTable,
  machine: MachineDescription,
  form: OperandForm,
): WeightTensor {
  const order = weightForm(table, source, loc, form);
  const tensor = table.once(`${value} weights`, () => {
    const codes = table.get(order.tensor);
    const target = table.add(value, codes.shape, codes.layout, form.bits);
    const rows = physicalElements(codes.shape, codes.layout, table.lanes) / table.lanes;
    const space: Space = { before: [rows], layout: LINEAR, dims: [plainDim("row", 0, rows)] };
    const vector = partDraft(source, space, [codes.id, target], 0, table);
    table.emit(packBlock(value, loc, space, vector, [], machine, table));
    return target;
  });
  return { ...order, tensor };
}

function packBlock(
  name: ValueId,
  loc: Loc,
  space: Space,
  vector: VectorDraft,
  results: readonly TensorId[],
  machine: MachineDescription,
  table: TensorTable,
): Omit<ComputeBlock, "id"> {
  const tiling = leastTiling({ space, gemm: null, vector, machine, table, ahead: 0 });
  if (!tiling) throw new CompilerBug("blocks", `${name}: no tile to pack`);
  const { dims, order } = tiling;
  return { kind: "compute", name, locs: [loc], results, dims, order, gemm: null, vector: tiling.vector };
}
