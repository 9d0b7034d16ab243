import { DLFLOAT16, type Minifloat, type Ties } from "@accelc/numerics";
import type { Code } from "./wasm.js";

/** Bytes of a 64-bit word in both lanes. */
const twice64 = (word: bigint): number[] => {
  const bytes = Array.from({ length: 8 }, (_, i) => Number((word >> BigInt(8 * i)) & 255n));
  return [...bytes, ...bytes];
};

const bitsOf = (x: number): bigint => new BigUint64Array(Float64Array.of(x).buffer)[0];

/** A local that holds a constant in both 64-bit lanes. */
export function constant64(code: Code, word: bigint): number {
  const local = code.local("v128");
  code.constant(twice64(word));
  code.set(local);
  return local;
}

export const constantF64 = (code: Code, x: number): number => constant64(code, bitsOf(x));

/** What the exponent gains on its way to binary32. */
export const exponentOffset = (f: Minifloat): number => (127 - f.bias) << 23;

/** Are there codes that are no number? */
const hasNaN = (f: Minifloat): boolean => f.special === "allOnes";

/**
 * Four codes in 32-bit lanes become binary32 numbers: exponent and mantissa move into their place, as every exponent of a
 * format of 16 bits fits. Bits above the code are ignored. `offset`: local of `exponentOffset` in all lanes, where the bias is not
 * that of `f`.
 */
export function decodeFloats(code: Code, f: Minifloat, codes: number, temp: number, offset?: number): void {
  const magnitude = 2 ** (f.bits - 1) - 1;
  code.get(codes);
  code.splat(magnitude);
  code.op("v128.and");
  code.set(temp);
  code.get(temp);
  code.const32(23 - f.mantissaBits);
  code.op("i32x4.shl");
  if (offset === undefined) code.splat(exponentOffset(f));
  else code.get(offset);
  code.op("i32x4.add");
  code.get(temp);
  code.splat(0);
  code.op("i32x4.ne", "v128.and");
  code.get(codes);
  code.const32(32 - f.bits);
  code.op("i32x4.shl");
  code.splat(0x80000000 | 0);
  code.op("v128.and");
  code.get(temp);
  code.splat(0);
  code.op("i32x4.ne", "v128.and", "v128.or");
  if (!hasNaN(f)) return;
  code.get(temp);
  code.splat(magnitude);
  code.op("i32x4.eq");
  code.splat(QUIET_NAN);
  code.op("v128.and", "v128.or");
}

/** Of binary32. The upper bits alone: a NaN of all ones would overflow where rounding adds to it. */
const QUIET_NAN = 0x7fc00000;

const UPPER = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const JOIN = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** Two binary64 vectors from four binary32 numbers on the stack. */
export function promote(code: Code, temp: number, low: number, high: number): void {
  code.tee(temp);
  code.op("f64x2.promote_low_f32x4");
  code.set(low);
  code.get(temp);
  code.get(temp);
  code.shuffle(UPPER);
  code.op("f64x2.promote_low_f32x4");
  code.set(high);
}

/** DLFloat codes, four to a vector, of two vectors of DLFloat numbers. */
export function encodeCodes(code: Code, low: number, high: number, temp: number): void {
  for (const half of [low, high]) {
    code.get(half);
    code.op("f32x4.demote_f64x2_zero");
  }
  code.shuffle(JOIN);
  encodeFloats(code, temp);
}

/** DLFloat codes of four DLFloat numbers in binary32 on the stack. */
export function encodeFloats(code: Code, temp: number): void {
  const top = 2 ** 15 - 1;
  code.tee(temp);
  code.const32(23 - DLFLOAT16.mantissaBits);
  code.op("i32x4.shr_u");
  code.splat((127 - DLFLOAT16.bias) << DLFLOAT16.mantissaBits);
  code.op("i32x4.sub");
  code.splat(top);
  code.op("v128.and");
  code.get(temp);
  code.const32(16);
  code.op("i32x4.shr_u");
  code.splat(0x8000);
  code.op("v128.and", "v128.or");
  code.get(temp);
  code.splat(0);
  code.op("f32x4.ne", "v128.and");
  code.splat(top);
  code.get(temp);
  code.get(temp);
  code.op("f32x4.eq", "v128.bitselect");
}

/** Constants that rounding to DLFloat needs, in locals. */
export interface Rounding {
  readonly ties: Ties;
  readonly half: number;
  readonly one: number;
  readonly mask: number;
  readonly sign: number;
  readonly most: number;
  readonly least: number;
  readonly halfLeast: number;
  readonly zero: number;
  readonly nan: number;
}

const DROPPED = 52 - DLFLOAT16.mantissaBits;

export function roundingConstants(code: Code, ties: Ties): Rounding {
  const half = 1n << BigInt(DROPPED - 1);
  return {
    ties,
    half: constant64(code, ties === "even" ? half - 1n : half),
    one: constant64(code, 1n),
    mask: constant64(code, (1n << 64n) - (1n << BigInt(DROPPED))),
    sign: constant64(code, 1n << 63n),
    most: constantF64(code, DLFLOAT16.maxFinite),
    least: constantF64(code, DLFLOAT16.minPositive),
    halfLeast: constantF64(code, DLFLOAT16.minPositive / 2),
    zero: constant64(code, 0n),
    nan: constantF64(code, Number.NaN),
  };
}

/** Nearest numbers of ten significant bits to those in `x`, which keeps them; on the stack. Exponents are not bounded. */
export function roundBits(code: Code, r: Rounding, x: number): void {
  code.get(x);
  code.get(r.half);
  code.op("i64x2.add");
  if (r.ties === "even") {
    code.get(x);
    code.const32(DROPPED);
    code.op("i64x2.shr_u");
    code.get(r.one);
    code.op("v128.and", "i64x2.add");
  }
  code.get(r.mask);
  code.op("v128.and");
}

/**
 * `rounded`, the ten bits of `x`, with the bounds of DLFloat: NaN beyond the largest; below the least, that or 0, whichever
 * is nearer to x. On the stack.
 */
export function bounded(code: Code, r: Rounding, x: number, rounded: number, size: number): void {
  code.get(r.least);
  code.get(x);
  code.get(r.sign);
  code.op("v128.and", "v128.or");
  code.get(x);
  code.op("f64x2.abs");
  code.get(r.halfLeast);
  code.op(r.ties === "even" ? "f64x2.gt" : "f64x2.ge", "v128.and");
  code.get(rounded);
  code.get(rounded);
  code.op("f64x2.abs");
  code.tee(size);
  code.get(r.least);
  code.op("f64x2.lt", "v128.bitselect");
  code.get(size);
  code.get(r.most);
  code.op("f64x2.gt");
  code.get(r.nan);
  code.op("v128.and", "v128.or");
}

/** DLFloat numbers nearest to those in `x`, on the stack. */
export function roundToDlfloat(code: Code, r: Rounding, x: number, temps: readonly [number, number]): void {
  roundBits(code, r, x);
  code.set(temps[0]);
  bounded(code, r, x, temps[0], temps[1]);
}
