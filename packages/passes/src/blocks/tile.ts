/**
 * Chooses the tiling of a block: every combination of tile extents that fits the scratchpads is a candidate, the one
 * with the fewest estimated cycles wins. Tiles cover the dimensions; a ragged last tile is cut off by bounds on the
 * transfers.
 */
import type { GemmPart, ReductionDim, TileDim, VectorPart } from "@accelc/ir";
import { type DerivedMachine, derive, type MachineDescription } from "@accelc/machine";
import { estimate } from "./estimate.js";
import type { GemmDraft } from "./gemm.js";
import { placeVector } from "./place.js";
import type { TileShape } from "./rows.js";
import type { Space, SpaceDim } from "./space.js";
import type { VectorDraft } from "./vector-builder.js";

export interface Tiling {
  readonly dims: readonly TileDim[];
  readonly order: readonly number[];
  readonly ic: ReductionDim;
  readonly kh: ReductionDim;
  readonly vector: VectorPart;
  /** Estimated cycles. */
  readonly cycles: number;
}

const reduction = (extent: number, tile: number): ReductionDim => ({ extent, tile, count: Math.ceil(extent / tile) });

export const tileDim = (d: SpaceDim, tile: number): TileDim => ({
  name: d.name,
  extent: d.extent,
  tile,
  count: Math.ceil(d.extent / tile),
  before: {
    extent: d.before,
    tile: (tile - 1) * d.stride + (d.kernel - 1) * d.dilation + 1,
    step: tile * d.stride,
  },
});

/** Distinct tile extents worth trying: those that split `extent` into 1, 2, 3, … tiles, at most `most` long. */
export function tileChoices(extent: number, most: number): number[] {
  const out = new Set<number>();
  for (let k = 1; k <= extent && out.size < 24; k = k < 24 ? k + 1 : Math.ceil(k * 1.3)) {
    const t = Math.ceil(extent / k);
    if (t <= most) out.add(t);
  }
  if (out.size === 0) out.add(Math.min(extent, most));
  out.add(1);
  return [...out];
}

/** Rows of IBUF that one tile's input takes. */
export function inputRows(g: GemmDraft, dims: readonly TileDim[], icTile: number, khTile: number): number {
  const { h, w, batch } = g.roles;
  if (g.pack) return dims[batch]!.before.tile * dims[h]!.before.tile * dims[w]!.before.tile * g.pack.rows;
  const ih = (dims[h]!.before.tile - 1) * g.strides[0] + (khTile - 1) * g.dilations[0] + 1;
  const iw = (dims[w]!.before.tile - 1) * g.strides[1] + (g.kernel[1] - 1) * g.dilations[1] + 1;
  return dims[batch]!.before.tile * icTile * g.operands.passes * ih * iw;
}

/** Blocks of output lanes of a tile. */
export const outputBlocks = ({ roles }: GemmDraft, dims: readonly TileDim[]): number =>
  dims[roles.oc]!.before.tile * (dims[roles.part]?.before.tile ?? 1);

/** Passes of the array per output of a tile. */
export const steps = (g: GemmDraft, icTile: number, khTile: number): number =>
  icTile * g.operands.passes * khTile * g.kernel[1];

/**
 * Minifloat sums take the kernel rows of one pass of channels after those of another: they may be tiled where a tile has
 * one pass, into equal parts, as a ragged one would put zeros in between.
 */
const keepsOrder = (g: GemmDraft, icTile: number, khTile: number): boolean =>
  g.operands.sum === null || khTile === g.kernel[0] || (icTile * g.operands.passes === 1 && g.kernel[0] % khTile === 0);

/** Fewest kernel rows of a tile with one block of channels. */
export const fewestKernelRows = (g: GemmDraft): number => (keepsOrder(g, 1, 1) ? 1 : g.kernel[0]);

const accumulatorRows = (dims: readonly TileDim[]): number => dims.reduce((n, d) => n * d.before.tile, 1);

/** What a tile needs and what there is, for the scratchpads it overflows; empty when it fits them. */
export function overflow(
  g: GemmDraft,
  dims: readonly TileDim[],
  icTile: number,
  khTile: number,
  m: DerivedMachine,
): string[] {
  const blocks = outputBlocks(g, dims);
  const need: readonly (readonly [string, number, number])[] = [
    ["IBUF rows", inputRows(g, dims, icTile, khTile), m.ibuf.halfRows],
    ["WBUF blocks", blocks * steps(g, icTile, khTile), m.wbuf.halfRows],
    ["BBUF rows", g.bias === null ? 0 : blocks, m.bbuf.halfRows],
    ["OBUF rows", accumulatorRows(dims), m.obuf.halfRows],
  ];
  return need.filter(([, n, has]) => n > has).map(([what, n, has]) => `${n} ${what} of ${has}`);
}

