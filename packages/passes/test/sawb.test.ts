import { describe, expect, it } from "vitest";
import { type Distribution, distributionOf, extent, moments } from "../src/ranges/distribution.js";
import { squaredError } from "../src/ranges/error.js";
import { SAWB, sawbClip, sawbRow } from "../src/ranges/sawb.js";
import { gaussian, SCALES, SIX } from "./distributions.js";

/** The squared error of evenly spaced levels over [−a, a], both ends included. */
function errorOf({ lo, hi, count }: Distribution, levels: number, a: number): number {
  const scale = (2 * a) / (levels - 1);
  if (levels % 2 === 1) return squaredError({ lo, hi, count }, scale, -(levels - 1) / 2, (levels - 1) / 2);
  const shift = (x: number) => x - scale / 2;
  const shifted = { lo: Array.from(lo, shift), hi: Array.from(hi, shift), count };
  return squaredError(shifted, scale, -levels / 2, levels / 2 - 1);
}

/** The outermost level with the least error. */
function bestClip(d: Distribution, levels: number): number {
  const { max } = extent(d);
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  const take = (a: number) => {
    const error = errorOf(d, levels, a);
    if (error < least) [best, least] = [a, error];
  };
  for (let i = 1; i <= 120; i++) take((max * i) / 100);
  for (let step = max / 100; step > max / 1e5; step *= 0.6) for (const a of [best - step, best + step]) take(a);
  return best;
}

/** Least squares of α / E|w| = c1 · √E(w²) / E|w| − c2. */
function regression(levels: number): readonly [number, number] {
  const points = Object.values(SIX).flatMap((family) =>
    SCALES.map((s) => {
      const d = family(s);
      const n = Array.from(d.count).reduce((a, b) => a + b);
      const { absolute, square } = moments(d);
      return { x: (Math.sqrt(square / n) * n) / absolute, y: (bestClip(d, levels) * n) / absolute };
    }),
  );
  const mean = (f: (p: { x: number; y: number }) => number) => points.reduce((a, p) => a + f(p), 0) / points.length;
  const [x, y] = [mean((p) => p.x), mean((p) => p.y)];
  const c1 = mean((p) => (p.x - x) * (p.y - y)) / mean((p) => (p.x - x) ** 2);
  return [c1, c1 * x - y];
}

describe("SAWB", () => {
  it.each(SAWB)("derives the coefficients of $levels levels", ({ levels, published, derived }) => {
    const [c1, c2] = regression(levels);
    expect(Math.abs(c1 - derived[0])).toBeLessThan(0.001 * derived[0]);
    expect(Math.abs(c2 - derived[1])).toBeLessThan(0.001 * derived[1]);
    const bound = levels === 15 ? 0.02 : levels === 4 ? 0.03 : undefined;
    if (bound === undefined) return;
    expect(Math.abs(c1 / published[0] - 1)).toBeLessThan(bound);
    expect(Math.abs(c2 / published[1] - 1)).toBeLessThan(bound);
  });

  it("uses the level sets with a zero, below 8 bits", () => {
    expect([2, 4, 8, 16].map((bits) => sawbRow(bits)?.levels)).toEqual([3, 15, undefined, undefined]);
  });

  it("follows the published formula", () => {
    const w = distributionOf([1, -2, 3, 0]);
    expect(sawbClip(w, [12.035, 12.03])).toBeCloseTo(12.035 * Math.sqrt(14 / 4) - 12.03 * 1.5, 12);
    expect(sawbClip(distributionOf([]), [2.6, 1.71])).toBe(0);
  });

  it("is near the least error on Gaussian weights, and not positive where the tail is too heavy", () => {
    const w = distributionOf(gaussian(3, 20000));
    for (const { levels, published } of SAWB.filter((r) => r.bits < 8)) {
      const [got, least] = [sawbClip(w, published), bestClip(w, levels)].map((a) => errorOf(w, levels, a));
      expect(got! / least!).toBeLessThan(1.02);
    }
    expect(sawbClip(distributionOf([1000, ...new Array(999).fill(0.001)]), [-1, 0])).toBeLessThan(0);
  });
});
