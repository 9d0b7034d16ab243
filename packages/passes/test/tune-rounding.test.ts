import { expect, it } from "vitest";
import { cholesky, inverse, solveRows } from "../src/tune/linear.js";
import { bestWeights, type Moments, objective, roundToCodes } from "../src/tune/rounding.js";
import { random } from "./quantize-support.js";

const next = random(20261121);

/** Moments of `count` correlated operands and of what storing them in steps of `step` leaves. */
function moments(n: number, count: number, step: number): Moments {
  const [stored, cross] = [new Float64Array(n * n), new Float64Array(n * n)];
  for (let s = 0; s < count; s++) {
    const base = next();
    const x = Float64Array.from({ length: n }, (_, i) => Math.max(0, base + next() * (i % 3 === 0 ? 1 : 0.3)));
    const q = x.map((v) => step * Math.min(7, Math.round(v / step)));
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        stored[i * n + j]! += q[i]! * q[j]!;
        cross[i * n + j]! += x[i]! * q[j]!;
      }
  }
  return { inputs: n, count, stored, cross };
}

const weights = (rows: number, n: number) => Float64Array.from({ length: rows * n }, () => next());
const times = (codes: ArrayLike<number>, scale: number) => Float64Array.from(codes, (c) => c * scale);

it("solves and inverts", () => {
  const n = 7;
  const m = moments(n, 100, 0.05);
  const l = cholesky(m.stored, n);
  const inv = inverse(l, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += m.stored[i * n + k]! * inv[k * n + j]!;
      expect(sum).toBeCloseTo(i === j ? 1 : 0, 6);
    }
  const b = weights(2, n);
  const x = solveRows(l, n, b, 2);
  for (let r = 0; r < 2; r++)
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += x[r * n + k]! * m.stored[k * n + i]!;
      expect(sum).toBeCloseTo(b[r * n + i]!, 6);
    }
});

it("real weights for the stored operand are no worse than the layer's own", () => {
  for (const [n, step] of [
    [5, 0.25],
    [24, 0.3],
  ] as const) {
    const m = moments(n, 400, step);
    const w = weights(4, n);
    expect(objective(w, bestWeights(w, m), m)).toBeLessThan(objective(w, w, m));
  }
});

it("codes are near the best of all codes, and better than the nearest", () => {
  let [found, best, nearest] = [0, 0, 0];
  for (let trial = 0; trial < 20; trial++) {
    const n = 5;
    const m = moments(n, 200, 0.2);
    const w = weights(1, n);
    const scale = 1 / 3;
    // What no choice can remove: the objective without a grid.
    const floor = objective(w, solveRows(cholesky(m.stored, n), n, product(w, m), 1), m);
    const at = (codes: ArrayLike<number>) => objective(w, times(codes, scale), m) - floor;
    found += at(roundToCodes(bestWeights(w, m), m, [scale], 3));
    nearest += at(Array.from(w, (x) => Math.max(-3, Math.min(3, Math.round(x / scale)))));
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 7 ** n; i++) {
      const codes = Array.from({ length: n }, (_, k) => (Math.floor(i / 7 ** k) % 7) - 3);
      least = Math.min(least, at(codes));
    }
    best += least;
  }
  expect(found).toBeGreaterThanOrEqual(best);
  expect(found).toBeLessThan(2 * best);
  expect(found).toBeLessThan(0.6 * nearest);
});

/** W C, for one row. */
function product(w: Float64Array, m: Moments): Float64Array {
  const n = m.inputs;
  return Float64Array.from({ length: n }, (_, i) => w.reduce((sum, x, j) => sum + x * m.cross[j * n + i]!, 0));
}

it("a scale of zero gives codes of zero", () => {
  const m = moments(4, 50, 0.2);
  expect([...roundToCodes(new Float64Array(4), m, [0], 7)]).toEqual([0, 0, 0, 0]);
});
