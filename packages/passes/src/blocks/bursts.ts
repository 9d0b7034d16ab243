/**
 * DRAM bursts of transfers that tile loops repeat, in closed form. Runs are as long as the tensors allow; a limit of the words
 * may cut one further, so what is counted here is never more than what happens.
 */
import { burstsOfRun, type MachineDescription, transferCycles } from "@accelc/machine";

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
export interface Walk {
  readonly extent: number;
  readonly stride: number;
  readonly count: number;
  readonly step: number;
  readonly low: number;
  readonly size: number;
  readonly also?: { readonly count: number; readonly step: number };
}

export const fixed = (extent: number, stride: number): Walk => ({
  extent,
  stride,
  count: 1,
  step: 0,
  low: 0,
  size: extent,
});

/** A dimension that only moves the transfer from tile to tile. */
export const moving = (count: number): Walk => ({ extent: 1, stride: 0, count, step: 1, low: 0, size: count });

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

/** Traffic of a transfer along `walks`; `times`: how often it is made in all, over tiles that differ and again over the same. */
export function trafficOf(m: MachineDescription, walks: readonly Walk[], unit: number, times: number): Traffic {
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
