import { type Comparison, largestMinifloat, type MinifloatFields } from "@accelc/ir";
import { ceilLog2, type Emit, type Lane } from "./emit.js";
import {
  align,
  atMost,
  type Fixed,
  fixedOf,
  fraction,
  fractionFor,
  inUnit,
  laneOf,
  magnitudeOf,
  toUnit,
} from "./fixed.js";

export const abs = (e: Emit, x: Fixed): Fixed => fixedOf(e.abs(laneOf(x)), x.unit);
export const sign = (e: Emit, x: Fixed): Fixed => fixedOf(e.sign(laneOf(x)), 1);
export const neg = (e: Emit, x: Fixed): Fixed => {
  const lane = laneOf(x);
  return fixedOf(lane.lo <= -(2 ** 31) ? e.mulSat(lane, -1, 0) : e.sub(0, lane), x.unit);
};

/** Integers that a rounding function gives; x less fine than 1 is one already. */
const whole = (x: Fixed): boolean => x.unit >= 1;

/** The greatest integer not above x + slack. */
export function floor(e: Emit, x: Fixed, slack = 0): Fixed {
  if (whole(x)) return x;
  const f = fraction(x.unit);
  if (f > 30) return floor(e, toUnit(e, x, 2 ** -30), slack);
  return fixedOf(e.shr(e.add(laneOf(x), Math.round(slack / x.unit)), f), 1);
}

/** The least integer not below x − slack. */
export function ceil(e: Emit, x: Fixed, slack = 0): Fixed {
  if (whole(x)) return x;
  const f = fraction(x.unit);
  if (f > 29 || magnitudeOf(x) / x.unit + 2 ** f > 2 ** 31 - 1) return ceil(e, toUnit(e, x, 2 * x.unit), slack);
  return fixedOf(e.shr(e.add(laneOf(x), 2 ** f - 1 - Math.round(slack / x.unit)), f), 1);
}

/** The nearest integer, ties to even. */
export function round(e: Emit, x: Fixed): Fixed {
  if (whole(x)) return x;
  const f = fraction(x.unit);
  if (f > 29 || magnitudeOf(x) / x.unit + 2 ** f > 2 ** 31 - 1) return round(e, toUnit(e, x, 2 * x.unit));
  const lane = laneOf(x);
  const odd = e.low(e.shr(lane, f), 1);
  return fixedOf(e.shr(e.add(e.add(lane, 2 ** (f - 1) - 1), odd), f), 1);
}

/** The nearest multiple of 2^k, ties to even. */
function roundAt(e: Emit, x: Lane, k: number): Lane {
  const odd = e.low(e.shr(x, k), 1);
  return e.shl(e.shr(e.add(e.add(x, 2 ** (k - 1) - 1), odd), k), k);
}

/** x rounded to a float format, ties to even; infinities and NaN do not exist in fixed point, so that it saturates. */
export function minifloat(e: Emit, operand: Fixed, f: MinifloatFields): Fixed {
  const top = largestMinifloat(f);
  const x = atMost(e, operand, 29);
  const [lane, size] = [laneOf(x), e.abs(laneOf(x))];
  const last = Math.min(Math.floor(Math.log2(top)), ceilLog2(Math.max(magnitudeOf(x), x.unit)));
  let y: Lane | undefined;
  for (let at = last; at >= 1 - f.bias; at--) {
    const k = at - f.mantissa + fraction(x.unit);
    const rounded = k <= 0 ? lane : roundAt(e, lane, Math.min(k, 30));
    y = y ? e.select(e.cmp("lt", size, inUnit(2 ** (at + 1), x.unit)), rounded, y) : rounded;
    if (k <= 0) break;
  }
  return clampTo(e, fixedOf(y ?? lane, x.unit), -top, top);
}

/** x limited to [lo, hi]. */
export const clampTo = (e: Emit, x: Fixed, lo: number, hi: number): Fixed =>
  fixedOf(e.clamp(laneOf(x), inUnit(lo, x.unit), inUnit(hi, x.unit)), x.unit);

