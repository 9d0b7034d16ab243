import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunkedDot, chunkedSum, DLFLOAT16, decode, fma16, fmma, roundTo, type Ties } from "../src/index.js";

const SEED = 11;

/** A double as an integer multiple of 2^-160. */
function scaled(x: number): bigint {
  const f = new Float64Array([x]);
  const bits = new BigInt64Array(f.buffer)[0];
  const e = Number((bits >> 52n) & 0x7ffn);
  const m = (bits & 0xfffffffffffffn) | (e === 0 ? 0n : 1n << 52n);
  const v = e + 160 - 1075 >= 0 ? m << BigInt(e + 160 - 1075) : m >> BigInt(1075 - 160 - e);
  return bits < 0n ? -v : v;
}

/** The DLFloat value nearest to an exact sum in units of 2^-160, from its leading ten bits. */
function nearestDl(sum: bigint, ties: Ties): number {
  const m = sum < 0n ? -sum : sum;
  const smallest = scaled(DLFLOAT16.minPositive);
  let v: bigint;
  if (m < smallest) v = 2n * m > smallest || (2n * m === smallest && ties === "up") ? smallest : 0n;
  else {
    const drop = BigInt(m.toString(2).length - 10);
    const [t, rest, half] = [m >> drop, m & ((1n << drop) - 1n), 1n << (drop - 1n)];
    const up = rest > half || (rest === half && (ties === "up" || t % 2n === 1n));
    v = (t + (up ? 1n : 0n)) << drop;
  }
  if (v > scaled(DLFLOAT16.maxFinite)) return Number.NaN;
  return (sum < 0n ? -1 : 1) * (Number(v >> 60n) + Number(v & ((1n << 60n) - 1n)) / 2 ** 60) * 2 ** -100 + 0;
}

const value = fc
  .oneof(
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0, max: 0x3ff }).map((m) => (m & 0x1ff) | (m & 0x200 ? 0x3e00 : 0x2800)),
    fc.constantFrom(0, 1, 0x8001, 0x3e00, 0xbe00, 0x3e01, 0x4a00, 0xca00, 0x1000, 0x5000, 0x3c01),
  )
  .map((code) => decode(DLFLOAT16, code))
  .filter((v) => !Number.isNaN(v));

describe("chunked accumulation", () => {
  it("golden: 16,384 ones", () => {
    const ones = new Float64Array(16384).fill(1);
    const sums = (ties: Ties) => [1, 8, 64].map((chunk) => chunkedDot(ones, ones, chunk, ties));
    expect(sums("even")).toEqual([1024, 8192, 16384]);
    expect(sums("up")).toEqual([2048, 16384, 16384]);
  });

  it("adds a short last chunk, and checks its arguments", () => {
    expect(chunkedSum(10, () => 1, 4)).toBe(10);
    expect(chunkedSum(0, () => 1, 4)).toBe(0);
    expect(() => chunkedSum(1, () => 1, 0)).toThrow(RangeError);
    expect(() => chunkedDot([1], [], 1)).toThrow(RangeError);
  });
});

describe("fused operations round the exact sum once", () => {
  it(`against integer arithmetic (seed ${SEED})`, () => {
    fc.assert(
      fc.property(value, value, value, value, value, fc.constantFrom<Ties>("even", "up"), (a, b, c, d, e, ties) => {
        const two = scaled(a * b) + scaled(c * d) + scaled(e);
        const one = scaled(a * b) + scaled(e);
        expect(fmma(a, b, c, d, e, ties)).toBe(nearestDl(two, ties));
        expect(fma16(a, b, e, ties)).toBe(nearestDl(one, ties));
      }),
      { seed: SEED, numRuns: 100_000 },
    );
  });

  it("where a double sum would land on a tie", () => {
    const tiny = DLFLOAT16.minPositive;
    const x = 1 + 1 / 512;
    const y = 1 + 1 / 512; // x·y = 1 + 2/512 + 2^-18
    const scale = 2 ** 10;
    expect(fma16(1025, 1, 0)).toBe(1024);
    expect(fma16(41 * scale, 25 * scale, tiny)).toBe(1026 * scale * scale);
    expect(fma16(41 * scale, 25 * scale, -tiny, "up")).toBe(1024 * scale * scale);
    expect(fmma(1024, 1, 1, 1, tiny)).toBe(1026);
    expect(fmma(1024, 1, 1, 1, -tiny)).toBe(1024);
    expect(fmma(1026, 1, 1, 1, -tiny, "up")).toBe(1026);
    expect(fma16(x, y, 0)).toBe(1 + 2 / 512);
    expect(fmma(2 ** 32, 1, -(2 ** 32), 1, tiny)).toBe(tiny);
    expect(fmma(2 ** 32, 2, 1, 1, 0)).toBeNaN();
    expect(roundTo(DLFLOAT16, 1025)).toBe(1024);
  });
});
