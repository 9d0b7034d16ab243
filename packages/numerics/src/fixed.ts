/**
 * Integer and fixed-point arithmetic on int32 lanes, exact to the bit.
 *
 * Arguments named `a`, `b`, `x` are int32 values (numbers that equal themselves `| 0`) unless said otherwise; results are
 * int32. Nothing here throws, except `multiplierFor` and `shiftFor`.
 */

export const INT32_MAX = 2147483647;
export const INT32_MIN = -2147483648;

const TWO_52 = 2 ** 52;

/** a + b, wrapping. */
export function add32(a: number, b: number): number {
  return (a + b) | 0;
}

/** a − b, wrapping. */
export function sub32(a: number, b: number): number {
  return (a - b) | 0;
}

/** The low 32 bits of a · b. */
export function mul32(a: number, b: number): number {
  return Math.imul(a, b);
}

/** acc + a · b, wrapping. */
export function macc32(acc: number, a: number, b: number): number {
  return (acc + Math.imul(a, b)) | 0;
}

/** Quotient truncated toward zero. x / 0 is INT32_MAX, INT32_MIN or 0 by the sign of x; INT32_MIN / −1 is INT32_MAX. */
export function div32(a: number, b: number): number {
  if (b === 0) return a > 0 ? INT32_MAX : a < 0 ? INT32_MIN : 0;
  if (b === -1 && a === INT32_MIN) return INT32_MAX;
  return (a / b) | 0;
}

/** Left shift, wrapping. The amount is read as unsigned 32 bit; from 32 on the result is 0. */
export function lshift32(a: number, amount: number): number {
  return amount >>> 0 > 31 ? 0 : a << amount;
}

/** Arithmetic right shift (floor). The amount is read as unsigned 32 bit; from 32 on the result is 0 or −1. */
export function rshift32(a: number, amount: number): number {
  return a >> (amount >>> 0 > 31 ? 31 : amount);
}

/** |x|, with |INT32_MIN| = INT32_MAX. */
export function abs32(x: number): number {
  return x >= 0 ? x : x === INT32_MIN ? INT32_MAX : -x;
}

