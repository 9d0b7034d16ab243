/**
 * The tilings of a block: every combination of tile extents that fits the scratchpads, in every order that lets an operand
 * stay. Tiles cover the dimensions; a ragged last tile is cut off by bounds on the transfers.
 */
import type { GemmPart, ReductionDim, TileDim, VectorPart } from "@accelc/ir";
import { type DerivedMachine, derive, type MachineDescription, systolicTileCycles } from "@accelc/machine";
import type { GemmDraft } from "./gemm.js";
import { placeVector } from "./place.js";
import type { TileShape } from "./rows.js";
import type { Space, SpaceDim } from "./space.js";
import type { VectorDraft } from "./vector-builder.js";

/** Extents and order of tiles; buffers have no places yet. */
export interface TilingChoice {
  readonly dims: readonly TileDim[];
  readonly order: readonly number[];
  readonly ic: ReductionDim;
  readonly kh: ReductionDim;
  readonly kw: ReductionDim;
}

/** Blocks of channels, kernel rows and kernel columns of a tile. */
export interface Taps {
  readonly ic: number;
  readonly kh: number;
  readonly kw: number;
}

/** Steps of the array per set of tiles that a sum runs through. */
export const reductionTiles = (t: Pick<TilingChoice, "ic" | "kh" | "kw">): number =>
  t.ic.count * t.kh.count * t.kw.count;

export interface Tiling extends TilingChoice {
  readonly vector: VectorPart;
}

/** Loops of the array that walk tiles: 0 to 6. */
const TILE_LOOPS = 7;

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

/** Extents that do not hold all of a dimension, rounded up to multiples of `grain`. */
export function inGrains(tiles: readonly number[], extent: number, grain: number): readonly number[] {
  const rounded = tiles.map((t) => (t === extent ? t : Math.min(Math.ceil(t / grain) * grain, extent)));
  return [...new Set(rounded)];
}

/** Rows of IBUF that one tile's input takes. */
export function inputRows(g: GemmDraft, dims: readonly TileDim[], taps: Taps): number {
  const { h, w, batch } = g.roles;
  if (g.pack) return dims[batch]!.before.tile * dims[h]!.before.tile * dims[w]!.before.tile * g.pack.rows;
  const ih = (dims[h]!.before.tile - 1) * g.strides[0] + (taps.kh - 1) * g.dilations[0] + 1;
  const iw = (dims[w]!.before.tile - 1) * g.strides[1] + (taps.kw - 1) * g.dilations[1] + 1;
  return dims[batch]!.before.tile * taps.ic * g.operands.passes * ih * iw;
}

/** Blocks of output lanes of a tile. */
export const outputBlocks = ({ roles }: GemmDraft, dims: readonly TileDim[]): number =>
  dims[roles.oc]!.before.tile * (dims[roles.part]?.before.tile ?? 1);

/** Passes of the array per output of a tile. */
export const steps = (g: GemmDraft, { ic, kh, kw }: Taps): number => ic * g.operands.passes * kh * kw;

/**
 * Minifloat sums take the kernel rows of one pass of channels after those of another, and columns after rows: they may be tiled
 * where a tile has one pass, columns where it has one row too, into equal parts, as a ragged one would put zeros in between.
 */
function keepsOrder({ operands, kernel }: GemmDraft, { ic, kh, kw }: Taps): boolean {
  if (operands.sum === null || (kh === kernel[0] && kw === kernel[1])) return true;
  const columns = kw === kernel[1] || (kh === 1 && kernel[1] % kw === 0);
  return ic * operands.passes === 1 && kernel[0] % kh === 0 && columns;
}

const allTaps = (g: GemmDraft): Taps => ({ ic: g.icBlocks, kh: g.kernel[0], kw: g.kernel[1] });

/** The fewest of a tile. */
export function fewestTaps(g: GemmDraft): Taps {
  const one = { ic: g.pack ? g.icBlocks : 1, kh: 1, kw: 1 };
  return keepsOrder(g, one) ? one : { ...allTaps(g), ic: one.ic };
}

const accumulatorRows = (dims: readonly TileDim[]): number => dims.reduce((n, d) => n * d.before.tile, 1);

/** A scratchpad that a tile does not fit: rows or blocks it needs, and those that a half, which a tile may fill, has. */
export interface Lack {
  readonly buffer: "IBUF" | "WBUF" | "BBUF" | "OBUF";
  readonly unit: "rows" | "blocks";
  /** Of the machine description: the size of both halves. */
  readonly field: "ibufRows" | "wbufBlocks" | "bbufRows" | "obufRows";
  readonly needs: number;
  readonly has: number;
}

/** The scratchpads that a tile overflows; empty when it fits them. */
export function overflow(g: GemmDraft, dims: readonly TileDim[], taps: Taps, m: DerivedMachine): readonly Lack[] {
  const blocks = outputBlocks(g, dims);
  const [input, weights] = [inputRows(g, dims, taps), blocks * steps(g, taps)];
  const [bias, sums] = [g.bias === null ? 0 : blocks, accumulatorRows(dims)];
  if (input <= m.ibuf.halfRows && weights <= m.wbuf.halfRows && bias <= m.bbuf.halfRows && sums <= m.obuf.halfRows)
    return [];
  const all: readonly Lack[] = [
    { buffer: "IBUF", unit: "rows", field: "ibufRows", needs: input, has: m.ibuf.halfRows },
    { buffer: "WBUF", unit: "blocks", field: "wbufBlocks", needs: weights, has: m.wbuf.halfRows },
    { buffer: "BBUF", unit: "rows", field: "bbufRows", needs: bias, has: m.bbuf.halfRows },
    { buffer: "OBUF", unit: "rows", field: "obufRows", needs: sums, has: m.obuf.halfRows },
  ];
  return all.filter((x) => x.needs > x.has);
}

