/**
 * DRAM traffic of a block under a tiling: bursts of every transfer, tile by tile in closed form. Runs are as long as the
 * tensors allow; a limit of the words may cut one further, so what is counted here is never more than what happens.
 */
import type { Access, ReductionDim, TileDim, TileStore } from "@accelc/ir";
import { burstsOfRun, type MachineDescription, transferCycles } from "@accelc/machine";
import type { GemmDraft } from "./gemm.js";
import { reductionTiles, type TilingChoice } from "./tile.js";
import type { DraftBuffer } from "./vector-builder.js";

/** Transfers of one buffer over the block: how many, cycles of the first, of the last, and of all. */
export interface Traffic {
  readonly times: number;
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/**
 * A dimension of a transfer: steps of a tile, of which those of the tensor, [low, low + size), touch memory. `also`: a second
 * tile loop that moves it.
 */
interface Walk {
  readonly extent: number;
  readonly stride: number;
  readonly count: number;
  readonly step: number;
  readonly low: number;
  readonly size: number;
  readonly also?: { readonly count: number; readonly step: number };
}

const fixed = (extent: number, stride: number): Walk => ({ extent, stride, count: 1, step: 0, low: 0, size: extent });

/** A dimension that only moves the transfer from tile to tile. */
const moving = (count: number): Walk => ({ extent: 1, stride: 0, count, step: 1, low: 0, size: count });

const reach = (w: Walk): number => (w.count - 1) * w.step + (w.also ? (w.also.count - 1) * w.also.step : 0) + w.extent;

/** Whether some tile leaves a part of the dimension out. */
const isCut = (w: Walk): boolean => w.low > 0 || reach(w) > w.low + w.size;

const tilesOf = (w: Walk): number => w.count * (w.also?.count ?? 1);

/** Sum over the tiles of a dimension of what `of` makes of the steps that touch memory; the same of the first and the last. */
function overTiles(w: Walk, of: (steps: number) => number): readonly [sum: number, first: number, last: number] {
  if (!isCut(w)) return [tilesOf(w) * of(w.extent), of(w.extent), of(w.extent)];
  const at = (from: number) => of(Math.max(0, Math.min(from + w.extent, w.low + w.size) - Math.max(from, w.low)));
  const also = w.also ?? { count: 1, step: 0 };
  let sum = 0;
  for (let k = 0; k < also.count; k++) {
    // Tiles [from, to) lie inside as a whole.
    const shift = k * also.step;
    const from = Math.min(w.count, Math.max(0, Math.ceil((w.low - shift) / w.step)));
    const to = Math.min(w.count, Math.floor((w.low + w.size - w.extent - shift) / w.step) + 1);
    for (let t = 0; t < w.count; t++) {
      if (t === from && to > from) {
        sum += (to - from) * of(w.extent);
        t = to;
        if (t === w.count) break;
      }
      sum += at(t * w.step + shift);
    }
  }
  return [sum, at(0), at(reach(w) - w.extent)];
}

/** Bursts of a transfer: over all tiles that differ, of the first and of the last; how many tiles differ, and touch memory. */
interface Bursts {
  readonly total: number;
  readonly first: number;
  readonly last: number;
  readonly tiles: number;
  readonly touching: number;
}

/** @param walks in the order of the rows on chip, outermost first; @param unit bytes of a row */
function burstsOf(m: MachineDescription, walks: readonly Walk[], unit: number): Bursts {
  let run = unit;
  let rest = walks.length;
  let cut: Walk | undefined;
  while (rest > 0 && cut === undefined) {
    const w = walks[rest - 1]!;
    const shaped = w.extent > 1 || isCut(w);
    if (shaped && (w.stride !== run || (isCut(w) && run > unit))) break;
    if (isCut(w)) cut = w;
    else run *= w.extent;
    rest -= 1;
  }
  let [total, first, last, touching] = [1, 1, 1, 1];
  walks.forEach((w, i) => {
    const steps = (n: number) => (w === cut ? burstsOfRun(m, n * unit) : i < rest ? n : 1);
    const [all, one, end] = overTiles(w, steps);
    total *= all;
    first *= one;
    last *= end;
    touching *= overTiles(w, (n) => Math.min(n, 1))[0];
  });
  const each = cut === undefined ? burstsOfRun(m, run) : 1;
  const tiles = walks.reduce((n, w) => n * tilesOf(w), 1);
  return { total: total * each, first: first * each, last: last * each, tiles, touching };
}

/** How often a buffer that the dimensions `uses` move is transferred, walking tiles in `order`. */
export function fills(t: TilingChoice, uses: (dim: number) => boolean, reductions: number): number {
  let [times, all] = [1, 1];
  for (const d of t.order) {
    const { count } = t.dims[d]!;
    all *= count;
    if (count > 1 && uses(d)) times = all;
  }
  return reductions > 1 ? all * reductions : times;
}

/** `moved`: transfers of the buffer that differ; `times`: with those that are made again. */
function trafficOf(m: MachineDescription, walks: readonly Walk[], unit: number, times: number): Traffic {
  const b = burstsOf(m, walks, unit);
  const { latencyCycles, burstBytes, bytesPerCycle } = m.dram;
  const again = times / b.tiles;
  return {
    times,
    first: transferCycles(m, b.first),
    last: transferCycles(m, b.last),
    total: again * (b.touching * latencyCycles + (b.total * burstBytes) / bytesPerCycle),
  };
}

/** Loads of WBUF, IBUF and BBUF. */
export function systolicTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription): Traffic[] {
  const { batch, group, oc, h, w } = g.roles;
  const reductions = reductionTiles(t);
  const weights = trafficOf(
    m,
    weightWalks(t, g, m),
    m.array.rows * m.array.columns,
    fills(t, (d) => g.weights.strides[d] !== 0, reductions),
  );
  const input = inputTraffic(
    t,
    g,
    m,
    fills(t, (d) => d === batch || d === group || d === h || d === w, reductions),
  );
  if (g.bias === null) return [weights, input];
  const parts = t.dims[g.roles.part]?.extent ?? 1;
  const row = 4 * m.array.columns;
  const bias = [
    blocks(t.dims[oc]!, row * parts),
    ...(t.dims[group]!.count > 1 ? [moving(t.dims[group]!.count)] : []),
    fixed(parts, row),
  ];
  return [
    weights,
    input,
    trafficOf(
      m,
      bias,
      row,
      fills(t, (d) => d === oc || d === group, 1),
    ),
  ];
}