/** Tile orders: weights stay while space advances, or space stays while output blocks advance. */
function orders(space: Space, g: GemmDraft | null): readonly (readonly number[])[] {
  const natural = space.dims.map((_, i) => i);
  if (!g) return [natural];
  const { batch, group, oc, h, w, part } = g.roles;
  return [natural, [batch, group, h, w, oc, ...(part < 0 ? [] : [part])]];
}

export interface Candidate {
  readonly dims: readonly TileDim[];
  readonly order: readonly number[];
  readonly ic: ReductionDim;
  readonly kh: ReductionDim;
  readonly cycles: number;
}

function* tilesOf(space: Space, limit: number, single: readonly boolean[]): Generator<readonly TileDim[]> {
  const choices = space.dims.map((d, i) => (d.whole ? [d.extent] : single[i] ? [1] : tileChoices(d.extent, limit)));
  const walk = function* (i: number, rows: number, chosen: readonly TileDim[]): Generator<readonly TileDim[]> {
    if (i < 0) return yield chosen;
    for (const t of choices[i]!) {
      const d = tileDim(space.dims[i]!, t);
      if (rows * d.before.tile <= limit || t === 1) yield* walk(i - 1, rows * d.before.tile, [d, ...chosen]);
    }
  };
  yield* walk(space.dims.length - 1, 1, []);
}

function gemmCandidates(space: Space, g: GemmDraft, v: VectorDraft, machine: MachineDescription): Candidate[] {
  const m = derive(machine);
  const out: Candidate[] = [];
  const ics = g.pack ? [g.icBlocks] : tileChoices(g.icBlocks, g.icBlocks);
  const khs = [...new Set([g.kernel[0], ...tileChoices(g.kernel[0], g.kernel[0])])];
  for (const dims of tilesOf(space, m.obuf.halfRows, g.single))
    for (const icTile of ics) {
      const khTile = khs.find((k) => keepsOrder(g, icTile, k) && overflow(g, dims, icTile, k, m).length === 0);
      if (khTile === undefined) continue;
      const [ic, kh] = [reduction(g.icBlocks, icTile), reduction(g.kernel[0], khTile)];
      for (const order of orders(space, g))
        out.push({ dims, order, ic, kh, cycles: estimate({ dims, order, ic, kh }, g, v, machine) });
      break;
    }
  return out;
}

function vectorCandidates(space: Space, v: VectorDraft, machine: MachineDescription): Candidate[] {
  const one = reduction(1, 1);
  return [...tilesOf(space, machine.tandem.vmemRows, [])].map((dims) => {
    const order = space.dims.map((_, i) => i);
    return { dims, order, ic: one, kh: one, cycles: estimate({ dims, order, ic: one, kh: one }, null, v, machine) };
  });
}

export const tileShape = (dims: readonly TileDim[]): TileShape => ({
  dims,
  tiles: dims.reduce((n, d) => n * d.count, 1),
});

/** Mappings that are placed, of those that the closed form finds cheapest while it knows of no places. */
const MOST_PLACED = 48;

/** Mappings that fit, cheapest first by the closed form. */
export function rankedTilings(
  space: Space,
  g: GemmDraft | null,
  v: VectorDraft,
  machine: MachineDescription,
): readonly Tiling[] {
  const all = g ? gemmCandidates(space, g, v, machine) : vectorCandidates(space, v, machine);
  const out: Tiling[] = [];
  for (const c of all.sort((a, b) => a.cycles - b.cycles)) {
    const tiling = placed(c, g, v, machine);
    if (tiling) out.push(tiling);
    if (out.length === MOST_PLACED) break;
  }
  return out.sort((a, b) => a.cycles - b.cycles);
}

/** A mapping with its buffers placed; undefined where they do not fit. */
export function placed(
  c: Candidate,
  g: GemmDraft | null,
  v: VectorDraft,
  machine: MachineDescription,
): Tiling | undefined {
  const vector = placeVector(v, tileShape(c.dims), machine.tandem.vmemRows, machine.tandem.lanes);
  return vector && { ...c, vector, cycles: estimate(c, g, v, machine, vector) };
}

/** The GEMM of a block under a tiling. */
export const gemmPart = (g: GemmDraft, t: Tiling): GemmPart => ({
  operands: g.operands,
  input: g.input,
  weights: g.weights,
  bias: g.bias,
  roles: g.roles,
  ic: { ...t.ic, stride: g.icStride },
  kh: t.kh,
  kw: reduction(g.kernel[1], g.kernel[1]),
  strides: g.strides,
  dilations: g.dilations,
  lead: g.lead,
  size: g.size,
  fill: g.fill,
  pack: g.pack,
});
