/**
 * The special functions EXP, SIGMOID, TANH, LN, LOG2, SQRT, INV_SQRT on int32 fixed point: x stands for x / 2^fSrc, the
 * result r for r / 2^fDst, 0 <= fSrc, fDst <= 31, saturated to int32.
 *
 * Each is an integer algorithm, so every machine gives the same bits. All but SQRT are sequences of the vector
 * instructions on int32: ⊗s below is mulShiftSat with shift s (MUL under a datatype configuration), the rest is ADD, SUB,
 * shifts, MIN, MAX and comparisons. Qn is a number with n fraction bits. Error bounds are in docs/numerics.md and tested.
 */
import { INT32_MAX, INT32_MIN, mulShiftSat, saturate32 } from "./fixed.js";

const ONE_Q30 = 1 << 30;

/** log2(e) and ln(2) in Q30 and Q31. */
const LOG2E_Q30 = 1549082005;
const LN2_Q31 = 1488522236;

/** 2^r on [0, 1), Q30, lowest degree first: minimax of degree 4 with p(0) = 1 and p(1) = 2 (error 4.8e-6). */
const EXP2_Q30 = [1073741824, 744107297, 259362141, 55559976, 14712409];

/** log2(1 + t) on [√½ − 1, √2 − 1], Q30, lowest degree first: minimax of degree 7 with p(0) = 0 (error 3.0e-7). */
const LOG2_Q30 = [0, 1549087036, -774571444, 515895401, -385432349, 319183277, -292807201, 183217426];
const SQRT2_Q30 = 1518500250;

/** Horner's rule in Q30. */
function polynomial(coefficients: readonly number[], t: number): number {
  let y = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) y = (mulShiftSat(y, t, 30) + coefficients[i]) | 0;
  return y;
}

/**
 * e^x = 2^n · 2^r with u = x ⊗(fSrc+4) log2(e) in Q26, n = ⌊u⌋, r = u − n:
 * p(r) in Q30, shifted by n to Q fDst, rounded, ties away from zero. n = −32 (u saturated) gives 0.
 * fSrc may be −1 here: tanh needs 2x.
 */
export function fxpExp(x: number, fSrc: number, fDst: number): number {
  const u = mulShiftSat(x, LOG2E_Q30, fSrc + 4);
  const n = u >> 26;
  if (n === -32) return 0;
  const p = polynomial(EXP2_Q30, (u & 0x3ffffff) << 4);
  return mulShiftSat(p, 1, 30 - n - fDst);
}

/**
 * 1 / d in Q29 for ½ <= d <= 1 in Q30, the result in [1, 2]: y0 = 48/17 − 32/17 d, three steps y ← y(2 − d·y).
 * 2 − d·y is taken in Q29; 2 in Q29 is 2^30.
 */
function reciprocal(d: number): number {
  let y = (1515870810 - mulShiftSat(d, 1010580540, 30)) | 0;
  for (let i = 0; i < 3; i++) y = mulShiftSat(y, (ONE_Q30 - mulShiftSat(d, y, 30)) | 0, 29);
  return y;
}

/**
 * e = exp(−|x|) in Q29, s = 1 / (1 + e) in Q30 (half of the reciprocal of (1 + e) / 2); 1 − s where x < 0.
 * Hence sigmoid(−x) = 1 − sigmoid(x) before the last rounding, ties away from zero.
 */
export function fxpSigmoid(x: number, fSrc: number, fDst: number): number {
  const e = fxpExp(-Math.abs(x) | 0, fSrc, 29);
  const s = reciprocal((1 << 29) + e);
  return mulShiftSat(x < 0 ? ONE_Q30 - s : s, 1, 30 - fDst);
}

/** e = exp(−2|x|) in Q29; tanh |x| = (1 − e) / (1 + e), rounded with ties away from zero, with the sign of x. */
export function fxpTanh(x: number, fSrc: number, fDst: number): number {
  const e = fxpExp(-Math.abs(x) | 0, fSrc - 1, 29);
  const y = reciprocal((1 << 29) + e);
  const magnitude = mulShiftSat((1 << 29) - e, y, 59 - fDst);
  return x < 0 ? -magnitude : magnitude;
}

