import { describe, expect, it } from "vitest";
import * as num from "../src/index.js";

type Fxp = (x: number, fSrc: number, fDst: number) => number;

/** Largest |error| in units of the result's last bit beyond the half (or whole, for floors) it may round. */
function worst(f: Fxp, real: (x: number) => number, fSrc: number, fDst: number, lo: number, hi: number): number {
  let max = 0;
  const steps = 20_000;
  const one = 2 ** fSrc;
  const [first, last] = [Math.max(lo * one, -(2 ** 31)), Math.min(hi * one, 2 ** 31 - 1)];
  for (let i = 0; i <= steps; i++) {
    const geometric = first > 0 && i % 2 === 1;
    const x = Math.round(geometric ? first * (last / first) ** (i / steps) : first + ((last - first) * i) / steps);
    const want = real(x / one) * 2 ** fDst;
    if (Math.abs(want) >= 2 ** 31 - 1) continue;
    max = Math.max(max, Math.abs(f(x, fSrc, fDst) - want));
  }
  return max / 2 ** fDst;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const FRACTIONS = [0, 4, 8, 12, 16, 20, 24, 28, 30, 31];

/** Bound of the absolute error apart from the last rounding, as docs/numerics.md states it. */
const BOUNDS: readonly (readonly [string, Fxp, (x: number) => number, number, number, number])[] = [
  ["fxpExp, x <= 0", num.fxpExp, Math.exp, -40, 0, 2.4e-6],
  ["fxpSigmoid", num.fxpSigmoid, sigmoid, -40, 40, 1.1e-6],
  ["fxpTanh", num.fxpTanh, Math.tanh, -20, 20, 2.1e-6],
  ["fxpLog2", num.fxpLog2, Math.log2, 2 ** -31, 2 ** 31, 3.1e-7],
  ["fxpLn", num.fxpLn, Math.log, 2 ** -31, 2 ** 31, 2.2e-7],
];

describe("error against Math", () => {
  for (const [name, f, real, lo, hi, bound] of BOUNDS)
    it(`${name}: within ${bound} and half a unit`, () => {
      for (const fSrc of FRACTIONS)
        for (const fDst of FRACTIONS) {
          const first = name.startsWith("fxpL") ? 2 ** -fSrc : lo;
          const error = worst(f, real, fSrc, fDst, first, hi);
          if (error > bound + 0.5 / 2 ** fDst) expect([fSrc, fDst, error]).toBe(bound);
        }
    });

  it("fxpExp is within 4.6e-6 of its value for x > 0 too", () => {
    for (const fSrc of [4, 16, 26])
      for (let i = 0; i <= 5000; i++) {
        const x = Math.round((20.7 * 2 ** Math.min(fSrc, 26) * i) / 5000);
        const want = Math.exp(x / 2 ** fSrc);
        expect(Math.abs(num.fxpExp(x, fSrc, 0) - want)).toBeLessThan(0.5 + 4.6e-6 * want);
      }
  });

  it("fxpInvSqrt is within 2.1e-9 of its value and half a unit", () => {
    let max = 0;
    for (const fSrc of FRACTIONS)
      for (const fDst of FRACTIONS)
        for (let i = 0; i <= 2000; i++) {
          const x = Math.max(1, Math.floor(2 ** ((31 * i) / 2000)) - 1);
          const want = 2 ** fDst / Math.sqrt(x / 2 ** fSrc);
          if (want >= 2 ** 31 - 1) continue;
          max = Math.max(max, (Math.abs(num.fxpInvSqrt(x, fSrc, fDst) - want) - 0.5) / want);
        }
    expect(max).toBeLessThan(2.1e-9);
  });

  it("fxpSqrt is the exact floor of the root, saturated", () => {
    for (const fSrc of FRACTIONS)
      for (const fDst of FRACTIONS)
        for (let i = 0; i <= 3000; i++) {
          const x = i < 1000 ? i : i < 2000 ? 2147483647 - i : Math.floor(2 ** ((31 * (i - 2000)) / 1000)) - 1;
          const shift = 2 * fDst - fSrc;
          const n = shift >= 0 ? BigInt(x) << BigInt(shift) : BigInt(x) >> BigInt(-shift);
          const r = num.fxpSqrt(x, fSrc, fDst);
          const big = BigInt(r);
          if (n >= 1n << 62n) expect(r).toBe(num.INT32_MAX);
          else if (!(big * big <= n && (big + 1n) * (big + 1n) > n)) expect([x, fSrc, fDst, r]).toBe(n);
        }
  });

  it("fxpSqrt is right beside squares too large for doubles", () => {
    // x * 2^shift = r^2 - delta needs r^2 - delta divisible by 2^shift; take r with many trailing zeros, minus one unit.
    for (const k of [10, 12, 15])
      for (let r = 2 ** 30; r < 2 ** 31; r += 2 ** 30 / 4) {
        const n = BigInt(r) * BigInt(r) - (1n << BigInt(2 * k + 1));
        const x = Number(n >> BigInt(2 * k + 2));
        const got = BigInt(num.fxpSqrt(x | 0, 0, k + 1));
        const exact = BigInt(x | 0) << BigInt(2 * k + 2);
        if (x < 2 ** 31) expect(got * got <= exact && (got + 1n) ** 2n > exact).toBe(true);
      }
  });
});

describe("exact points and limits", () => {
  it("fxpExp", () => {
    expect(num.fxpExp(0, 16, 16)).toBe(65536);
    expect(num.fxpExp(0, 0, 30)).toBe(2 ** 30);
    expect(num.fxpExp(0, 0, 31)).toBe(num.INT32_MAX);
    expect(num.fxpExp(num.INT32_MIN, 0, 31)).toBe(0);
    expect(num.fxpExp(num.INT32_MAX, 0, 0)).toBe(num.INT32_MAX);
    expect(num.fxpExp(num.INT32_MAX, 31, 16)).toBeCloseTo(Math.E * 65536, -1);
  });

  it("fxpSigmoid and fxpTanh are symmetric", () => {
    for (const x of [0, 1, 77, 65536, 1 << 20, num.INT32_MAX]) {
      const sum = num.fxpSigmoid(x, 16, 16) + num.fxpSigmoid(-x, 16, 16);
      expect(Math.abs(sum - 65536)).toBeLessThanOrEqual(1);
      expect(num.fxpTanh(-x, 16, 20) + num.fxpTanh(x, 16, 20)).toBe(0);
    }
    expect([num.fxpSigmoid(0, 16, 15), num.fxpTanh(0, 16, 15)]).toEqual([16384, 0]);
    expect([num.fxpSigmoid(num.INT32_MIN, 0, 16), num.fxpTanh(num.INT32_MIN, 0, 16)]).toEqual([0, -65536]);
    expect(num.fxpSigmoid(num.INT32_MAX, 0, 31)).toBe(num.INT32_MAX);
  });

  it("logarithms, roots", () => {
    for (let k = 0; k < 31; k++) expect(num.fxpLog2(2 ** k, 10, 16)).toBe((k - 10) * 65536);
    expect([0, -5].map((x) => num.fxpLn(x, 16, 16))).toEqual([num.INT32_MIN, num.INT32_MIN]);
    expect([0, -5].map((x) => num.fxpLog2(x, 16, 16))).toEqual([num.INT32_MIN, num.INT32_MIN]);
    expect(num.fxpLn(65536, 16, 16)).toBe(0);
    expect([0, -5].map((x) => num.fxpInvSqrt(x, 16, 16))).toEqual([num.INT32_MAX, num.INT32_MAX]);
    expect([0, -5, 1 << 16, 2 << 16, 4 << 16].map((x) => num.fxpSqrt(x, 16, 16))).toEqual([0, 0, 65536, 92681, 131072]);
    expect([1 << 16, 4 << 16, 1 << 14].map((x) => num.fxpInvSqrt(x, 16, 16))).toEqual([65536, 32768, 131072]);
  });

  it("fxpSqrt equals the integer Newton iteration", () => {
    for (const n of [1, 2, 3, 4, 15, 16, 17, 99, 100, 65535, 65536, 2147395600, 2147395599, 2147483647]) {
      let r = 65536;
      for (let next = (r + Math.floor(n / r)) >> 1; next < r; next = (r + Math.floor(n / r)) >> 1) r = next;
      expect(num.fxpSqrt(n, 0, 0)).toBe(r);
    }
  });

  it("increase where their functions do", () => {
    let last = [-1, -1, -(2 ** 31), -(2 ** 31)];
    for (let x = -(1 << 19); x < 1 << 19; x += 3) {
      const now = [num.fxpExp(x, 16, 16), num.fxpSigmoid(x, 16, 16), num.fxpTanh(x, 16, 16), num.fxpLn(x, 16, 16)];
      if (now.some((v, i) => v < last[i])) expect([x, now]).toEqual([x, last]);
      last = now;
    }
  });
});
