import { describe, expect, it } from "vitest";
import * as num from "../src/index.js";
import { decode, encode, type Minifloat, roundTo, type Ties } from "../src/index.js";

const SEED = 7;
const FP8 = num.fp8();
const ALL: readonly Minifloat[] = [
  ...[num.DLFLOAT16, num.BFLOAT16, num.BINARY16, num.FP9_153, num.FP8_152, FP8, num.fp8(0), num.fp8(31)],
  ...[num.FLOAT8E5M2, num.FLOAT8E4M3FN, num.FLOAT8E4M3FNUZ, num.FLOAT8E5M2FNUZ],
];
const TIES: readonly Ties[] = ["even", "up"];

function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Magnitude codes of finite values in ascending order: they are 0, 1, 2, … */
function finiteMagnitudes(f: Minifloat): number[] {
  const out: number[] = [];
  for (let code = 0; code < 2 ** (f.bits - 1) && Number.isFinite(decode(f, code)); code++) out.push(decode(f, code));
  return out;
}

/** The nearest value by search over all finite ones; the grid goes on one step beyond the largest. */
function nearest(f: Minifloat, grid: readonly number[], x: number, ties: Ties): number {
  const top = grid.length - 1;
  const extended = [...grid, grid[top] + (grid[top] - grid[top - 1])];
  const m = Math.abs(x);
  let best = 0;
  for (let code = 1; code < extended.length; code++) {
    const [d, b] = [Math.abs(extended[code] - m), Math.abs(extended[best] - m)];
    if (d < b || (d === b && (ties === "up" || code % 2 === 0))) best = code;
  }
  const over = m > extended[top + 1] || best > top;
  if (over) return f.special === "none" ? Math.sign(x) * grid[top] : f.special === "ieee" ? x * Infinity : Number.NaN;
  return (Math.sign(x) || 1) * grid[best];
}

const same = (a: number, b: number) => a === b || (Number.isNaN(a) && Number.isNaN(b));
const f64 = new Float64Array(1);
const i64 = new BigInt64Array(f64.buffer);
function next(x: number, step: bigint): number {
  f64[0] = x;
  i64[0] += step;
  return f64[0];
}

describe.each(ALL.map((f) => [f.name, f] as const))("%s", (_, f) => {
  const grid = finiteMagnitudes(f);

  it("decodes to an increasing row of magnitudes between minPositive and maxFinite", () => {
    expect(grid[0]).toBe(0);
    expect(grid[1]).toBe(f.minPositive);
    expect(grid[grid.length - 1]).toBe(f.maxFinite);
    for (let i = 1; i < grid.length; i++) expect(grid[i] > grid[i - 1]).toBe(true);
  });

  it("encodes every decoded code back to itself", () => {
    for (let code = 0; code < 2 ** f.bits; code++) {
      const v = decode(f, code);
      const canonical = Number.isNaN(v) || (v === 0 && !f.signedZero) ? encode(f, v) : code;
      if (encode(f, v) !== canonical || !same(decode(f, canonical), v)) expect([code, v]).toBe(canonical);
    }
    if (f.special !== "none") expect(decode(f, encode(f, Number.NaN))).toBeNaN();
  });

  it("rounds between every two neighbours as defined", () => {
    for (const ties of TIES)
      for (let i = 0; i + 1 < grid.length; i++) {
        const [lo, hi] = [grid[i], grid[i + 1]];
        const mid = (lo + hi) / 2;
        const tie = ties === "up" || i % 2 === 1 ? hi : lo;
        const got = [next(mid, -1n), mid, next(mid, 1n), (3 * lo + hi) / 4].map((x) => roundTo(f, x, ties));
        const negative = [next(mid, -1n), mid, next(mid, 1n), (3 * lo + hi) / 4].map((x) => roundTo(f, -x, ties));
        const want = [lo, tie, hi, lo];
        if (got.some((g, k) => g !== want[k])) expect([i, ties, got]).toEqual([i, ties, want]);
        if (negative.some((g, k) => g !== -want[k])) expect([i, ties, negative]).toEqual([i, ties, want]);
        if (encode(f, hi) !== i + 1) expect(encode(f, hi)).toBe(i + 1);
      }
  });

  it(`equals a brute-force nearest search (seed ${SEED})`, () => {
    const random = mulberry32(SEED);
    const lowest = Math.log2(f.minPositive) - 2;
    const span = Math.log2(f.maxFinite) + 2 - lowest;
    for (let k = 0; k < (f.bits > 9 ? 60 : 4000); k++) {
      const x = (random() < 0.5 ? -1 : 1) * 2 ** (lowest + span * random());
      for (const ties of TIES) {
        const want = nearest(f, grid, x, ties);
        if (!same(roundTo(f, x, ties), want)) expect([x, ties, roundTo(f, x, ties)]).toEqual([x, ties, want]);
        if (!same(decode(f, encode(f, x, ties)), want)) expect([x, ties]).toEqual(want);
      }
    }
  });

  it("handles the edge of its range as stated", () => {
    const unit = f.maxFinite - grid[grid.length - 2];
    const [inside, tie, outside] = [next(f.maxFinite + unit / 2, -1n), f.maxFinite + unit / 2, f.maxFinite * 4];
    const over = f.special === "none" ? f.maxFinite : f.special === "ieee" ? Infinity : Number.NaN;
    expect(roundTo(f, inside)).toBe(f.maxFinite);
    expect(roundTo(f, tie)).toBe(f.special === "allOnes" ? f.maxFinite : over);
    expect(roundTo(f, tie, "up")).toBe(over);
    for (const x of [outside, Infinity, -outside]) {
      expect(roundTo(f, x)).toBe(x < 0 ? -over : over);
      expect(roundTo(f, x, "even", true)).toBe(Math.sign(x) * f.maxFinite);
    }
    expect(roundTo(f, Number.NaN)).toBe(f.special === "none" ? f.maxFinite : Number.NaN);
    expect(Object.is(roundTo(f, -0), f.signedZero ? -0 : 0)).toBe(true);
    expect(roundTo(f, 5e-324)).toBe(0);
  });
});

