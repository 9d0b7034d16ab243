import { type DType, isMinifloat, type Quant, ROUND, type Rounding, type TensorType } from "@accelc/ir";
import { DLFLOAT16, encode, fp8, type Minifloat, roundHalfEven } from "@accelc/numerics";
import type { Range } from "../calibration/index.js";
import { ceilLog2 } from "../functions/index.js";
import type { Pin } from "./classes.js";

/** Where a stored value lives: integers under a scale, or numbers of the array's own floating point formats. */
export type Grid = FixedGrid | FloatGrid;

/** Codes of DLFloat, or of FP8 1-4-3 under an exponent bias, which stand for their real numbers. */
export type FloatGrid = { readonly format: "dlfloat16" } | { readonly format: "fp8e4m3"; readonly bias: number };

/**
 * real = scale * (q − zero), q in the signed range of `bits`, or in `codes` where fewer are used
 * (a grid of 4 or 2 bits, an imported one with limits of its own).
 */
export interface FixedGrid {
  readonly bits: 8 | 16 | 32;
  readonly scale: number;
  readonly zero: number;
  /** Least and greatest code, within the range of `bits`. */
  readonly codes?: readonly [number, number];
  /** Of a grid that the model states: how values are rounded to it. */
  readonly rounding?: Rounding;
}

export const DTYPE_OF: { readonly [B in FixedGrid["bits"]]: DType } = { 8: "int8", 16: "int16", 32: "int32" };

export const isFloatGrid = (g: Grid): g is FloatGrid => "format" in g;
export const FLOAT16: FloatGrid = { format: "dlfloat16" };

/** The numbers that the codes of a grid stand for. */
export const formatOf = (g: FloatGrid): Minifloat => (g.format === "dlfloat16" ? DLFLOAT16 : fp8(g.bias));

/** The greatest exponent bias, 0 to 31, under which the largest FP8 number is not below `top`; 0 where none is. */
export function fp8Bias(top: number): number {
  for (let bias = 31; bias > 0; bias--) if (fp8(bias).maxFinite >= top) return bias;
  return 0;
}

export const sameGrid = (a: Grid, b: Grid): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The type of a tensor on a grid. */
export function typeOn(g: Grid, shape: readonly number[]): TensorType {
  if (!isFloatGrid(g)) return { dtype: DTYPE_OF[g.bits], shape, quant: quantOf(g) };
  return { dtype: g.format, shape, ...(g.format === "fp8e4m3" ? { exponentBias: g.bias } : {}) };
}

/** The grid of numbers that a type tells of, undefined where it holds integers. */
export function floatGridOf({ dtype, exponentBias }: TensorType): FloatGrid | undefined {
  if (!isMinifloat(dtype) || dtype === "fp8e5m2") return undefined;
  return dtype === "dlfloat16" ? FLOAT16 : { format: dtype, bias: exponentBias! };
}

export const qmin = (g: FixedGrid): number => g.codes?.[0] ?? -(2 ** (g.bits - 1));
export const qmax = (g: FixedGrid): number => g.codes?.[1] ?? 2 ** (g.bits - 1) - 1;

/** The narrowest type of the array that holds every code of the grid: 2, 4, 8 or 16 bits. */
export const codeBits = (g: FixedGrid): number =>
  [2, 4, 8, 16].find((b) => qmin(g) >= -(2 ** (b - 1)) && qmax(g) < 2 ** (b - 1)) ?? g.bits;
export const quantOf = (g: FixedGrid): Quant => ({
  scale: [g.scale],
  zeroPoint: g.zero,
  axis: null,
  ...(g.codes ? { codes: g.codes } : {}),
});

/** The real numbers that codes of the grid can stand for. */
export function rangeOf(g: Grid): Range {
  if (!isFloatGrid(g)) return { min: g.scale * (qmin(g) - g.zero), max: g.scale * (qmax(g) - g.zero) };
  const top = formatOf(g).maxFinite;
  return { min: -top, max: top };
}

/** Bits that hold as many codes as the model's, and what is subtracted from its codes to make them signed. */
function storage([lo, hi]: Pin["codes"]): { readonly bits: FixedGrid["bits"]; readonly offset: number } {
  const width = [2, 4, 8, 16, 32].find((b) => hi - lo < 2 ** b) ?? 32;
  const [least, most] = [-(2 ** (width - 1)), 2 ** (width - 1) - 1];
  const bits = width <= 8 ? 8 : width <= 16 ? 16 : 32;
  return { bits, offset: lo >= least && hi <= most ? 0 : lo - least };
}

/** The grid of the user's model as it is stored: unsigned codes less half their range, limits where the type has more. */
export function importedGrid({ scale, zero, codes: [lo, hi], rounding }: Pin): FixedGrid {
  const { bits, offset } = storage([lo, hi]);
  const codes = [lo - offset, hi - offset] as const;
  const full = codes[0] === -(2 ** (bits - 1)) && codes[1] === 2 ** (bits - 1) - 1;
  return { bits, scale, zero: zero - offset, rounding, ...(full ? {} : { codes }) };
}

