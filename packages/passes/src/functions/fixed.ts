import { CompilerBug, type ValueId } from "@accelc/ir";
import { INT32_MAX } from "@accelc/numerics";
import { ceilLog2, type Emit, type Lane } from "./emit.js";

/** A real tensor in fixed point: real = unit * value. */
export interface Fixed {
  readonly value: ValueId;
  /** Real value of one step, a power of two. */
  readonly unit: number;
  /** Real range that is proven. */
  readonly bound: readonly [number, number];
}

/** A function's result may saturate at ±`limit` (real), which buys resolution where the proven bound is far off. */
export interface Limit {
  readonly limit?: number;
}

export const laneOf = (x: Fixed): Lane => ({
  id: x.value,
  lo: Math.floor(x.bound[0] / x.unit),
  hi: Math.ceil(x.bound[1] / x.unit),
});

export const fixedOf = (lane: Lane, unit: number): Fixed => ({
  value: lane.id,
  unit,
  bound: [lane.lo * unit, lane.hi * unit],
});

/** Fraction bits of a unit. */
export const fraction = (unit: number): number => {
  const f = -Math.log2(unit);
  if (!Number.isInteger(f)) throw new CompilerBug("functions", `unit ${unit} is no power of two`);
  return f + 0;
};

/** The least f for which `limit` is 2^bits steps or fewer, as the fraction bits of a unit. */
export const fractionFor = (limit: number, bits = 30): number => (limit > 0 ? bits - ceilLog2(limit) : bits);

export const magnitudeOf = (x: Fixed): number => Math.max(Math.abs(x.bound[0]), Math.abs(x.bound[1]));

/** The same value in another unit: exact to a finer one, rounded to a coarser one, saturating. */
export function toUnit(e: Emit, x: Fixed, unit: number): Fixed {
  return unit === x.unit ? x : fixedOf(e.scale(laneOf(x), x.unit / unit), unit);
}

/** Operands in one unit: the finest in which all magnitudes stay below 2^bits steps. */
export function align(e: Emit, xs: readonly Fixed[], bits = 30): readonly Fixed[] {
  const finest = Math.min(...xs.map((x) => x.unit));
  const room = 2 ** -fractionFor(Math.max(...xs.map(magnitudeOf)), bits);
  const unit = Math.max(finest, room);
  return xs.map((x) => toUnit(e, x, unit));
}

/** a − b in steps of `unit`, or in the finest that holds it. */
export function difference(e: Emit, a: Fixed, b: Fixed, unit: number): Fixed {
  const common = Math.max(unit, 2 ** -fractionFor(magnitudeOf(a) + magnitudeOf(b)));
  return fixedOf(e.sub(laneOf(toUnit(e, a, common)), laneOf(toUnit(e, b, common))), common);
}

/** x in a unit in which its magnitude takes `bits` bits at most. */
export function atMost(e: Emit, x: Fixed, bits: number): Fixed {
  const need = 2 ** -fractionFor(magnitudeOf(x), bits);
  return x.unit >= need ? x : toUnit(e, x, need);
}

/** A real constant in a given unit, within int32. */
export const inUnit = (x: number, unit: number): number =>
  Math.max(-INT32_MAX, Math.min(INT32_MAX, Math.round(x / unit)));