describe("published figures", () => {
  it("FP8 1-4-3 with bias 11 spans 2^-11 to 30, code 0 is zero", () => {
    expect([FP8.maxFinite, FP8.minPositive, decode(FP8, 0), decode(FP8, 0x80)]).toEqual([30, 2 ** -11 * 1.125, 0, 0]);
    expect(encode(FP8, 1)).toBe(0x58);
    expect(encode(FP8, -30)).toBe(0xff);
  });

  it("DLFloat16: 1 is 0x3e00, the largest value 2^33 − 2^24, the merged code 0x7fff", () => {
    const f = num.DLFLOAT16;
    expect(encode(f, 1)).toBe(0x3e00);
    expect(f.maxFinite).toBe(2 ** 32 * (1 + 510 / 512));
    expect([Infinity, -Infinity, Number.NaN, 2 ** 40].map((x) => encode(f, x))).toEqual(Array(4).fill(0x7fff));
    expect(f.minPositive).toBe(2 ** -31 * (1 + 1 / 512));
  });

  it("binary16 and bfloat16 codes", () => {
    expect([1, -2, 65504, 65520, 2 ** -24, -0].map((x) => encode(num.BINARY16, x))).toEqual([
      0x3c00, 0xc000, 0x7bff, 0x7c00, 1, 0x8000,
    ]);
    expect([1, -2, Infinity, Number.NaN, Math.PI].map((x) => encode(num.BFLOAT16, x))).toEqual([
      0x3f80, 0xc000, 0x7f80, 0x7fc0, 0x4049,
    ]);
    expect([num.FLOAT8E4M3FN.maxFinite, num.FLOAT8E5M2.maxFinite]).toEqual([448, 57344]);
    expect([num.FLOAT8E4M3FNUZ.maxFinite, num.FLOAT8E5M2FNUZ.maxFinite]).toEqual([240, 57344]);
  });

  it("FP9 holds both FP8 formats", () => {
    for (const f of [FP8, num.FP8_152])
      for (const v of f.values) if (!Number.isNaN(v)) expect(roundTo(num.FP9_153, v)).toBe(v);
  });

  it("rejects shapes and biases out of range", () => {
    expect(() => num.fp8(32)).toThrow(RangeError);
    expect(() => num.minifloat({ ...num.BFLOAT16, exponentBits: 9 })).toThrow(RangeError);
  });

  it("binary32 bits", () => {
    expect([1, -0, Infinity, 0.1].map(num.fp32Bits)).toEqual([0x3f800000, -2147483648, 0x7f800000, 0x3dcccccd]);
    for (const i of [0, 1, 0x3f800001, -2147483647, 0x7f7fffff]) expect(num.fp32Bits(num.bitsFp32(i))).toBe(i);
  });
});
