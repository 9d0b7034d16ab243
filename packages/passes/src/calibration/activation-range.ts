import { mseSymmetric, mseTwoSided, octavSymmetric, octavTwoSided } from "../ranges/index.js";
import { distributionIn, type Range, type Statistics, withBeyond } from "./statistics.js";

/**
 * How a range follows from the values seen. `minmax`: all of them. `percentile`: without at most (100 − p) % of them at either end, as
 * far as the histogram resolves (1/64 of the value there). `mse`: the least squared error of the grid. `octav`: the least error by OCTAV.
 * `pact`: where the model holds no learned clip, the one with the least error of the outputs of the layers that read the tensor, as far as their
 * inputs' errors are uncorrelated: E|W e|² = Σ_c |W_c|² E e_c². Of a tensor that no layer reads, the least squared error.
 */
export type RangeMethod =
  | { readonly kind: "minmax" }
  | { readonly kind: "percentile"; readonly p: number }
  | { readonly kind: "mse" }
  | { readonly kind: "octav" }
  | { readonly kind: "pact" };

/** The codes that a range is chosen for: 2^bits of them anywhere about zero, or 2^bits − 1 symmetric about it. */
export interface CodeSet {
  readonly bits: number;
  readonly symmetric: boolean;
}

const inside = (r: Range, { seen }: Statistics): Range => ({
  min: Math.max(seen.min, r.min),
  max: Math.min(seen.max, r.max),
});

/** Outer edge of the lowest bin, and of the highest, that have more than the cut share of values at or beyond them. */
function percentile(s: Statistics, p: number): Range {
  const { lo, hi, count } = distributionIn(s);
  const total = s.counts.reduce((a, b) => a + b, 0);
  const cut = (total * (100 - p)) / 100;
  let [low, high] = [0, count.length - 1];
  for (let sum = count[low]!; sum <= cut && low < count.length - 1; ) sum += count[++low]!;
  for (let sum = count[high]!; sum <= cut && high > 0; ) sum += count[--high]!;
  return { min: lo[low]!, max: hi[high]! };
}

const around = (clip: number): Range => ({ min: -clip, max: clip });

function moderate(s: Statistics, method: RangeMethod, { bits, symmetric }: CodeSet): Range {
  if (s.bins.length === 0 || method.kind === "minmax") return s.seen;
  if (method.kind === "percentile") return percentile(s, method.p);
  const d = distributionIn(s, (method.kind === "pact" && s.channels?.energies) || s.counts);
  if (method.kind === "octav")
    return inside(symmetric ? around(octavSymmetric(d, 2 ** bits - 2)) : octavTwoSided(d, 2 ** bits - 1), s);
  return inside(symmetric ? around(mseSymmetric(d, 2 ** (bits - 1) - 1)) : mseTwoSided(d, 2 ** bits - 1), s);
}

/** The range by `method` for a grid, inside what was seen, and with what stands for values beyond the moderate ones. */
export const rangeFor = (s: Statistics, method: RangeMethod, codes: CodeSet): Range =>
  withBeyond(s, moderate(s, method, codes));
