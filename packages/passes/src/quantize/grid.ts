import type { DType, Quant } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import type { Range } from "../calibration/index.js";
import { ceilLog2 } from "../functions/index.js";

/**
 * Where a stored value lives: real = scale * (q − zero), q in the signed range of `bits`, or in `codes` where fewer are used
 * (a grid of 4 or 2 bits, an imported one with limits of its own).
 */
export interface Grid {
  readonly bits: 8 | 16 | 32;
  readonly scale: number;
  readonly zero: number;
  /** Least and greatest code, within the range of `bits`. */
  readonly codes?: readonly [number, number];
}

export const DTYPE_OF: { readonly [B in Grid["bits"]]: DType } = { 8: "int8", 16: "int16", 32: "int32" };

export const qmin = (g: Grid): number => g.codes?.[0] ?? -(2 ** (g.bits - 1));
export const qmax = (g: Grid): number => g.codes?.[1] ?? 2 ** (g.bits - 1) - 1;

/** The narrowest type of the array that holds every code of the grid: 2, 4, 8 or 16 bits. */
export const codeBits = (g: Grid): number =>
  [2, 4, 8, 16].find((b) => qmin(g) >= -(2 ** (b - 1)) && qmax(g) < 2 ** (b - 1)) ?? g.bits;
export const quantOf = (g: Grid): Quant => ({
  scale: [g.scale],
  zeroPoint: g.zero,
  axis: null,
  ...(g.codes ? { codes: g.codes } : {}),
});
export const rangeOf = (g: Grid): Range => ({ min: g.scale * (qmin(g) - g.zero), max: g.scale * (qmax(g) - g.zero) });

export const withZero = (r: Range): Range => ({ min: Math.min(0, r.min), max: Math.max(0, r.max) });
export const union = (a: Range | undefined, b: Range): Range =>
  a ? { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) } : b;
export const magnitude = (r: Range): number => Math.max(Math.abs(r.min), Math.abs(r.max));

type Codes = readonly [number, number];

/** Codes of a GEMM operand where these are fewer than its storage's: int8 stores 2 and 4 bits. */
const FEWER: { readonly [bits: number]: Codes } = { 2: [-2, 1], 4: [-8, 7] };
/** Codes of 16 bits that two signed digits in base 256 give: the greatest is 127 · 256 + 127. */
const TWO_DIGITS: Codes = [-32768, 32639];

const operandGrid = (bits: number, scale: number, zero: number, codes = FEWER[bits]): Grid => ({
  bits: bits === 16 ? 16 : 8,
  scale,
  zero,
  ...(codes ? { codes } : {}),
});

const limitsOf = (bits: number): Codes => FEWER[bits] ?? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];

/** All codes of 2, 4, 8 or 16 bits over [min, max] with 0 exactly on the grid; an unsigned range has the least code as zero. */
export function asymmetric(range: Range, bits: number): Grid {
  const { min, max } = withZero(range);
  const [least, most] = limitsOf(bits);
  const scale = (max - min) / (most - least);
  if (!(scale > 0)) return operandGrid(bits, 1, 0);
  return operandGrid(bits, scale, Math.max(least, Math.min(most, roundHalfEven(least - min / scale))));
}

/** Zero 0; the greatest code of 2, 4, 8 or 16 bits is the greatest magnitude. */
export function symmetric(range: Range, bits: number): Grid {
  const codes = bits === 16 ? TWO_DIGITS : limitsOf(bits);
  const scale = magnitude(range) / codes[1];
  return operandGrid(bits, scale > 0 && Number.isFinite(scale) ? scale : 1, 0, bits === 8 ? undefined : codes);
}

/** int32 with a bit of headroom over a proven range, or over 1024 times what was seen where that is less; zero 0. */
export function wide(proven: Range, seen: Range | undefined): Grid {
  const limit = seen ? Math.min(magnitude(proven), 1024 * magnitude(seen)) : magnitude(proven);
  const scale = limit / 2 ** 30;
  return { bits: 32, scale: scale > 0 && Number.isFinite(scale) ? scale : 1, zero: 0 };
}

/** int16 with a quarter of headroom over a range that was seen, at most the bound that is proven; zero 0. */
export function seen16(range: Range | undefined, bound: number): Grid {
  const limit = range ? Math.min(bound, 1.25 * magnitude(range)) : bound;
  const scale = limit / 32767;
  return { bits: 16, scale: scale > 0 && Number.isFinite(scale) ? scale : 1, zero: 0 };
}

/** int16 with zero 0 and a power of two as scale: twice what was seen, at most the bound. Dyadic numbers are exact. */
export function fixed16(bound: Range, seen: Range | undefined): Grid {
  const limit = seen ? Math.min(magnitude(bound), 2 * magnitude(seen)) : magnitude(bound);
  return { bits: 16, scale: limit > 0 && Number.isFinite(limit) ? 2 ** ceilLog2(limit / 32767) : 1, zero: 0 };
}

/** int32 with zero 0 and a power of two as scale, for values of great dynamic range: 64 times what was seen, at most the bound. */
export function fixed32(bound: Range, seen: Range | undefined): Grid {
  const limit = seen ? Math.min(magnitude(bound), 64 * magnitude(seen)) : magnitude(bound);
  return { bits: 32, scale: limit > 0 && Number.isFinite(limit) ? 2 ** (ceilLog2(limit) - 30) : 1, zero: 0 };
}

/** int32 with zero 0 and the least power of two as scale that the range allows: for inputs that are only moved. */
export function finest(range: Range): Grid {
  const top = magnitude(range);
  return { bits: 32, scale: top > 0 && Number.isFinite(top) ? 2 ** (Math.floor(Math.log2(top)) - 30) : 1, zero: 0 };
}

/** The code of a real number, ties to even as in ONNX QuantizeLinear, saturated. */
export const codeOf = (g: Grid, x: number): number =>
  Math.max(qmin(g), Math.min(qmax(g), roundHalfEven(x / g.scale) + g.zero));
