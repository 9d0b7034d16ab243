import { describe, expect, it } from "vitest";
import { RangeCollector, type RangeMethod, rangeFor } from "../src/calibration/index.js";
import {
  distributionOf,
  mseSymmetric,
  mseTwoSided,
  octavOneSided,
  octavSymmetric,
  octavTwoSided,
  squaredError,
  topCode,
  WEIGHT_METHODS,
  weightScales,
} from "../src/ranges/index.js";
import { gaussian, uniform } from "./distributions.js";

const BITS = [2, 4, 8, 16] as const;

/** Kinds of activations and weights that networks have, n values each. */
const KINDS: Readonly<Record<string, (n: number) => Float32Array>> = {
  gaussian: (n) => gaussian(1, n),
  laplace: (n) => {
    const next = uniform(2);
    return Float32Array.from({ length: n }, () => Math.log(next() + 1e-9) * (next() < 0.5 ? -1 : 1));
  },
  uniform: (n) => {
    const next = uniform(3);
    return Float32Array.from({ length: n }, () => 2 * next() - 1);
  },
  relu: (n) => gaussian(4, n).map((x) => Math.max(0, x)),
  gelu: (n) => gaussian(5, n).map((x) => (3 * x) / (1 + Math.exp(-1.702 * 3 * x))),
  outliers: (n) => gaussian(6, n).map((x, i) => (i % 5000 === 17 ? 60 * x : x)),
  farOutlier: (n) => gaussian(7, n).map((x, i) => (i === 17 ? 1000 : x)),
  relu6: (n) => gaussian(8, n).map((x) => Math.max(0, Math.min(6, 4 * x))),
  shifted: (n) => gaussian(9, n).map((x) => x + 5),
};

/** The error of the grid that a range gives, on the values themselves. */
function errorOn(x: Float32Array, range: { min: number; max: number }, bits: number, symmetric: boolean): number {
  const d = distributionOf(x);
  if (symmetric) {
    const top = topCode(bits);
    return squaredError(d, Math.max(-range.min, range.max) / top, -top, top);
  }
  const [low, high] = [Math.min(0, range.min), Math.max(0, range.max)];
  const scale = (high - low) / (2 ** bits - 1);
  const below = Math.round(-low / scale);
  return squaredError(d, scale, -below, 2 ** bits - 1 - below);
}

function collected(x: Float32Array, samples: number) {
  const c = new RangeCollector();
  const each = x.length / samples;
  for (let i = 0; i < samples; i++) c.add(x.subarray(i * each, (i + 1) * each));
  return c.statistics()!;
}

describe("squared error", () => {
  it("of plain values is that of rounding and clamping them", () => {
    const x = KINDS.laplace!(2000);
    for (const [scale, low, high] of [
      [0.1, -7, 7],
      [0.3, 0, 15],
      [2, -1, 1],
    ] as const) {
      const rounded = (v: number) => scale * Math.max(low, Math.min(high, Math.round(v / scale)));
      const expected = x.reduce((sum, v) => sum + (v - rounded(v)) ** 2, 0);
      expect(squaredError(distributionOf(x), scale, low, high)).toBeCloseTo(expected, 6);
    }
  });

  it("of an interval is the integral", () => {
    const [a, b, n] = [-1.37, 3.21, 200_000];
    const points = Float64Array.from({ length: n }, (_, i) => a + ((b - a) * (i + 0.5)) / n);
    for (const [scale, low, high] of [
      [0.25, -3, 4],
      [0.7, 0, 3],
      [10, -1, 1],
    ] as const)
      expect(squaredError({ lo: [a], hi: [b], count: [n] }, scale, low, high) / n).toBeCloseTo(
        squaredError(distributionOf(points), scale, low, high) / n,
        7,
      );
  });
});