/**
 * log2 of x / 2^fSrc in Q26 for x > 0: x = m · 2^n with m in [√½, √2), then n − fSrc + q(m − 1), q in Q30 shifted to Q26
 * with rounding.
 */
function log2Q26(x: number, fSrc: number): number {
  let n = 31 - Math.clz32(x);
  let m = x << (30 - n);
  if (m >= SQRT2_Q30) {
    m = (m >> 1) + (m & 1);
    n += 1;
  }
  return ((n - fSrc) * 67108864 + mulShiftSat(polynomial(LOG2_Q30, m - ONE_Q30), 1, 4)) | 0;
}

/** log2(x), rounded with ties away from zero; INT32_MIN for x <= 0. */
export function fxpLog2(x: number, fSrc: number, fDst: number): number {
  return x <= 0 ? INT32_MIN : mulShiftSat(log2Q26(x, fSrc), 1, 26 - fDst);
}

/** ln(x) = log2(x) ⊗ ln(2), ln(2) in Q31, rounded with ties away from zero; INT32_MIN for x <= 0. */
export function fxpLn(x: number, fSrc: number, fDst: number): number {
  return x <= 0 ? INT32_MIN : mulShiftSat(log2Q26(x, fSrc), LN2_Q31, 57 - fDst);
}

/**
 * ⌊√N⌋ with N = ⌊x · 2^(2 fDst − fSrc)⌋, saturated; 0 for x <= 0. It is where the integer Newton iteration
 * r ← ⌊(r + ⌊N / r⌋) / 2⌋ from any r >= √N stops falling. N of 62 bits and more saturates.
 */
export function fxpSqrt(x: number, fSrc: number, fDst: number): number {
  if (x <= 0) return 0;
  const shift = 2 * fDst - fSrc;
  const n = shift >= 0 ? x * 2 ** shift : x >> -shift;
  return n >= 2 ** 62 ? INT32_MAX : isqrt(n);
}

/** ⌊√n⌋ of an integer n < 2^62 that a double holds exactly. The double root is off by less than one. */
function isqrt(n: number): number {
  const r = saturate32(Math.floor(Math.sqrt(n)));
  return squareExceeds(r, n) ? r - 1 : r;
}

/** Is r² > n? Near equality n − r² is small, so its low 32 bits decide where doubles cannot. */
function squareExceeds(r: number, n: number): boolean {
  const d = n - r * r;
  return Math.abs(d) >= 2 ** 20 ? d < 0 : (((n | 0) - Math.imul(r, r)) | 0) < 0;
}

/** 1.5 in Q30; the line 1.10335463 − m / 6, which is within 13 % of m^−½ on [1, 4), in Q30. */
const THREE_HALVES_Q30 = 1610612736;
const LINE_Q30 = 1184718013;
const SIXTH_Q30 = 178956971;

/**
 * x^−½: x = m · 4^k with m in [1, 4) in Q29 (a last bit too many is dropped); y from the line above, four steps y ← y(3 − m·y²) / 2 in Q30;
 * shifted to Q fDst with rounding, ties away from zero. INT32_MAX for x <= 0.
 */
export function fxpInvSqrt(x: number, fSrc: number, fDst: number): number {
  if (x <= 0) return INT32_MAX;
  const top = 31 - Math.clz32(x) - fSrc;
  const k = top >> 1;
  const shift = 29 - fSrc - 2 * k;
  const m = shift < 0 ? x >> 1 : x << shift;
  let y = (LINE_Q30 - mulShiftSat(m, SIXTH_Q30, 29)) | 0;
  for (let i = 0; i < 4; i++) {
    const half = mulShiftSat(m, mulShiftSat(y, y, 30), 30);
    y = mulShiftSat(y, (THREE_HALVES_Q30 - half) | 0, 30);
  }
  return mulShiftSat(y, 1, 30 + k - fDst);
}
