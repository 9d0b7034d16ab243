/** Ranges of activations by what they cost the results of the layers that read them. */
import { type Range, type RangeMethod, rangeFor, type Statistics } from "../calibration/index.js";

/** Input vectors of a layer, kept to try ranges on: rows of weights and float vectors of `inputs` numbers each. */
export interface Witness {
  readonly w: Float64Array;
  readonly vectors: readonly Float64Array[];
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

/** Rounds to 2^bits codes over the range, 0 among them; symmetric about 0 to one code fewer. */
export function rounder({ min, max }: Range, { bits, symmetric }: Codes): (x: number) => number {
  const [least, most] = symmetric ? [-Math.max(-min, max), Math.max(-min, max)] : [Math.min(0, min), Math.max(0, max)];
  const steps = 2 ** bits - (symmetric ? 2 : 1);
  const scale = (most - least) / steps;
  if (!(scale > 0)) return () => 0;
  const below = Math.round(-least / scale);
  return (x) => scale * Math.max(-below, Math.min(steps - below, Math.round(x / scale)));
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

/** The range, of those that the methods give and of the whole one shrunk, that costs the layers reading the tensor least; the first of equals. */
export function cheapestRange(s: Statistics, codes: Codes, readers: readonly Witness[]): Range {
  const whole = rangeFor(s, METHODS[0]!, codes);
  const shrunk = SHRINKS.map((f) => ({ min: whole.min * f, max: whole.max * f }));
  const ranges = [...METHODS.map((m) => rangeFor(s, m, codes)), ...shrunk];
  const cost = ranges.map((r) => readers.reduce((sum, w) => sum + costOf(w, rounder(r, codes)), 0));
  return ranges[cost.indexOf(Math.min(...cost))]!;
}