describe("OCTAV", () => {
  const values = distributionOf(gaussian(11, 1_000_000));

  it("gives the published clips of the standard normal distribution, in as few steps", () => {
    const clips = [1.739, 2.162, 2.565, 2.939, 3.278, 3.597, 3.895];
    const counts = [6, 7, 8, 9, 10, 11, 13];
    for (const [i, clip] of clips.entries()) {
      let steps = 0;
      const got = octavSymmetric(values, 2 ** (i + 2), () => steps++);
      expect(Math.abs(got / clip - 1)).toBeLessThan(0.01);
      expect(Math.abs(steps - counts[i]!)).toBeLessThanOrEqual(1);
    }
  });

  it("at either end is the published step on symmetric values and on values of one sign", () => {
    const x = KINDS.gaussian!(20_000);
    const both = distributionOf(Float32Array.from([...x, ...x.map((v) => -v)]));
    const positive = distributionOf(KINDS.relu!(20_000));
    for (const bits of BITS) {
      const clip = octavSymmetric(both, 2 ** bits);
      const range = octavTwoSided(both, 2 ** bits);
      expect(range.max / clip).toBeCloseTo(1, 3);
      expect(-range.min / clip).toBeCloseTo(1, 3);
      expect(octavTwoSided(positive, 2 ** bits)).toEqual({ min: 0, max: octavOneSided(positive, 2 ** bits) });
    }
  });

  it("ends at values that cannot be clipped", () => {
    expect(octavSymmetric(distributionOf([0, 0]), 255)).toBe(0);
    expect(octavTwoSided(distributionOf([]), 255)).toEqual({ min: 0, max: 0 });
    expect(octavTwoSided(distributionOf([-3, -3]), 255).min).toBeCloseTo(-3, 2);
  });
});

describe("MSE", () => {
  it.each(Object.keys(KINDS))("is within 1 %% of an exhaustive search: %s", (kind) => {
    const x = KINDS[kind]!(1200);
    const top = x.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (const bits of [2, 3, 4, 8]) {
      const got = errorOn(x, { min: 0, max: mseSymmetric(distributionOf(x), topCode(bits)) }, bits, true);
      let least = Number.POSITIVE_INFINITY;
      for (let s = top; s > top / 2000; s *= 0.99) least = Math.min(least, errorOn(x, { min: 0, max: s }, bits, true));
      expect(got).toBeLessThanOrEqual(1.01 * least);
    }
  });

  it.each(Object.keys(KINDS))("two-sided, is within 3 %% of an exhaustive search: %s", (kind) => {
    const x = KINDS[kind]!(400);
    const [low, high] = [x.reduce((a, b) => Math.min(a, b), 0), x.reduce((a, b) => Math.max(a, b), 0)];
    for (const bits of [2, 4, 8]) {
      const got = errorOn(x, mseTwoSided(distributionOf(x), 2 ** bits - 1), bits, false);
      let least = Number.POSITIVE_INFINITY;
      for (let max = high; max > high / 500; max *= 0.95)
        for (let min = low; min <= low / 500; min *= 0.95) {
          least = Math.min(least, errorOn(x, { min, max }, bits, false));
          if (low === 0) break;
        }
      expect(got).toBeLessThanOrEqual(1.03 * least);
    }
  });
});

