import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as fx from "../src/index.js";

const SEED = 20240917;
const MIN = -(2n ** 31n);
const MAX = 2n ** 31n - 1n;
const clamp = (x: bigint, lo = MIN, hi = MAX) => (x < lo ? lo : x > hi ? hi : x);

function roundShiftBig(x: bigint, s: number): bigint {
  if (s <= 0) return x << BigInt(-s);
  const m = x < 0n ? -x : x;
  const r = (m + (1n << BigInt(s - 1))) >> BigInt(s);
  return x < 0n ? -r : r;
}
const mulShiftBig = (a: number, b: number, s: number) => Number(clamp(roundShiftBig(BigInt(a) * BigInt(b), s)));

const EDGES = [0, 1, -1, 2, 3, -3, 7, 1 << 15, 46341, -46341, 65535, 1 << 30, -(1 << 30), 94906266, -94906267]
  .concat([2147483647, 2147483646, -2147483647, -2147483648, 0x55555555, 0x7ffffe01])
  .map((x) => x | 0);
const int32 = fc.oneof(
  fc.integer({ min: -2147483648, max: 2147483647 }),
  fc.constantFrom(...EDGES),
  fc.tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: -3, max: 3 })).map(([k, d]) => ((1 << k) + d) | 0),
);

describe("mulShiftSat", () => {
  it("equals the BigInt definition at all edges and shifts", () => {
    for (const a of EDGES)
      for (const b of EDGES)
        for (let s = -63; s <= 62; s++) {
          const got = fx.mulShiftSat(a, b, s);
          if (!Object.is(got, mulShiftBig(a, b, s))) expect([a, b, s, got]).toEqual([a, b, s, mulShiftBig(a, b, s)]);
        }
  });

  it(`equals the BigInt definition on random operands (seed ${SEED})`, () => {
    fc.assert(
      fc.property(int32, int32, fc.integer({ min: -31, max: 62 }), (a, b, s) =>
        Object.is(fx.mulShiftSat(a, b, s), mulShiftBig(a, b, s)),
      ),
      { seed: SEED, numRuns: 200_000 },
    );
  });

  it("decides products next to a tie, above 2^53, by their exact value", () => {
    // (2^31 - 1) * b with b near 2^k hits |product| = boundary - small, which rounds to the boundary as a double.
    let ties = 0;
    for (let s = 23; s <= 62; s++)
      for (let t = 0; t < 400; t++) {
        const boundary = (2n * BigInt(t) + 1n) << BigInt(s - 1);
        for (const a of [2147483647, 2147483645, 2147483629, 1610612741, 2013265921, 1073741827]) {
          const near = boundary / BigInt(a);
          for (const b of [near - 1n, near, near + 1n]) {
            if (b > MAX) continue;
            const exact = BigInt(a) * b;
            if (exact !== boundary && Number(exact) === Number(boundary)) ties += 1;
            expect(fx.mulShiftSat(a, Number(b), s)).toBe(mulShiftBig(a, Number(b), s));
            expect(fx.mulShiftSat(-a, Number(b), s)).toBe(mulShiftBig(-a, Number(b), s));
          }
        }
      }
    // 2^40 - 1 = (2^20 - 1)(2^20 + 1): scaled, products one unit of the lowest factor beside a power of two.
    for (let k = 2; k <= 11; k++) {
      const a = 2 ** 20 * 2 ** k - 1;
      const b = 2 ** 20 * 2 ** k + 1; // a * b = 2^(40 + 2k) - 1
      const s = 41 + 2 * k;
      if (b > 2147483647) continue;
      if (40 + 2 * k > 53) ties += 1;
      for (const sign of [1, -1]) expect(fx.mulShiftSat(sign * a, b, s)).toBe(mulShiftBig(sign * a, b, s));
    }
    expect(ties).toBeGreaterThan(3);
  });

  it("rounds ties away from zero", () => {
    expect([1, 3, -1, -3, 5].map((a) => fx.mulShiftSat(a, 1, 1))).toEqual([1, 2, -1, -2, 3]);
    expect(fx.mulShiftSat(2147483647, 2147483647, 31)).toBe(2147483646);
    expect(fx.mulShiftSat(-2147483648, -2147483648, 31)).toBe(2147483647);
    expect(fx.mulShiftSat(-2147483648, 2147483647, 0)).toBe(-2147483648);
    expect(fx.mulShiftSat(3, 5, -4)).toBe(240);
  });
});

