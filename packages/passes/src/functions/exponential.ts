import { type Emit, type Lane, polynomial } from "./emit.js";
import { type Fixed, fixedOf, fractionFor, type Limit, laneOf, toUnit } from "./fixed.js";

/** 2^r on [0, 1): minimax of degree 4 with p(0) = 1 and p(1) = 2, error 4.8e-6. */
const EXP2 = [1, 744107297 / 2 ** 30, 259362141 / 2 ** 30, 55559976 / 2 ** 30, 14712409 / 2 ** 30];
/** ln(1 + v) / v on [0, 1], weighted by v: degree 6, error of the product 2.7e-7. */
const LOG1P = [
  0.999985035826, -0.499528409183, 0.328548025402, -0.226702790665, 0.135780415524, -0.0559074130545, 0.0109725342147,
];
/** erfc(v)^(1/8) on [0, 4]: degree 7, error of the eighth power 4.3e-7. */
const ERFC8 = [
  1.00000004835, -0.141051026985, -0.0695879705079, -0.00226649779551, 0.00693535913685, -0.000161868650202,
  -0.000328387750712, 4.07352456794e-5,
];
const ONE = 2 ** 29;
const LOG2E = Math.LOG2E;

/** 2^(x · factor) with f fraction bits; x is an integer lane, `factor` the exponent per step. Saturates near 2^30 steps. */
export function exp2Of(e: Emit, x: Lane, factor: number, f: number): Lane {
  const top = (30 - f) * 2 ** 24 - 1;
  const scaled = e.scale(x, factor * 2 ** 24);
  const u = e.min(scaled, top);
  const n = e.shr(u, 24);
  const p = polynomial(e, EXP2, e.low(u, 24), 24, 29, [ONE, 2 ** 30]);
  return e.ldexp(p, n, f - 29);
}

/** 1 / (1 + t) on [0, 1]: minimax of degree 2, relative error 0.0102. */
const RECIPROCAL = [0.98989901, -0.80808092, 0.32323241];

/**
 * 1 / (1 + t) in Q30 for t in Q29 on [0, 1]: polynomial, two Newton steps y (2 − (1 + t) y); relative error 2^-26. A division
 * would block the pipeline for longer than these take.
 */
export function reciprocalPlus1(e: Emit, t: Lane): Lane {
  const d = e.add(t, ONE);
  let y = polynomial(e, RECIPROCAL, t, 29, 30, [ONE - 2 ** 23, 2 ** 30]);
  for (const error of [2 ** 23, 2 ** 16]) {
    const rest = e.sub(2 ** 30, e.mul(d, y, 30, [ONE - error, ONE + error]));
    y = e.mul(y, rest, 29, [ONE - 2 ** 17, 2 ** 30]);
  }
  return y;
}

/** 1 / (3 + u) on [−2, 2]: minimax of degree 3, relative error 0.0426. */
const RECIPROCAL_3 = [0.31914889, -0.10638296, 0.06382981, -0.0212766];

/** 1 / d in Q30 for d in Q28 on [1, 5]: polynomial, three Newton steps; relative error 2^-27. */
function reciprocal15(e: Emit, d: Lane): Lane {
  let y = polynomial(e, RECIPROCAL_3, e.sub(d, 3 * 2 ** 28), 28, 30, [2 ** 27, 2 ** 30 + 2 ** 26]);
  for (const error of [2 ** 25, 2 ** 21, 2 ** 12]) {
    const rest = e.sub(2 ** 30, e.mul(d, y, 29, [ONE - error, ONE + error]));
    y = e.mul(y, rest, 29, [2 ** 27, 2 ** 30]);
  }
  return y;
}

/** e^x; the result's unit is that of its greatest value, or of `limit`, over 2^30. */
export function exp(e: Emit, x: Fixed, at: Limit = {}): Fixed {
  const top = Math.min(Math.exp(Math.min(x.bound[1], 80)), at.limit ?? Number.POSITIVE_INFINITY);
  const f = Math.min(60, fractionFor(top));
  return fixedOf(exp2Of(e, laneOf(x), LOG2E * x.unit, f), 2 ** -f);
}