const blocks = (d: TileDim, stride: number): Walk => ({
  extent: d.before.tile,
  stride,
  count: d.count,
  step: d.tile,
  low: 0,
  size: d.before.extent,
});

const reducing = (d: ReductionDim, stride: number): Walk => ({
  extent: d.tile,
  stride,
  count: d.count,
  step: d.tile,
  low: 0,
  size: d.extent,
});

function weightWalks(t: TilingChoice, g: GemmDraft, m: MachineDescription): Walk[] {
  const block = m.array.rows * m.array.columns;
  const pass = g.kernel[0] * g.kernel[1] * block;
  const { oc, part } = g.roles;
  const s = g.weights.strides;
  const others = s.flatMap((stride, d) =>
    stride !== 0 && d !== oc && d !== part && t.dims[d]!.count > 1 ? [moving(t.dims[d]!.count)] : [],
  );
  return [
    ...others,
    blocks(t.dims[oc]!, s[oc]!),
    ...(part < 0 ? [] : [fixed(t.dims[part]!.extent, s[part]!)]),
    reducing(t.ic, pass * g.operands.passes),
    fixed(g.operands.passes, pass),
    reducing(t.kh, g.kernel[1] * block),
    reducing(t.kw, block),
  ];
}

function inputTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription, times: number): Traffic {
  const { batch, group, h, w } = g.roles;
  const [n, rows, columns] = [t.dims[batch]!, t.dims[h]!, t.dims[w]!];
  const s = g.input.strides;
  if (g.pack) return packedTraffic(t, g, m, times);
  const { passes } = g.operands;
  const high: Walk = {
    extent: (rows.before.tile - 1) * g.strides[0] + (t.kh.tile - 1) * g.dilations[0] + 1,
    stride: s[h]!,
    count: rows.count,
    step: rows.before.step * g.strides[0],
    low: g.lead[0],
    size: g.size[0],
    ...(t.kh.count > 1 ? { also: { count: t.kh.count, step: t.kh.tile * g.dilations[0] } } : {}),
  };
  const wide: Walk = {
    extent: (columns.before.tile - 1) * g.strides[1] + (t.kw.tile - 1) * g.dilations[1] + 1,
    stride: s[w]!,
    count: columns.count,
    step: columns.before.step * g.strides[1],
    low: g.lead[1],
    size: g.size[1],
    ...(t.kw.count > 1 ? { also: { count: t.kw.count, step: t.kw.tile * g.dilations[1] } } : {}),
  };
  const lines: Walk[] = [
    { extent: n.before.tile, stride: s[batch]!, count: n.count, step: n.before.step, low: 0, size: n.before.extent },
    reducing(t.ic, g.icStride),
    high,
    wide,
    fixed(passes, m.array.rows),
  ];
  const far = (x: Walk) => (x.extent > 1 ? x.stride : Number.MAX_SAFE_INTEGER);
  const sorted = lines.sort((a, b) => far(b) - far(a));
  const groups = t.dims[group]!.count > 1 ? [moving(t.dims[group]!.count)] : [];
  return trafficOf(m, [...groups, ...sorted], m.array.rows, times);
}

