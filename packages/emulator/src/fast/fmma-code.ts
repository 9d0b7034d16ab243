/** Multiply-adds of minifloats with one rounding, on two lanes of binary64. */
import type { Minifloat, Ties } from "@accelc/numerics";
import { bounded, type Rounding, roundBits } from "./dlfloat-code.js";
import type { Code } from "./wasm.js";

/** What a kernel is written for: formats apart from their biases. */
export interface MinifloatKernel {
  readonly rows: number;
  readonly columns: number;
  readonly a: Minifloat;
  readonly w: Minifloat;
  readonly pass: number;
  readonly chunk: number;
  readonly ties: Ties;
  readonly range: Range;
}

/** What an FMMA has to provide for, given formats, biases and chunk. */
export interface Range {
  /** p1 + p2 + c is a binary64 number. */
  readonly exact: boolean;
  /** Its rounding to ten bits is neither too large nor too small for DLFloat. */
  readonly bounded: boolean;
}

/**
 * For 1-4-3 operands with biases that sum to B every product is a multiple of 2^−(B+6) below 2^(32−B), so that a chunk of n
 * stays below 2^(33−B) n, its roundings included (they add less than a factor of 2 for n <= 1024); a sum too small for
 * DLFloat may leave a multiple of 2^−40.
 */
export function rangeOf(a: Minifloat, w: Minifloat, chunk: number): Range {
  if (a.mantissaBits !== 3 || w.mantissaBits !== 3 || chunk > 1024) return { exact: false, bounded: false };
  const top = 33 - (a.bias + w.bias) + Math.log2(chunk);
  const finest = a.bias + w.bias + 6;
  const underflows = finest > 30;
  return {
    exact: top + (underflows ? Math.max(finest, 40) : finest) <= 53,
    bounded: !underflows && top <= 32,
  };
}

export interface Temps {
  readonly p1: number;
  readonly p2: number;
  readonly s: number;
  readonly t: number;
  readonly b: number;
  readonly e: number;
  readonly h: number;
}

/** Σ of two locals into `sum`, its rounding error on the stack (Knuth's TwoSum). */
function twoSum(code: Code, a: number, b: number, sum: number, temp: number): void {
  code.get(a);
  code.get(b);
  code.op("f64x2.add");
  code.tee(sum);
  code.get(a);
  code.op("f64x2.sub");
  code.set(temp);
  code.get(a);
  code.get(sum);
  code.get(temp);
  code.op("f64x2.sub", "f64x2.sub");
  code.get(b);
  code.get(temp);
  code.op("f64x2.sub", "f64x2.add");
}

/**
 * p1 + p2 + c rounded to odd into h: exact, or the neighbour with an odd last bit, so that rounding to ten bits rounds once
 * (Boldo and Melquiond 2008). s + e1 = p1 + p2 and t + e2 = s + c exactly. Either t = 0, or |t| > |e1 + e2|: where s + c
 * cancels, e2 = 0 and t is a multiple of the last place of s, twice e1 at least; so one more sum of the faster kind
 * (Dekker) leaves h and what is below it.
 */
function sumToOdd(code: Code, r: Rounding, at: Temps, c: number): void {
  twoSum(code, at.p1, at.p2, at.s, at.b);
  code.set(at.e);
  twoSum(code, at.s, c, at.t, at.b);
  code.get(at.e);
  code.op("f64x2.add");
  code.tee(at.e);
  code.get(at.t);
  code.op("f64x2.add");
  code.set(at.h);
  code.get(at.e);
  code.get(at.h);
  code.get(at.t);
  code.op("f64x2.sub", "f64x2.sub");
  code.set(at.b);
  code.get(at.b);
  code.get(r.zero);
  code.op("f64x2.ne");
  code.set(at.e);
  code.get(at.h);
  code.get(at.h);
  code.get(at.b);
  code.op("v128.xor");
  code.const32(63);
  code.op("i64x2.shr_s");
  code.get(at.e);
  code.op("v128.and", "i64x2.add");
  code.get(at.e);
  code.get(r.one);
  code.op("v128.and", "v128.or");
  code.set(at.h);
}

/** c = FMMA of the products in p1 and p2 (one alone: p1). */
export function fmma(code: Code, r: Rounding, range: Range, single: boolean, at: Temps, c: number): void {
  if (range.exact || single) {
    code.get(at.p1);
    if (!single) {
      code.get(at.p2);
      code.op("f64x2.add");
    }
    code.set(at.s);
  }
  if (range.exact) {
    code.get(at.s);
    code.get(c);
    code.op("f64x2.add");
    code.set(at.h);
  } else {
    if (single) {
      code.get(r.zero);
      code.set(at.p2);
    }
    sumToOdd(code, r, at, c);
  }
  roundBits(code, r, at.h);
  code.set(c);
  if (range.bounded) return;
  bounded(code, r, at.h, c, at.b);
  code.set(c);
}
