import { DLFLOAT16 } from "./formats.js";
import { roundTo, type Ties } from "./minifloat.js";

const f64 = new Float64Array(1);
const words = new Uint32Array(f64.buffer);
const LOW = 1 - new Uint8Array(Uint16Array.of(1).buffer)[0];
const HIGH = 1 - LOW;

/**
 * a + b + c rounded to odd at 53 bits: exact, or the neighbouring double whose significand is odd. Rounding that once
 * more to at most 51 bits gives the correctly rounded exact sum (Boldo and Melquiond 2008). The sum is taken apart by
 * Knuth's TwoSum into h + d + r with |r| < |d| <= ½ ulp(h) or d = 0.
 */
function sumToOdd(a: number, b: number, c: number): number {
  const x1 = a + b;
  const e1 = twoSumError(a, b, x1);
  const x2 = x1 + c;
  const e2 = twoSumError(x1, c, x2);
  if (e1 === 0 && e2 === 0) return x2;
  const e = e1 + e2;
  const r = twoSumError(e1, e2, e);
  const h = x2 + e;
  const d = twoSumError(x2, e, h);
  return toOdd(h, d !== 0 ? d : r);
}

function twoSumError(a: number, b: number, sum: number): number {
  const bb = sum - a;
  return a - (sum - bb) + (b - bb);
}

/** h, or its neighbour towards the sign of a non-zero rest where h is even. */
function toOdd(h: number, rest: number): number {
  f64[0] = h;
  if (rest === 0 || Number.isNaN(rest) || words[LOW] & 1) return h;
  if (rest > 0 === h > 0) {
    words[LOW] += 1;
  } else {
    if (words[LOW] === 0) words[HIGH] -= 1;
    words[LOW] -= 1;
  }
  return f64[0];
}

/** a · b + c in FP16 with one rounding. The product of two values of any format of 16 bits or fewer is exact. */
export function fma16(a: number, b: number, c: number, ties: Ties = "even"): number {
  return roundTo(DLFLOAT16, sumToOdd(a * b, c, 0), ties);
}

/** FMMA: a1 · b1 + a2 · b2 + c in FP16 with one rounding of the exact sum. */
export function fmma(a1: number, b1: number, a2: number, b2: number, c: number, ties: Ties = "even"): number {
  return roundTo(DLFLOAT16, sumToOdd(a1 * b1, a2 * b2, c), ties);
}

/**
 * Σ a[i] · b[i] in chunks: each run of `chunk` products is summed in FP16 from 0, one rounding per product, in order of
 * i; the chunk sums are added in FP16 in order. The last chunk may be short. Arrays are of equal length (RangeError).
 */
export function chunkedDot(a: ArrayLike<number>, b: ArrayLike<number>, chunk: number, ties: Ties = "even"): number {
  if (a.length !== b.length) throw new RangeError(`lengths ${a.length} and ${b.length} differ`);
  return chunkedSum(a.length, (i) => a[i] * b[i], chunk, ties);
}

/** As chunkedDot, for `count` exact products given by index. */
export function chunkedSum(count: number, product: (i: number) => number, chunk: number, ties: Ties = "even"): number {
  if (!Number.isInteger(chunk) || chunk < 1) throw new RangeError(`chunk length ${chunk} is not a positive integer`);
  let sum = 0;
  for (let start = 0; start < count; start += chunk) {
    let part = 0;
    const end = Math.min(start + chunk, count);
    for (let i = start; i < end; i++) part = roundTo(DLFLOAT16, sumToOdd(product(i), part, 0), ties);
    sum = roundTo(DLFLOAT16, sum + part, ties);
  }
  return sum;
}
