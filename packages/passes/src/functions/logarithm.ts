import { type Emit, type Lane, polynomial } from "./emit.js";
import { exp2Of } from "./exponential.js";
import {
  atMost,
  type Fixed,
  fixedOf,
  fraction,
  fractionFor,
  inUnit,
  type Limit,
  laneOf,
  magnitudeOf,
} from "./fixed.js";
import { normalize, reciprocal, rsqrt, sqrt } from "./roots.js";

/** ln(1.5 + t) on [−½, ½): degree 7, error 2.6e-7. */
const LN = [
  0.405465289394, 0.666665574851, -0.222246718489, 0.0988037248692, -0.0489144888515, 0.0258940161469, -0.0174531931643,
  0.010387102795,
];
const FL = 24;

/** ln x in Q24 for an integer lane x >= 1 of real value x 2^−f. */
function lnOf(e: Emit, x: Lane, f: number): Lane {
  const { m, n, before } = normalize(e, x, 31, 1);
  const t = e.sub(m, 1.5 * 2 ** 30);
  const mantissa = polynomial(e, LN, t, 30, 30, [-(2 ** 20), 0.7 * 2 ** 30]);
  // x = m / 2^30 · 2^(30 − before − f − n).
  const whole = Math.round((30 - before - f) * Math.LN2 * 2 ** FL);
  const exponent = e.sub(whole, e.mul(n, Math.round(Math.LN2 * 2 ** FL)));
  return e.add(exponent, e.mul(mantissa, 1, 30 - FL));
}

/** ln x; x below one step counts as one step. */
export function log(e: Emit, x: Fixed): Fixed {
  return fixedOf(lnOf(e, e.max(laneOf(x), 1), fraction(x.unit)), 2 ** -FL);
}

const odd = (n: number): boolean => Math.abs(n % 2) === 1;

/** x · y with a result of `bits` bits at most. */
export function product(e: Emit, x: Fixed, y: Fixed, at: Limit = {}, bits = 30): Fixed {
  const top = Math.min(magnitudeOf(x) * magnitudeOf(y), at.limit ?? Number.POSITIVE_INFINITY) || 1;
  const exact = fraction(x.unit) + fraction(y.unit);
  const f = Math.min(exact, Math.max(exact - 62, fractionFor(top, bits)));
  return fixedOf(e.mulSat(laneOf(x), laneOf(y), exact - f), 2 ** -f);
}

export const square = (e: Emit, x: Fixed, at: Limit = {}, bits = 30): Fixed => {
  const p = product(e, x, x, at, bits);
  return { ...p, bound: [0, p.bound[1]] };
};

/** x^n for an integer n >= 1 by repeated squaring. */
function power(e: Emit, x: Fixed, n: number, at: Limit): Fixed {
  if (n === 1) return x;
  const half = square(e, power(e, x, Math.floor(n / 2), at), odd(n) ? {} : at);
  return odd(n) ? product(e, half, x, at) : half;
}

/** |x|^y by e^(y ln |x|), |x| at least one step. */
function general(e: Emit, ln: Lane, y: Lane, fy: number, at: Limit): Fixed {
  const reach = (Math.max(-ln.lo, ln.hi, 1) / 2 ** FL) * Math.max(-y.lo, y.hi, 1) * 2 ** -fy;
  const fe = Math.min(24, 30 - Math.ceil(Math.log2(Math.max(1, Math.min(reach, 60)))));
  const exponent = e.mulSat(ln, y, Math.max(0, Math.min(62, FL + fy - fe)));
  const top = Math.min(Math.exp(Math.min(60, reach)), at.limit ?? Number.POSITIVE_INFINITY);
  const f = fractionFor(top);
  const scale = 2 ** -(FL + fy - Math.max(0, Math.min(62, FL + fy - fe)));
  return fixedOf(exp2Of(e, exponent, Math.LOG2E * scale, f), 2 ** -f);
}

/**
 * x^n for a constant n. Integers up to 16 by multiplication (negative ones by a reciprocal), ½ and −½ by roots; otherwise
 * e^(n ln |x|) with the sign that an odd integer n gives; for n no integer and n < 0, x below one step counts as one step.
 */