/** e^(−|x| · by) in Q29. */
const decay = (e: Emit, magnitude: Lane, unit: number, by = 1): Lane =>
  e.refine(exp2Of(e, magnitude, -LOG2E * unit * by, 29), 0, ONE);

/** 1 / (1 + e^−|x|) and e^−|x|, in Q30 and Q29. */
function logistic(e: Emit, magnitude: Lane, unit: number, by = 1): { readonly y: Lane; readonly decayed: Lane } {
  const decayed = decay(e, magnitude, unit, by);
  return { y: reciprocalPlus1(e, decayed), decayed };
}

/** (x < 0 ? e : 1) / (1 + e) with e = e^−|x|. */
export function sigmoid(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const { y, decayed } = logistic(e, e.abs(lane), x.unit);
  const above = lane.lo >= 0 ? y : e.mul(y, e.select(e.cmp("lt", lane, 0), decayed, ONE), 29);
  return fixedOf(e.refine(above, 0, 2 ** 30), 2 ** -30);
}

/** sign(x) (1 − e) / (1 + e) with e = e^−2|x|. */
export function tanh(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const { y, decayed } = logistic(e, e.abs(lane), x.unit, 2);
  const t = e.mul(e.sub(ONE, decayed), y, 29, [0, 2 ** 30]);
  return fixedOf(lane.lo >= 0 ? t : e.mul(t, e.sign(lane)), 2 ** -30);
}

/** max(x, 0) − |x| q for q in Q30: x g(x) where q = g(−|x|) and g(x) + g(−x) = 1. */
function gated(e: Emit, x: Lane, magnitude: Lane, q: Lane): Lane {
  const part = e.mul(magnitude, q, 30, [0, magnitude.hi]);
  return e.sub(e.max(x, 0), part, [-magnitude.hi, Math.max(0, x.hi)]);
}

/** x / (1 + e^(−a x)). */
export function swish(e: Emit, x: Fixed, a: number): Fixed {
  if (a === 0) return { ...x, unit: x.unit / 2, bound: [x.bound[0] / 2, x.bound[1] / 2] };
  const lane = laneOf(x);
  const magnitude = e.abs(lane);
  const { y, decayed } = logistic(e, magnitude, x.unit, Math.abs(a));
  const q = e.mul(y, decayed, 29, [0, ONE]);
  if (a > 0) return fixedOf(gated(e, lane, magnitude, q), x.unit);
  const part = e.mul(magnitude, q, 30, [0, magnitude.hi]);
  return fixedOf(e.add(e.min(lane, 0), part, [Math.min(0, lane.lo), magnitude.hi]), x.unit);
}

/** erfc(v) in Q30 for |x| by = v >= 0, taken at 4 beyond it (1.5e-8). */
function erfc(e: Emit, magnitude: Lane, unit: number, by: number): Lane {
  const v = e.min(e.scale(magnitude, unit * by * 2 ** 28), 2 ** 30);
  let p = polynomial(e, ERFC8, v, 28, 30, [0, 2 ** 30 + 64]);
  for (let i = 0; i < 3; i++) p = e.mul(p, p, 30, [0, 2 ** 30 + 512]);
  return p;
}

/** sign(x) (1 − erfc |x|). */
export function erf(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const t = e.max(e.sub(2 ** 30, erfc(e, e.abs(lane), x.unit, 1)), 0);
  return fixedOf(lane.lo >= 0 ? t : e.mul(t, e.sign(lane)), 2 ** -30);
}

/** max(x, 0) − |x| erfc(|x| / √2) / 2. */
export function gelu(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const magnitude = e.abs(lane);
  const q = erfc(e, magnitude, x.unit, Math.SQRT1_2);
  const part = e.mul(magnitude, q, 31, [0, magnitude.hi]);
  return fixedOf(e.sub(e.max(lane, 0), part, [-magnitude.hi, Math.max(0, lane.hi)]), x.unit);
}