describe("int32 operations", () => {
  it(`equal their BigInt definitions (seed ${SEED})`, () => {
    fc.assert(
      fc.property(int32, int32, int32, (a, b, c) => {
        const [x, y, z] = [BigInt(a), BigInt(b), BigInt(c)];
        const wrap = (v: bigint) => Number(BigInt.asIntN(32, v));
        expect(fx.add32(a, b)).toBe(wrap(x + y));
        expect(fx.sub32(a, b)).toBe(wrap(x - y));
        expect(fx.mul32(a, b)).toBe(wrap(x * y));
        expect(fx.macc32(c, a, b)).toBe(wrap(z + x * y));
        if (b !== 0) expect(fx.div32(a, b)).toBe(Number(clamp(x / y)));
        const amount = BigInt(b >>> 0) > 63n ? 63n : BigInt(b >>> 0);
        expect(fx.lshift32(a, b)).toBe(wrap(x << amount));
        expect(fx.rshift32(a, b)).toBe(wrap(x >> amount));
        expect(fx.abs32(a)).toBe(Number(clamp(x < 0n ? -x : x)));
      }),
      { seed: SEED, numRuns: 50_000 },
    );
  });

  it("follow the stated limits", () => {
    expect([5, -5, 0].map((a) => fx.div32(a, 0))).toEqual([fx.INT32_MAX, fx.INT32_MIN, 0]);
    expect(fx.div32(fx.INT32_MIN, -1)).toBe(fx.INT32_MAX);
    expect([fx.rshift32(-5, 32), fx.rshift32(5, 40), fx.rshift32(-5, -1)]).toEqual([-1, 0, -1]);
    expect([fx.lshift32(1, 31), fx.lshift32(1, 32), fx.lshift32(1, -1)]).toEqual([fx.INT32_MIN, 0, 0]);
    expect(fx.abs32(fx.INT32_MIN)).toBe(fx.INT32_MAX);
    expect([3, 0, -9].map(fx.sign32)).toEqual([1, 0, -1]);
    expect([7, 8, -8, -9].map((x) => fx.saturate(x, 4))).toEqual([7, 7, -8, -8]);
    expect([15, 16, -1].map((x) => fx.saturateUnsigned(x, 4))).toEqual([15, 15, 0]);
    expect([8, 7, 0x1f].map((x) => fx.signExtend(x, 4))).toEqual([-8, 7, -1]);
    expect([2 ** 40, -(2 ** 40), 5, -Infinity].map(fx.saturate32)).toEqual([
      fx.INT32_MAX,
      fx.INT32_MIN,
      5,
      fx.INT32_MIN,
    ]);
  });
});

describe("casts", () => {
  it(`equal their BigInt definitions (seed ${SEED})`, () => {
    fc.assert(
      fc.property(int32, fc.integer({ min: 0, max: 31 }), fc.constantFrom(4, 8, 16, 32), (x, shift, bits) => {
        const [lo, hi] = [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
        const big = BigInt(x);
        expect(fx.castShift(x, shift, bits)).toBe(Number(clamp(roundShiftBig(big, shift), lo, hi)));
        expect(fx.roundShift(x, shift)).toBe(Number(roundShiftBig(big, shift)));
        expect(fx.widenShift(x, shift, bits)).toBe(Number(clamp(BigInt.asIntN(bits, big) << BigInt(shift))));
        const down = big >> BigInt(shift);
        expect(fx.floorShift(x, shift)).toBe(Number(down << BigInt(shift)));
        const up = down << BigInt(shift) === big ? down : down + 1n;
        expect(fx.ceilShift(x, shift)).toBe(Number(clamp(up << BigInt(shift))));
      }),
      { seed: SEED, numRuns: 50_000 },
    );
  });
});

describe("rounding of doubles", () => {
  it("roundHalfEven and roundHalfAway agree with their definitions", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994].map(fx.roundHalfEven)).toEqual([
      0, 2, 2, 0, -2, -2, 0,
    ]);
    expect([0.5, 1.5, -0.5, -2.5, 0.49999999999999994].map(fx.roundHalfAway)).toEqual([1, 2, -1, -3, 0]);
    expect([2 ** 52 + 1, -(2 ** 53), Infinity, 4503599627370495.5].map(fx.roundHalfEven)).toEqual([
      2 ** 52 + 1,
      -(2 ** 53),
      Infinity,
      2 ** 52,
    ]);
    expect(fx.roundHalfEven(Number.NaN)).toBeNaN();
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (x) => {
        const r = fx.roundHalfEven(x);
        const d = Math.abs(x - r);
        return d < 0.5 || (d === 0.5 && r % 2 === 0);
      }),
      { seed: SEED, numRuns: 20_000 },
    );
  });

  it("multiplierFor and shiftFor give the most precise int32 multiplier", () => {
    expect(fx.multiplierFor(0.5, 31)).toBe(2 ** 30);
    expect(fx.shiftFor(0.5)).toBe(31);
    expect(fx.shiftFor(0.75)).toBe(31);
    expect(fx.shiftFor(1)).toBe(30);
    expect(fx.shiftFor(-1)).toBe(31);
    expect(fx.shiftFor(1e-12)).toBe(62);
    expect(() => fx.multiplierFor(1, 31)).toThrow(RangeError);
    expect(() => fx.shiftFor(2 ** 31)).toThrow(RangeError);
    expect(() => fx.shiftFor(Number.NaN)).toThrow(RangeError);
    for (const real of [0.0123, 0.9999, 3.7, 1 / 3]) {
      const s = fx.shiftFor(real);
      expect(Math.abs(fx.multiplierFor(real, s) / 2 ** s / real - 1)).toBeLessThan(2 ** -30);
    }
  });
});