export function powConstant(e: Emit, x: Fixed, n: number, at: Limit = {}): Fixed {
  if (n === 0) return fixedOf({ ...e.max(e.min(laneOf(x), 1), 1), lo: 1, hi: 1 }, 1);
  if (n === 0.5) return sqrt(e, x);
  if (n === -0.5) return rsqrt(e, x, at);
  if (Number.isInteger(n) && n > 0 && n <= 16) return power(e, x, n, at);
  if (n === -1) return reciprocal(e, x, at);
  if (Number.isInteger(n) && n < 0 && n >= -4) return power(e, reciprocal(e, x, rootLimit(at, -n)), -n, at);
  const lane = laneOf(x);
  const signed = Number.isInteger(n) && lane.lo < 0;
  const magnitude = e.max(signed ? e.abs(lane) : lane, 1);
  const ln = lnOf(e, magnitude, fraction(x.unit));
  const positive = expOfLn(e, ln, n, at);
  const r = n > 0 && lane.lo <= 0 ? zeroed(e, lane, positive, signed) : positive;
  if (signed && odd(n)) return fixedOf(e.mulSat(laneOf(r), e.sign(lane), 0), r.unit);
  return r;
}

const rootLimit = (at: Limit, n: number): Limit => (at.limit === undefined ? {} : { limit: at.limit ** (1 / n) });

/** 0 where x is 0, or below it and has no power. */
const zeroed = (e: Emit, x: Lane, y: Fixed, signed: boolean): Fixed =>
  fixedOf(e.select(e.cmp(x.lo < 0 && !signed ? "le" : "eq", x, 0), 0, laneOf(y)), y.unit);

/** e^(n ln x). */
function expOfLn(e: Emit, ln: Lane, n: number, at: Limit): Fixed {
  const ends = [ln.lo, ln.hi].map((l) => (l / 2 ** FL) * n);
  const top = Math.min(Math.exp(Math.min(60, Math.max(...ends))), at.limit ?? Number.POSITIVE_INFINITY);
  const f = Math.min(60, fractionFor(top));
  return fixedOf(exp2Of(e, ln, (Math.LOG2E * n) / 2 ** FL, f), 2 ** -f);
}

/**
 * x^y of tensors: e^(y ln |x|), negative where x is negative and y an odd integer; y counts to ±2^15; 0^y is 0, 1 or saturated by the sign of
 * y. A negative x under a y that is no integer, which has no value, gives that of |x|.
 */
export function pow(e: Emit, x: Fixed, y: Fixed, at: Limit = {}): Fixed {
  const top = inUnit(2 ** 15, y.unit);
  const bounded = magnitudeOf(y) > 2 ** 15 ? fixedOf(e.clamp(laneOf(y), -top, top), y.unit) : y;
  const exponent = atMost(e, bounded, 24);
  const [a, b] = [laneOf(x), laneOf(exponent)];
  const fy = fraction(exponent.unit);
  const ln = lnOf(e, e.max(e.abs(a), 1), fraction(x.unit));
  const r = general(e, ln, b, fy, at);
  const limit = laneOf(r);
  const one = inUnit(1, r.unit);
  const atZero = e.select(e.cmp("eq", b, 0), one, e.select(e.cmp("gt", b, 0), 0, limit.hi));
  const zeroed = a.lo > 0 ? limit : e.select(e.cmp("eq", a, 0), atZero, limit);
  if (a.lo >= 0 || fy > 31) return fixedOf(zeroed, r.unit);
  const parity = fy > 0 ? e.low(e.shr(b, fy), 1) : fy === 0 ? e.low(b, 1) : undefined;
  if (!parity) return fixedOf(zeroed, r.unit);
  const whole = fy > 0 ? e.and(parity, e.cmp("eq", e.low(b, fy), 0)) : parity;
  const negative = e.and(whole, e.cmp("lt", a, 0));
  return fixedOf(e.select(negative, e.sub(0, zeroed), zeroed), r.unit);
}