/** x σ(2 √(2/π) (x + 0.044715 x³)), by σ(−z) = e^−z / (1 + e^−z). */
export function geluTanh(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const magnitude = e.abs(lane);
  const c = 2 * Math.sqrt(2 / Math.PI);
  const v = e.min(e.scale(magnitude, x.unit * 2 ** 26), 8 * 2 ** 26);
  const square = e.mul(v, v, 28);
  const inner = polynomial(e, [c, c * 0.044715], square, 24, 26);
  const z = e.mul(v, inner, 28);
  const { y, decayed } = logistic(e, z, 2 ** -24);
  return fixedOf(gated(e, lane, magnitude, e.mul(y, decayed, 29, [0, ONE])), x.unit);
}

/** max(x, 0) − |x| g, g = 2 e² / (1 + 2 e + 2 e²) for x >= 0 and (e² + 2 e) / (2 + 2 e + e²) below, e = e^−|x|. */
export function mish(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const magnitude = e.abs(lane);
  const e1 = e.refine(exp2Of(e, magnitude, -LOG2E * x.unit, 28), 0, 2 ** 28);
  const e2 = e.mul(e1, e1, 28);
  const below = e.cmp("lt", lane, 0);
  const twice = e.add(e1, e1);
  const [square2, sum] = [e.add(e2, e2), e.add(e2, twice)];
  const top = e.select(below, sum, square2);
  const bottom = e.add(top, e.select(below, 2 ** 29, e.add(twice, 2 ** 28)), [2 ** 28, 5 * 2 ** 28]);
  const inverse = reciprocal15(e, bottom);
  return fixedOf(gated(e, lane, magnitude, e.refine(e.mul(top, inverse, 28, [0, 2 ** 30]), 0, 2 ** 30)), x.unit);
}

/** ln(1 + v) in Q30 for v in Q29 on [0, 1]. */
const log1p = (e: Emit, v: Lane): Lane => e.mul(polynomial(e, LOG1P, v, 29, 30), v, 29, [0, 2 ** 30]);

/** max(x, 0) + ln(1 + e^−|x|), in the unit of x or coarser than 2^-29 of its magnitude. */
export function softplus(e: Emit, x: Fixed): Fixed {
  const lane = laneOf(x);
  const v = decay(e, e.abs(lane), x.unit);
  const f = fractionFor(Math.max(1, x.bound[1] + 1));
  const part = fixedOf(log1p(e, v), 2 ** -30);
  const [a, b] = [toUnit(e, fixedOf(e.max(lane, 0), x.unit), 2 ** -f), toUnit(e, part, 2 ** -f)];
  return fixedOf(e.add(laneOf(a), laneOf(b)), 2 ** -f);
}

/** up · max(x, 0) + down · (e^(min(x, 0) / by) − 1); elu, selu and celu. */
function exponentialUnit(e: Emit, x: Fixed, up: number, down: number, by: number): Fixed {
  const lane = laneOf(x);
  const below = e.min(lane, 0);
  const most = Math.max(1, Math.exp(Math.min(80, Math.max(0, (below.lo * x.unit) / by))));
  const f = fractionFor(most, 29);
  const grown = e.sub(exp2Of(e, below, (LOG2E * x.unit) / by, f), 2 ** f);
  const range = Math.max(1, up * Math.max(0, x.bound[1]), Math.abs(down) * most);
  const fy = fractionFor(range, 29);
  const scaled = e.scale(grown, down * 2 ** (fy - f));
  return fixedOf(e.add(e.scale(e.max(lane, 0), up * x.unit * 2 ** fy), scaled), 2 ** -fy);
}

export const elu = (e: Emit, x: Fixed, a: number): Fixed => exponentialUnit(e, x, 1, a, 1);
export const selu = (e: Emit, x: Fixed, a: number, b: number): Fixed => exponentialUnit(e, x, b, a * b, 1);
export const celu = (e: Emit, x: Fixed, a: number): Fixed => exponentialUnit(e, x, 1, a, a);
