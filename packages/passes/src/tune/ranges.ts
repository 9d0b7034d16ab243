/** Ranges of activations by what they cost the results of the layers that read them. */
import { type Range, type RangeMethod, rangeFor, type Statistics } from "../calibration/index.js";
import { distributionIn } from "../calibration/statistics.js";
import { type Steps, stepsError, stepsOver } from "../ranges/index.js";

/** Input vectors of a layer, kept to try ranges on: rows of weights and float vectors of `inputs` numbers each. */
export interface Witness {
  readonly w: Float64Array;
  readonly vectors: readonly Float32Array[];
  readonly inputs: number;
}

/** The codes of a stored tensor. */
export interface Codes {
  readonly bits: number;
  readonly symmetric: boolean;
}

const METHODS: readonly RangeMethod[] = [{ kind: "minmax" }, { kind: "mse" }, { kind: "octav" }];
/** All that was seen shrunk by thirds of octaves. */
const SHRINKS = Array.from({ length: 12 }, (_, i) => 2 ** (-(i + 1) / 3));

/** 2^bits codes over the range; symmetric about 0 with one code fewer. */
const gridOver = (r: Range, { bits, symmetric }: Codes): Steps =>
  stepsOver(r, 2 ** bits - (symmetric ? 2 : 1), symmetric);

/** Rounds to the grid of a range. */
export function rounder(r: Range, codes: Codes): (x: number) => number {
  const { scale, below, above } = gridOver(r, codes);
  return scale > 0 ? (x) => scale * Math.max(-below, Math.min(above, Math.round(x / scale))) : () => 0;
}

/** Σ |W (x − Q x)|² over the witness's vectors. */
function costOf({ w, vectors, inputs: n }: Witness, q: (x: number) => number): number {
  let cost = 0;
  const off = new Float64Array(n);
  for (const x of vectors) {
    for (let i = 0; i < n; i++) off[i] = x[i]! - q(x[i]!);
    for (let r = 0; r < w.length; r += n) {
      let y = 0;
      for (let i = 0; i < n; i++) y += w[r + i]! * off[i]!;
      cost += y * y;
    }
  }
  return cost;
}

/** What a range must save, as a share of what the whole range costs, before anything is clipped. */
const WORTH = 0.1;

/**
 * The range, of those that the methods give and of the whole one shrunk, that costs the layers reading the tensor least. Two costs
 * are compared with those of the whole range, and the worse one counts: the results of the readers on the vectors kept, and the
 * squared error of all values seen. The first knows what matters, the second every outlier. Undefined where no range saves enough.
 */
export function cheapestRange(s: Statistics, codes: Codes, readers: readonly Witness[]): Range | undefined {
  const whole = rangeFor(s, METHODS[0]!, codes);
  const shrunk = SHRINKS.map((f) => ({ min: whole.min * f, max: whole.max * f }));
  const ranges = [...METHODS.map((m) => rangeFor(s, m, codes)), ...shrunk];
  const results = ranges.map((r) => readers.reduce((sum, w) => sum + costOf(w, rounder(r, codes)), 0));
  const seen = distributionIn(s);
  const values = ranges.map((r) => stepsError(seen, gridOver(r, codes)));
  const share = (costs: readonly number[], i: number) => (costs[0]! > 0 ? costs[i]! / costs[0]! : 1);
  const worse = ranges.map((_, i) => Math.max(share(results, i), share(values, i)));
  const least = Math.min(...worse);
  return least < 1 - WORTH ? ranges[worse.indexOf(least)] : undefined;
}
