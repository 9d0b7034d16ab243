import type { Distribution } from "../src/ranges/distribution.js";

const BINS = 4000;

/** A density over [−span, span] as intervals of equal width. */
function density(span: number, pdf: (x: number) => number): Distribution {
  const width = (2 * span) / BINS;
  const lo = Float64Array.from({ length: BINS }, (_, i) => -span + i * width);
  return { lo, hi: lo.map((x) => x + width), count: lo.map((x) => pdf(x + width / 2) * width) };
}

/**
 * SAWB's six distributions at four variances each. All but von Mises have a scale, on which the coefficients do not depend; its
 * variance follows from its concentration 4 / s².
 */
export const SIX: Readonly<Record<string, (s: number) => Distribution>> = {
  gaussian: (s) => density(8 * s, (x) => Math.exp(-((x / s) ** 2) / 2)),
  uniform: (s) => density(s, () => 1),
  triangle: (s) => density(s, (x) => 1 - Math.abs(x) / s),
  laplace: (s) => density(24 * s, (x) => Math.exp(-Math.abs(x) / s)),
  logistic: (s) => density(28 * s, (x) => 1 / Math.cosh(x / (2 * s)) ** 2),
  vonMises: (s) => density(Math.PI, (x) => Math.exp((4 * Math.cos(x)) / s ** 2)),
};
export const SCALES = [1, 2 ** 0.5, 2, 8 ** 0.5];

/** Deterministic uniform numbers in [0, 1). */
export function uniform(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values of the standard normal distribution. */
export function gaussian(seed: number, n: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}