/** max(0, min(1, a x + b)) in Q30, computed below 2^30. */
function hardGate(e: Emit, x: Fixed, a: number, b: number): Lane {
  const f = Math.min(30, fractionFor(Math.abs(a) * magnitudeOf(x) + Math.abs(b) + 1, 30));
  const line = e.add(e.scale(laneOf(x), a * x.unit * 2 ** f), Math.round(b * 2 ** f));
  return e.scale(e.clamp(line, 0, Math.round(2 ** f)), 2 ** (30 - f));
}

export const hardSigmoid = (e: Emit, x: Fixed, a: number, b: number): Fixed => fixedOf(hardGate(e, x, a, b), 2 ** -30);

export function hardSwish(e: Emit, x: Fixed): Fixed {
  const gate = hardGate(e, x, 1 / 6, 0.5);
  return fixedOf(e.mulSat(laneOf(x), gate, 30), x.unit);
}

/** x > a ? x : 0. */
export function thresholdedRelu(e: Emit, x: Fixed, a: number): Fixed {
  const lane = laneOf(x);
  const edge = Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.floor(a / x.unit)));
  return fixedOf(e.select(e.cmp("gt", lane, edge), lane, 0), x.unit);
}

/** The remainder of a / b, exact on their common grid: with the divisor's sign, or (fmod) the dividend's; by 0, a. */
export function mod(e: Emit, a: Fixed, b: Fixed, fmod: boolean): Fixed {
  const [dividend, divisor] = align(e, [a, b]) as [Fixed, Fixed];
  return fixedOf(modLanes(e, laneOf(dividend), laneOf(divisor), fmod), dividend.unit);
}

/** The remainder of integers. */
export function modLanes(e: Emit, x: Lane, y: Lane, fmod: boolean): Lane {
  const top = Math.min(Math.max(Math.abs(x.lo), Math.abs(x.hi)), 2 ** 31 - 1);
  const multiple = e.op("imul", [e.div(x, y), y], { shift: 0 }, -top, top);
  const rest = e.sub(x, multiple, [Math.min(0, x.lo), Math.max(0, x.hi)]);
  if (fmod) return rest;
  const other = e.cmp("lt", e.op("imul", [e.sign(rest), e.sign(y)], { shift: 0 }, -1, 1), 0);
  const more = e.op("imul", [y, other], { shift: 0 }, Math.min(0, y.lo), Math.max(0, y.hi));
  return e.add(rest, more, [Math.min(0, y.lo, x.lo), Math.max(0, y.hi, x.hi)]);
}

type Pair = (e: Emit, a: Fixed, b: Fixed) => Fixed;
const paired =
  (f: (e: Emit, x: Lane, y: Lane) => Lane): Pair =>
  (e, a, b) => {
    const [x, y] = align(e, [a, b], 31) as [Fixed, Fixed];
    return fixedOf(f(e, laneOf(x), laneOf(y)), x.unit);
  };

export const minimum: Pair = paired((e, x, y) => e.op("imin", [x, y], {}, Math.min(x.lo, y.lo), Math.min(x.hi, y.hi)));
export const maximum: Pair = paired((e, x, y) => e.op("imax", [x, y], {}, Math.max(x.lo, y.lo), Math.max(x.hi, y.hi)));

/** 1 where the comparison holds, else 0; an integer lane. */
export function compare(e: Emit, kind: Comparison, a: Fixed, b: Fixed): Lane {
  const [x, y] = align(e, [a, b], 31) as [Fixed, Fixed];
  return e.cmp(kind, laneOf(x), laneOf(y));
}

/** condition (not 0) ? a : b. */
export function where(e: Emit, condition: Lane, a: Fixed, b: Fixed): Fixed {
  const [x, y] = align(e, [a, b], 31) as [Fixed, Fixed];
  return fixedOf(e.select(condition, laneOf(x), laneOf(y)), x.unit);
}
