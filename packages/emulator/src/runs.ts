import type { LinearBound } from "./bounds.js";

/** A loop of a transfer: DRAM stride in bytes, on-chip stride in the transfer's own unit. */
export interface TransferLoop {
  readonly id: number;
  readonly count: number;
  readonly dram: number;
  readonly chip: number;
}

/** One innermost run: DRAM address, on-chip position, and its units [from, to) inside all bounds. */
export type RunVisitor = (address: number, chip: number, from: number, to: number, run: number) => void;

/** Trip of an outer loop in the current tile. */
export type OuterTrip = (loop: number) => number;

export const byId = (a: { readonly id: number }, b: { readonly id: number }): number => a.id - b.id;

/** Product of the trip counts. */
export const tripProduct = (loops: readonly { readonly count: number }[]): number =>
  loops.reduce((n, l) => n * l.count, 1);

interface TileBound {
  readonly low: number;
  readonly high: number;
  readonly factors: readonly number[];
  readonly perUnit: number;
}

function inTile(bound: LinearBound, loops: readonly TransferLoop[], outer: OuterTrip): TileBound {
  const offset = bound.outers.reduce((sum, o) => sum + o.factor * outer(o.loop), 0);
  const factors = loops.map((l) => bound.inners.reduce((sum, i) => (i.loop === l.id ? sum + i.factor : sum), 0));
  return { low: bound.low - offset, high: bound.high - offset, factors, perUnit: bound.perUnit };
}

/**
 * Visits the runs of a transfer, loops nested in the given order, the last fastest. `units` is the length of a run in the
 * unit bounds count in.
 */
export function forEachRun(
  loops: readonly TransferLoop[],
  base: number,
  units: number,
  bounds: readonly LinearBound[],
  outer: OuterTrip,
  visit: RunVisitor,
): void {
  const tileBounds = bounds.map((b) => inTile(b, loops, outer));
  const trips = new Array<number>(loops.length).fill(0);
  let address = base;
  let chip = 0;
  for (let run = 0; ; run++) {
    let from = 0;
    let to = units;
    for (const b of tileBounds) {
      let c = 0;
      for (let l = 0; l < trips.length; l++) c += b.factors[l] * trips[l];
      if (b.perUnit === 0) {
        if (c < b.low || c >= b.high) to = Math.min(to, from);
      } else {
        const [first, end] = unitRange(b, c);
        from = Math.max(from, first);
        to = Math.min(to, end);
      }
    }
    const first = Math.min(from, units);
    visit(address >>> 0, chip, first, Math.max(first, to), run);
    let l = loops.length - 1;
    for (; l >= 0; l--) {
      const loop = loops[l];
      trips[l] += 1;
      if (trips[l] < loop.count) {
        address += loop.dram;
        chip += loop.chip;
        break;
      }
      trips[l] = 0;
      address -= (loop.count - 1) * loop.dram;
      chip -= (loop.count - 1) * loop.chip;
    }
    if (l < 0) return;
  }
}

/** Units u with low <= c + perUnit · u < high, as [first, end). */
function unitRange(b: TileBound, c: number): readonly [number, number] {
  const first = Math.ceil((b.low - c) / b.perUnit);
  const end = Math.ceil((b.high - c) / b.perUnit);
  return b.perUnit > 0 ? [first, end] : [end + 1, first + 1];
}
