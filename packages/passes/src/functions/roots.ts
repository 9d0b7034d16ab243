import { CompilerBug } from "@accelc/ir";
import { type Emit, type Lane, polynomial } from "./emit.js";
import { reciprocalPlus1 } from "./exponential.js";
import { type Fixed, fixedOf, fraction, fractionFor, type Limit, laneOf, magnitudeOf } from "./fixed.js";

/** x · 2^(before + n) = m with m below 2^top and, unless x is 0, at least 2^(top − step). */
export interface Normal {
  readonly m: Lane;
  readonly n: Lane;
  readonly before: number;
}

const bitsOf = (x: number): number => (x < 1 ? 0 : 31 - Math.clz32(x));

/**
 * Shifts x >= 0 left until its leading bit is at `top` − 1 (`step` 1) or one of two places there (`step` 2: n is even):
 * a comparison and a shift by 16, 8, 4, 2, 1. 0 stays 0. The greatest x starts `lower` places below the top.
 */
export function normalize(e: Emit, x: Lane, top: number, step: 1 | 2, lower: 0 | 1 = 0): Normal {
  if (x.lo < 0) throw new CompilerBug("functions", "normalization of a negative value");
  const before = top - 1 - lower - bitsOf(x.hi);
  let m = before < 0 ? e.shr(x, -before) : e.shl(x, before);
  let n: Lane | undefined;
  const span = bitsOf(x.hi) - bitsOf(x.lo) + lower;
  for (let s = 16; s >= step; s /= 2) {
    if (s > Math.max(span, step - 1)) continue;
    const small = e.cmp("lt", m, 2 ** (top - s));
    const by = s === 1 ? small : e.op("ishl", [small, Math.log2(s)], {}, 0, s);
    m = e.op("ishl", [m, by], {}, 0, 2 ** top - 1);
    n = n ? e.add(n, by) : by;
  }
  const least = x.lo > 0 && before >= 0 ? 2 ** (top - step) : 0;
  m = e.refine(m, least, 2 ** top - 1);
  const most = x.lo > 0 ? Math.ceil(span / step) * step : 32 - step;
  return { m, n: n ? e.refine(n, 0, most) : e.refine(e.sub(m, m, [0, 0]), 0, 0), before };
}

/** v^(−1/2) on [1, 4], v − 2.5 as the variable: relative error 7.0e-3 of degree 3. */
const RSQRT = [0.628152411522, -0.122629795452, 0.0518075971794, -0.0190504119549];

/** v^(−1/2) in Q29 for v in Q29 on [1, 4): polynomial, two steps y (3 − v y²) / 2; relative error 2^-26. Bounded at 0. */
function rsqrt01(e: Emit, v: Lane): Lane {
  let y = polynomial(e, RSQRT, e.sub(v, 2.5 * 2 ** 29), 29, 29, [0, 2 ** 30]);
  for (const error of [0.02, 0.001]) {
    const square = e.mul(y, y, 29, [0, 2 ** 31 - 1]);
    const half = e.mul(square, v, 31, [0, 2 ** 27 * (1 + error)]);
    y = e.mul(y, e.sub(1.5 * 2 ** 28, half), 28, [0, 2 ** 31 - 1]);
  }
  return y;
}

interface Root {
  /** v^(−1/2) in Q29. */
  readonly y: Lane;
  readonly v: Lane;
  /** x = v 4^(half − n/2). */
  readonly n: Lane;
  readonly half: number;
}

function rootOf(e: Emit, x: Lane, unit: number): Root {
  const f = fraction(unit);
  const lower = Math.abs(bitsOf(x.hi) - f) % 2 === 0 ? 1 : 0;
  const { m, n, before } = normalize(e, x, 31, 2, lower);
  return { y: rsqrt01(e, m), v: m, n, half: (29 - before - f) / 2 };
}

/** √x; 0 for x <= 0. */
export function sqrt(e: Emit, x: Fixed): Fixed {
  if (x.bound[1] <= 0) return fixedOf(e.min(e.max(laneOf(x), 0), 0), x.unit);
  const { y, v, n, half } = rootOf(e, e.max(laneOf(x), 0), x.unit);
  const w = e.mul(y, v, 29, [0, 2 ** 30]);
  const r = e.op("ishr", [w, e.shr(n, 1)], {}, 0, 2 ** 30);
  return fixedOf(r, 2 ** (half - 29));
}