/**
 * Tile orders, of those over the same loops one: as the dimensions stand; weights stay while what does not move them
 * advances; the input stays while output blocks advance. Sums always stay: reductions are innermost.
 */
function orders(dims: readonly TileDim[], g: GemmDraft | null): readonly (readonly number[])[] {
  const natural = dims.map((_, i) => i);
  if (!g) return [natural];
  const { oc, part } = g.roles;
  const first = (moves: (d: number) => boolean) => [...natural.filter(moves), ...natural.filter((d) => !moves(d))];
  const all = [natural, first((d) => g.weights.strides[d] !== 0), first((d) => d !== oc && d !== part)];
  const walked = (order: readonly number[]) => order.filter((d) => dims[d]!.count > 1).join();
  return all.filter((o, i) => all.findIndex((x) => walked(x) === walked(o)) === i);
}

function* tilesOf(space: Space, limit: number, single: readonly boolean[]): Generator<readonly TileDim[]> {
  const choices = space.dims.map((d, i) =>
    d.whole
      ? [d.extent]
      : single[i]
        ? inGrains([1], d.extent, d.grain).filter((t) => t === 1)
        : inGrains(tileChoices(d.extent, limit), d.extent, d.grain),
  );
  const walk = function* (i: number, rows: number, chosen: readonly TileDim[]): Generator<readonly TileDim[]> {
    if (i < 0) return yield chosen;
    for (const t of choices[i]!) {
      const d = tileDim(space.dims[i]!, t);
      if (rows * d.before.tile <= limit || t === 1) yield* walk(i - 1, rows * d.before.tile, [d, ...chosen]);
    }
  };
  yield* walk(space.dims.length - 1, 1, []);
}

/** Extents of tiles that leave room for accumulators, or for rows of a VMEM, and the fewest cycles of the array with them. */
export interface Extents {
  readonly dims: readonly TileDim[];
  readonly array: number;
}

export function* extents(space: Space, g: GemmDraft | null, machine: MachineDescription): Generator<Extents> {
  if (!g) {
    for (const dims of tilesOf(space, machine.tandem.vmemRows, [])) yield { dims, array: 0 };
    return;
  }
  const { obuf } = derive(machine);
  const passes = steps(g, allTaps(g));
  for (const dims of tilesOf(space, obuf.halfRows, g.single)) {
    const tiles = dims.reduce((n, d) => n * d.count, 1);
    yield { dims, array: systolicTileCycles(machine, tiles * accumulatorRows(dims) * passes) };
  }
}

/** Everything that may be chosen beside the extents: how the reduction is tiled, and the order of tiles. */
export function* choices(
  dims: readonly TileDim[],
  g: GemmDraft | null,
  machine: MachineDescription,
): Generator<TilingChoice> {
  const one = reduction(1, 1);
  if (!g) {
    for (const order of orders(dims, null)) yield { dims, order, ic: one, kh: one, kw: one };
    return;
  }
  const m = derive(machine);
  const ics = g.pack ? [g.icBlocks] : tileChoices(g.icBlocks, g.icBlocks);
  const khs = [...new Set([g.kernel[0], ...tileChoices(g.kernel[0], g.kernel[0])])];
  const walks = orders(dims, g);
  const [rows, columns] = g.kernel;
  // Columns are tiled where a row of the kernel does not fit.
  const wide = !g.pack && overflow(g, dims, { ic: 1, kh: 1, kw: columns }, m).length > 0;
  const loops = dims.filter((d) => d.count > 1).length;
  for (const ic of ics)
    for (const kh of khs)
      for (const kw of wide && kh === 1 ? tileChoices(columns, columns) : [columns]) {
        const taps = { ic, kh, kw };
        if (!keepsOrder(g, taps) || overflow(g, dims, taps, m).length > 0) continue;
        const t = { ic: reduction(g.icBlocks, ic), kh: reduction(rows, kh), kw: reduction(columns, kw) };
        if (loops + [t.ic, t.kh, t.kw].filter((d) => d.count > 1).length > TILE_LOOPS) continue;
        for (const order of walks) yield { dims, order, ...t };
      }
}

export const tileShape = (dims: readonly TileDim[]): TileShape => ({
  dims,
  tiles: dims.reduce((n, d) => n * d.count, 1),
});

/** A mapping with its buffers placed; undefined where they do not fit. */
export function placed(
  { dims, order, ic, kh, kw }: TilingChoice,
  v: VectorDraft,
  machine: MachineDescription,
): Tiling | undefined {
  const vector = placeVector(v, tileShape(dims), machine.tandem.vmemRows, machine.tandem.lanes);
  return vector && { dims, order, ic, kh, kw, vector };
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
  kw: t.kw,
  strides: g.strides,
  dilations: g.dilations,
  lead: g.lead,
  size: g.size,
  fill: g.fill,
  pack: g.pack,
  resident: null,
});
