/** The iteration space of a compute block: its dimensions, and how tensors are walked along them. */
import { type DramTensor, type Layout, physicalDims, type Stage } from "@accelc/ir";

/** A dimension before tiling. Along `axis` one step covers `blocks` lane blocks (lane axis) or one index (others). */
export interface SpaceDim {
  readonly name: string;
  readonly axis: number;
  readonly blocks: number;
  /** Extent behind the window, and ahead of it. */
  readonly extent: number;
  readonly before: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Window padding in front. */
  readonly lead: number;
  /** A tile holds all of it. */
  readonly whole: boolean;
  /** A tile that does not hold all of it holds a multiple of this. */
  readonly grain: number;
}

export interface Space {
  /** Shape ahead of the window or reduction; tensors broadcast against it. */
  readonly before: readonly number[];
  readonly layout: Layout;
  readonly dims: readonly SpaceDim[];
}

export const plainDim = (name: string, axis: number, extent: number, blocks = 1): SpaceDim => ({
  name,
  axis,
  blocks,
  extent,
  before: extent,
  kernel: 1,
  stride: 1,
  dilation: 1,
  lead: 0,
  whole: false,
  grain: 1,
});

/**
 * The space with the blocks of its lane axis in `factor`s: one step more covers as many, and a last dimension walks them.
 * So rows lie as a layout of that factor has them in DRAM. Undefined where the blocks do not divide, or lanes are reduced.
 */
export function splitLanes(space: Space, factor: number, levels: number): Space | undefined {
  const at = space.dims.findLastIndex((d) => d.axis === space.layout.lane && d.blocks === 1);
  const d = space.dims[at];
  if (!d || d.kernel > 1 || d.extent !== d.before) return undefined;
  const alone = space.dims.every((o, i) => i === at || o.axis !== d.axis || o.before === 1);
  const parts = d.extent % factor === 0 ? factor : alone && d.extent < factor ? d.extent : undefined;
  const loops = space.dims.length + 1 + space.dims.filter((o) => o.kernel > 1).length;
  if (parts === undefined || loops > levels) return undefined;
  const steps = Math.ceil(d.extent / factor);
  const dims = space.dims.map((o, i) => (i === at ? { ...d, extent: steps, before: steps, blocks: factor } : o));
  return { ...space, dims: [...dims, { ...plainDim("part", d.axis, parts), whole: true }] };
}

/** The axis of `shape` that lines up with axis `axis` of a space of rank `rank`, or -1. */
export const alignedAxis = (shape: readonly number[], rank: number, axis: number): number =>
  Math.max(-1, axis - (rank - shape.length));

/** Bytes per step of each dimension in `t`; 0 along dimensions that `t` broadcasts. */
export function accessStrides(space: Space, shape: readonly number[], t: DramTensor, lanes: number): number[] {
  const rank = space.before.length;
  if (space.layout.lane === null) return space.dims.map(() => (lanes * t.bits) / 8);
  const physical = physicalDims(shape, t.layout, lanes);
  return space.dims.map((d) => {
    const axis = alignedAxis(shape, rank, d.axis);
    if (axis < 0 || axis >= shape.length) return 0;
    if (shape[axis] === 1 && (d.kernel === 1 || space.before[d.axis] !== 1)) return 0;
    const dim = physical.find((p) => p.axis === axis)!;
    const steps = axis === t.layout.lane ? laneSteps(d.blocks, dim.stride, t.layout, lanes) : dim.stride * d.blocks;
    return (steps * t.bits) / 8;
  });
}

/** Elements from a block of lanes to the `blocks`th behind it: whole blocks of the layout, or lanes inside one of them. */
function laneSteps(blocks: number, stride: number, { factor }: Layout, lanes: number): number {
  return blocks % factor === 0 ? (blocks / factor) * stride : blocks * lanes;
}

/** The dimensions along which a stage takes more than one step. */
export const stageSpans = (space: Space, stage: Stage): boolean[] =>
  space.dims.map((d) => (stage === "before" ? d.before > 1 || d.kernel > 1 : d.extent > 1));