/** x^(−1/2); x below one step counts as one step. */
export function rsqrt(e: Emit, x: Fixed, at: Limit = {}): Fixed {
  const lane = e.max(laneOf(x), 1);
  const { y, n, half } = rootOf(e, lane, x.unit);
  const top = Math.min(at.limit ?? Number.POSITIVE_INFINITY, 1 / Math.sqrt(lane.lo * x.unit));
  const f = Math.min(60, fractionFor(top));
  return fixedOf(e.ldexp(y, e.shr(n, 1), f - 29 - half), 2 ** -f);
}

/** 1/|b| as y in Q30 on [½, 1] times 2^(n + scale), and the sign of b, which is that of 0 too: positive. */
export interface Inverse {
  readonly y: Lane;
  readonly n: Lane;
  readonly scale: number;
  readonly sign: Lane | undefined;
}

export function inverse(e: Emit, b: Fixed): Inverse {
  const raw = laneOf(b);
  const crosses = raw.lo < 0 && raw.hi > 0;
  // A divisor of 0 counts as one step: of the positive sign, or of the only sign it can have.
  const lane =
    raw.lo >= 0 ? e.max(raw, 1) : raw.hi <= 0 ? e.min(raw, -1) : e.add(raw, e.cmp("eq", raw, 0), [raw.lo, raw.hi]);
  const magnitude = e.refine(e.abs(lane), 1, Math.max(lane.hi, -lane.lo));
  const { m, n, before } = normalize(e, magnitude, 31, 1);
  const y = reciprocalPlus1(e, e.refine(e.sub(e.shr(m, 1), 2 ** 29), 0, 2 ** 29));
  const sign = crosses ? e.sign(lane) : raw.hi <= 0 && raw.lo < 0 ? e.sign(lane) : undefined;
  return { y, n, scale: fraction(b.unit) - 30 + before, sign };
}

/** 1 / x; by zero the greatest value, saturated. */
export function reciprocal(e: Emit, x: Fixed, at: Limit = {}): Fixed {
  const { y, n, scale, sign } = inverse(e, x);
  const top = Math.min(at.limit ?? Number.POSITIVE_INFINITY, 1 / nearest(x));
  const f = Math.max(-60, Math.min(60, fractionFor(top)));
  return fixedOf(e.ldexp(sign ? e.mul(y, sign) : y, n, f - 30 + scale + 0), 2 ** -f);
}

/** The least magnitude that a divisor counts as. */
const nearest = (x: Fixed): number =>
  x.bound[0] > 0 ? Math.max(x.unit, x.bound[0]) : x.bound[1] < 0 ? Math.max(x.unit, -x.bound[1]) : x.unit;

/**
 * a / b: the inverse is computed on the divisor's shape, two products per element of the result. By zero the numerator's
 * sign saturates; 0 / 0 is 0.
 */
export function divide(e: Emit, a: Fixed, b: Fixed, at: Limit = {}): Fixed {
  const { y, n, scale, sign } = inverse(e, b);
  const top = Math.min(at.limit ?? Number.POSITIVE_INFINITY, magnitudeOf(a) / nearest(b)) || 1;
  const f = Math.max(-90, Math.min(90, fractionFor(top)));
  const lane = laneOf(a);
  // The numerator's magnitude goes to about 2^30, so that the product loses nothing.
  const up = 30 - bitsOf(Math.max(lane.hi, -lane.lo, 1));
  const q = e.mulSat(lane, sign ? e.mul(y, sign) : y, 30 - Math.max(0, up));
  const c = f + Math.log2(a.unit) - Math.max(0, up) + scale;
  return fixedOf(e.ldexp(q, n, c), 2 ** -f);
}

/** x / (1 + |x|). */
export function softsign(e: Emit, x: Fixed): Fixed {
  const f = Math.min(fraction(x.unit), fractionFor(magnitudeOf(x) + 1, 30));
  const lane = e.scale(laneOf(x), x.unit * 2 ** f);
  const one = Math.max(1, Math.round(2 ** f));
  return divide(e, fixedOf(lane, 2 ** -f), fixedOf(e.add(e.abs(lane), one), 2 ** -f), { limit: 1 });
}