/** −1, 0 or 1. */
export function sign32(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/** Clamps any finite number or infinity to [INT32_MIN, INT32_MAX]; does not round. */
export function saturate32(x: number): number {
  return x > INT32_MAX ? INT32_MAX : Math.max(x, INT32_MIN);
}

/** Clamps to the signed range of `bits` (1..53); does not round. */
export function saturate(x: number, bits: number): number {
  const limit = 2 ** (bits - 1);
  return x >= limit ? limit - 1 : Math.max(x, -limit);
}

/** Clamps to [0, 2^bits − 1] (bits 1..53); does not round. */
export function saturateUnsigned(x: number, bits: number): number {
  const limit = 2 ** bits;
  return x >= limit ? limit - 1 : Math.max(x, 0);
}

/** Sign-extends the low `bits` (1..32) of x. */
export function signExtend(x: number, bits: number): number {
  return (x << (32 - bits)) >> (32 - bits);
}

const POW2_BIAS = 128;
/** POW2[s + 128] = 2^−s for −128 <= s <= 127. */
const POW2 = Float64Array.from({ length: 256 }, (_, i) => 2 ** (POW2_BIAS - i));

/**
 * saturate32(round(a · b / 2^s)) with the product taken in 64 bits and ties away from zero: the MUL of the Tandem
 * Processor and the one rounding of requantization. −128 <= s <= 127; s < 0 shifts left, saturating.
 *
 * One double multiplication suffices. Write m = |a · b| and m' for its double. Where m < 2^53, m' = m. Otherwise m' is a
 * correct rounding of m, so m' lies on the same side of any representable boundary (t + ½) · 2^s as m does, or on it; the
 * boundaries that survive saturation have at most 32 significant bits, hence are representable. Only on the boundary is
 * the side lost; |m − m'| <= 2^9, so the low 32 bits of m − m' give it.
 */
export function mulShiftSat(a: number, b: number, s: number): number {
  const p = a * b;
  const m = p < 0 ? -p : p;
  const q = m * POW2[s + POW2_BIAS];
  let t = Math.floor(q);
  const f = q - t;
  if (f > 0.5 || (f === 0.5 && (m < 9007199254740992 || notBelow(a, b, p)))) t += 1;
  if (p < 0) return t > 2147483648 ? INT32_MIN : -t | 0;
  return t > INT32_MAX ? INT32_MAX : t | 0;
}

/** Is |a · b|, taken exactly, at least |p|, p being its double? */
function notBelow(a: number, b: number, p: number): boolean {
  const d = (Math.imul(a, b) - (p | 0)) | 0;
  return p < 0 ? d <= 0 : d >= 0;
}

/** round(x / 2^s) for an integer |x| < 2^53 and any s >= 0, ties away from zero; not saturated. */
export function roundShift(x: number, s: number): number {
  const q = Math.abs(x) * 2 ** -s;
  const t = Math.floor(q);
  const r = q - t >= 0.5 ? t + 1 : t;
  return x < 0 && r > 0 ? -r : r;
}

/** saturate(round(x / 2^shift), bits), ties away from zero: DATATYPE_CAST to a narrower width. 0 <= shift <= 31, bits <= 32. */
export function castShift(x: number, shift: number, bits: number): number {
  const m = x < 0 ? -x : x;
  const q = m * POW2[shift + POW2_BIAS];
  const t = Math.floor(q + 0.5);
  return saturate(x < 0 ? 0 - t : t, bits);
}

/** saturate32(signExtend(x, bits) · 2^shift): DATATYPE_CAST from a narrower width. 0 <= shift <= 31. */
export function widenShift(x: number, shift: number, bits: number): number {
  return saturate32(signExtend(x, bits) * 2 ** shift);
}

/** The largest multiple of 2^shift not above x. 0 <= shift <= 31. */
export function floorShift(x: number, shift: number): number {
  return (x >> shift) << shift;
}

/** The smallest multiple of 2^shift not below x, or INT32_MAX where that is 2^31. 0 <= shift <= 31. */
export function ceilShift(x: number, shift: number): number {
  const unit = 2 ** shift;
  return saturate32(Math.ceil(x / unit) * unit + 0);
}

/** Nearest integer, ties to even (ONNX QuantizeLinear). Any double; the result is never −0 where |x| < 2^52. */
export function roundHalfEven(x: number): number {
  if (x >= 0) return x < TWO_52 ? x + TWO_52 - TWO_52 : x;
  return x > -TWO_52 ? x - TWO_52 + TWO_52 : x;
}

/** Nearest integer, ties away from zero. Any double. */
export function roundHalfAway(x: number): number {
  const m = Math.abs(x);
  const t = Math.floor(m);
  const r = m - t >= 0.5 ? t + 1 : t;
  return x < 0 ? 0 - r : r;
}

/**
 * The int32 multiplier M = round(real · 2^shift), ties to even, so that mulShiftSat(acc, M, shift) ≈ acc · real.
 * Throws RangeError where M is not an int32 or `real` is not finite.
 */
export function multiplierFor(real: number, shift: number): number {
  const m = roundHalfEven(real * 2 ** shift);
  if (!(m >= INT32_MIN && m <= INT32_MAX)) throw new RangeError(`${real} * 2^${shift} is not an int32`);
  return m;
}

/**
 * The largest shift in 0..62 for which multiplierFor(real, shift) is an int32: the most precise multiplier.
 * Throws RangeError where there is none (|real| >= 2^31 − ½ or not finite). For a row of multipliers sharing one shift,
 * pass the one of largest magnitude.
 */
export function shiftFor(real: number): number {
  for (let s = 62; s >= 0; s--) {
    const m = roundHalfEven(real * 2 ** s);
    if (m >= INT32_MIN && m <= INT32_MAX) return s;
  }
  throw new RangeError(`no int32 multiplier represents ${real}`);
}