export const withZero = (r: Range): Range => ({ min: Math.min(0, r.min), max: Math.max(0, r.max) });
export const union = (a: Range | undefined, b: Range): Range =>
  a ? { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) } : b;
export const magnitude = (r: Range): number => Math.max(Math.abs(r.min), Math.abs(r.max));

type Codes = readonly [number, number];

/** Codes of a GEMM operand where these are fewer than its storage's: int8 stores 2 and 4 bits. */
const FEWER: { readonly [bits: number]: Codes } = { 2: [-2, 1], 4: [-8, 7] };
/** Codes of 16 bits that two signed digits in base 256 give: the greatest is 127 · 256 + 127. */
const TWO_DIGITS: Codes = [-32768, 32639];

const operandGrid = (bits: number, scale: number, zero: number, codes = FEWER[bits]): FixedGrid => ({
  bits: bits === 16 ? 16 : 8,
  scale,
  zero,
  ...(codes ? { codes } : {}),
});

const limitsOf = (bits: number): Codes => FEWER[bits] ?? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];

/** All codes of 2, 4, 8 or 16 bits over [min, max] with 0 exactly on the grid; an unsigned range has the least code as zero. */
export function asymmetric(range: Range, bits: number): FixedGrid {
  const { min, max } = withZero(range);
  const [least, most] = limitsOf(bits);
  const scale = (max - min) / (most - least);
  if (!(scale > 0)) return operandGrid(bits, 1, 0);
  return operandGrid(bits, scale, Math.max(least, Math.min(most, roundHalfEven(least - min / scale))));
}

/** Zero 0; the greatest code of 2, 4, 8 or 16 bits is the greatest magnitude. */
export function symmetric(range: Range, bits: number): FixedGrid {
  const codes = bits === 16 ? TWO_DIGITS : limitsOf(bits);
  const scale = magnitude(range) / codes[1];
  return operandGrid(bits, scale > 0 && Number.isFinite(scale) ? scale : 1, 0, bits === 8 ? undefined : codes);
}

/** int32 with a bit of headroom over a proven range, or over 1024 times what was seen where that is less; zero 0. */
export function wide(proven: Range, seen: Range | undefined): FixedGrid {
  const limit = seen ? Math.min(magnitude(proven), 1024 * magnitude(seen)) : magnitude(proven);
  const scale = limit / 2 ** 30;
  return { bits: 32, scale: scale > 0 && Number.isFinite(scale) ? scale : 1, zero: 0 };
}

/** int16 with a quarter of headroom over a range that was seen, at most the bound that is proven; zero 0. */
export function seen16(range: Range | undefined, bound: number): FixedGrid {
  const limit = range ? Math.min(bound, 1.25 * magnitude(range)) : bound;
  const scale = limit / 32767;
  return { bits: 16, scale: scale > 0 && Number.isFinite(scale) ? scale : 1, zero: 0 };
}

/** int16 with zero 0 and a power of two as scale: twice what was seen, at most the bound. Dyadic numbers are exact. */
export function fixed16(bound: Range, seen: Range | undefined): FixedGrid {
  const limit = seen ? Math.min(magnitude(bound), 2 * magnitude(seen)) : magnitude(bound);
  return { bits: 16, scale: limit > 0 && Number.isFinite(limit) ? 2 ** ceilLog2(limit / 32767) : 1, zero: 0 };
}

/** int32 with zero 0 and a power of two as scale, for values of great dynamic range: 64 times what was seen, at most the bound. */
export function fixed32(bound: Range, seen: Range | undefined): FixedGrid {
  const limit = seen ? Math.min(magnitude(bound), 64 * magnitude(seen)) : magnitude(bound);
  return { bits: 32, scale: limit > 0 && Number.isFinite(limit) ? 2 ** (ceilLog2(limit) - 30) : 1, zero: 0 };
}

/** int32 with zero 0 and the least power of two as scale that the range allows: for inputs that are only moved. */
export function finest(range: Range): FixedGrid {
  const top = magnitude(range);
  return { bits: 32, scale: top > 0 && Number.isFinite(top) ? 2 ** (Math.floor(Math.log2(top)) - 30) : 1, zero: 0 };
}

/** Codes of real numbers, as the model rounds them or else ties to even as in ONNX QuantizeLinear, saturated. */
export function encoderOf(g: Grid): (x: number) => number {
  if (isFloatGrid(g)) {
    const format = formatOf(g);
    return (x) => encode(format, x, "even", true);
  }
  const [low, high, round] = [qmin(g), qmax(g), ROUND[g.rounding ?? "even"]];
  const { scale, zero } = g;
  return (x) => Math.max(low, Math.min(high, round(x / scale) + zero));
}

export const codeOf = (g: Grid, x: number): number => encoderOf(g)(x);