/** Every window's runs: a run of bytes for each tap, cut off where the image ends. */
function packedTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription, times: number): Traffic {
  const { batch, h, w } = g.roles;
  const { run, taps } = g.pack!;
  const axis = (d: TileDim, k: 0 | 1, tile: number): number[] => {
    const out: number[] = [];
    const pixel = g.input.strides[w]!;
    const span = k === 1 && taps[1] === 1 ? run / pixel : 1;
    for (let i = 0; i < d.before.tile; i++)
      for (let tap = 0; tap < taps[k]; tap++) {
        const at = (tile * d.before.step + i) * g.strides[k] + tap * g.dilations[k] - g.lead[k];
        out.push(Math.max(0, Math.min(at + span, g.size[k]) - Math.max(at, 0)) * (k === 1 ? pixel : 1));
      }
    return out;
  };
  const rows = (tile: number) => axis(t.dims[h]!, 0, tile).filter((x) => x > 0).length;
  const runs = (tile: number) =>
    axis(t.dims[w]!, 1, tile).reduce((sum, bytes) => sum + (bytes > 0 ? burstsOfRun(m, bytes) : 0), 0);
  const sum = (count: number, of: (tile: number) => number) =>
    Array.from({ length: count }, (_, i) => of(i)).reduce((a, b) => a + b, 0);
  const images = t.dims[batch]!;
  const [th, tw] = [t.dims[h]!.count, t.dims[w]!.count];
  const again = times / (images.count * th * tw);
  const total = images.before.extent * sum(th, rows) * sum(tw, runs) * again;
  const some = (of: (tile: number) => number) => (tile: number) => Math.min(1, of(tile));
  const touching = images.count * sum(th, some(rows)) * sum(tw, some(runs)) * again;
  const { latencyCycles, burstBytes, bytesPerCycle } = m.dram;
  return {
    times,
    first: transferCycles(m, images.before.tile * rows(0) * runs(0)),
    last: transferCycles(m, rows(th - 1) * runs(tw - 1)),
    total: touching * latencyCycles + (total * burstBytes) / bytesPerCycle,
  };
}

/** A store of a buffer turned along a dimension: rows of lanes of its steps, for every lane and step of the others. */
function turnedWalks(t: TilingChoice, b: DraftBuffer, access: Access, laneStride: number, lanes: number): Walk[] {
  const walkOf = (d: TileDim, i: number): Walk => {
    const rows = (n: number) => (i === b.turn ? Math.ceil(n / lanes) : n);
    const extent = rows(d.tile);
    return { extent, stride: access.strides[i]!, count: d.count, step: extent, low: 0, size: rows(d.extent) };
  };
  const others = t.dims.flatMap((d, i) => (b.spans[i] && i !== b.turn ? [walkOf(d, i)] : []));
  return [...others, fixed(lanes, laneStride), walkOf(t.dims[b.turn!]!, b.turn!)];
}

/** A store of the Tandem Processor; `bits` of an element in DRAM. */
export function storeTraffic(
  t: TilingChoice,
  b: DraftBuffer,
  s: TileStore,
  bits: number,
  m: MachineDescription,
): Traffic {
  if (s.laneStride === undefined) return vectorTraffic(t, b, s.access, [], bits, false, m);
  const { lanes } = m.tandem;
  const tiles = t.dims.reduce((n, d) => n * d.count, 1);
  return trafficOf(m, turnedWalks(t, b, s.access, s.laneStride, lanes), (lanes * bits) / 8, tiles);
}

/** A load or store of rows as they are; `bits` of an element in DRAM. */
export function vectorTraffic(
  t: TilingChoice,
  b: DraftBuffer,
  access: Access,
  lead: readonly number[],
  bits: number,
  once: boolean,
  m: MachineDescription,
): Traffic {
  const { lanes } = m.tandem;
  const unit = (lanes * bits) / 8;
  const walks = t.dims.flatMap((d, i): Walk[] => {
    if (!b.spans[i]) return [];
    const before = b.stage === "before";
    const front = lead[i] ?? 0;
    return [
      {
        extent: before ? d.before.tile : d.tile,
        stride: access.strides[i]!,
        count: once ? 1 : d.count,
        step: before ? d.before.step : d.tile,
        low: front,
        size: before ? d.before.extent : d.extent,
      },
    ];
  });
  const tiles = t.dims.reduce((n, d) => n * d.count, 1);
  return trafficOf(m, walks, unit, once ? 1 : tiles);
}