describe("streamed statistics", () => {
  const exact = (x: Float32Array, method: "mse" | "octav", bits: number, symmetric: boolean) => {
    const d = distributionOf(x);
    if (symmetric) {
      const s = method === "mse" ? mseSymmetric(d, topCode(bits)) : octavSymmetric(d, 2 ** bits - 2);
      return { min: -s, max: s };
    }
    return (method === "mse" ? mseTwoSided : octavTwoSided)(d, 2 ** bits - 1);
  };

  it.each(Object.keys(KINDS))("choose as the values themselves do, with little more error: %s", (kind) => {
    const x = KINDS[kind]!(20_000);
    const s = collected(x, 8);
    for (const method of ["mse", "octav"] as const)
      for (const bits of BITS)
        for (const symmetric of [false, true]) {
          const got = errorOn(x, rangeFor(s, { kind: method }, { bits, symmetric }), bits, symmetric);
          const best = errorOn(x, exact(x, method, bits, symmetric), bits, symmetric);
          expect(got / best, `${method} ${bits} ${symmetric}`).toBeLessThan(
            bits === 16 ? 1.12 : method === "octav" ? 1.07 : 1.03,
          );
        }
  });

  it("take the same room whatever the number of samples", () => {
    const c = new RangeCollector();
    const size = () => c.statistics()!.bins.length;
    for (let i = 0; i < 20; i++) c.add(gaussian(i, 5000));
    const before = size();
    for (let i = 20; i < 200; i++) c.add(gaussian(i, 5000));
    expect(size()).toBeLessThan(1.5 * before);
    expect(size()).toBeLessThan(512 * 64);
  });

  it.each(["minmax", "percentile", "mse", "octav", "pact"] as const)("handle constants and zeros: %s", (kind) => {
    const method = (kind === "percentile" ? { kind, p: 99 } : { kind }) as RangeMethod;
    for (const bits of BITS)
      for (const symmetric of [false, true]) {
        expect(rangeFor(collected(new Float32Array(8), 1), method, { bits, symmetric })).toEqual({ min: 0, max: 0 });
        const { min, max } = rangeFor(collected(new Float32Array(8).fill(3), 1), method, { bits, symmetric });
        expect([min <= 3, Math.abs(max - 3) < 0.1]).toEqual([true, true]);
      }
  });
});

describe("weight scales", () => {
  const w = Float32Array.from([
    ...gaussian(21, 300),
    ...gaussian(22, 300).map((x) => x / 10),
    ...new Float32Array(300),
  ]);
  const layout = { channels: 3, inner: 300 };

  it.each(WEIGHT_METHODS)("%s: one per channel, homogeneous in the weights, 0 for zeros", (method) => {
    for (const bits of BITS) {
      const scales = weightScales(w, layout, bits, method);
      const doubled = weightScales(
        w.map((x) => 2 * x),
        layout,
        bits,
        method,
      );
      expect(scales.length).toBe(3);
      for (const [c, s] of scales.entries()) expect(doubled[c]).toBeCloseTo(2 * s, 10);
      if (method !== "sawb" || bits >= 8) expect(scales[2]).toBe(0);
    }
  });

  it("is the maximum over the greatest code for max, and for sawb from 8 bits on", () => {
    for (const bits of BITS) {
      const top = w.subarray(0, 300).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(weightScales(w, layout, bits, "max")[0]).toBe(top / (2 ** (bits - 1) - 1));
      if (bits >= 8) expect(weightScales(w, layout, bits, "sawb")).toEqual(weightScales(w, layout, bits, "max"));
    }
  });

  it("is one for the whole tensor for sawb below 8 bits", () => {
    expect(new Set(weightScales(w, layout, 4, "sawb")).size).toBe(1);
  });

  it("reads the columns of a matrix as it reads the rows of its transpose", () => {
    const columns = Float32Array.from({ length: 900 }, (_, i) => w[(i % 3) * 300 + Math.floor(i / 3)]!);
    for (const method of WEIGHT_METHODS)
      expect(weightScales(columns, { channels: 3, inner: 1 }, 4, method)[1]).toBeCloseTo(
        weightScales(w, layout, 4, method)[1]!,
        12,
      );
  });

  it("clips at few bits where that has the smaller error", () => {
    const x = KINDS.gaussian!(20_000);
    const d = distributionOf(x);
    const error = (method: "max" | "mse" | "octav", bits: number) => {
      const s = weightScales(x, { channels: 1, inner: x.length }, bits, method)[0]!;
      return squaredError(d, s, -topCode(bits), topCode(bits));
    };
    for (const bits of [2, 4]) {
      expect(error("mse", bits)).toBeLessThan(0.8 * error("max", bits));
      expect(error("octav", bits)).toBeLessThan(error("max", bits));
      expect(error("mse", bits)).toBeLessThanOrEqual(error("octav", bits));
    }
  });
});
