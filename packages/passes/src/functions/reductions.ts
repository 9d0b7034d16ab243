import type { Reduction, ValueId } from "@accelc/ir";
import { INT32_MAX, INT32_MIN } from "@accelc/numerics";
import { ceilLog2, type Emit, type Lane } from "./emit.js";
import { exp2Of } from "./exponential.js";
import { align, atMost, type Fixed, fixedOf, type Limit, laneOf, magnitudeOf } from "./fixed.js";
import { log, product, square } from "./logarithm.js";
import { sqrt } from "./roots.js";

const countOf = (shape: readonly number[], axes: readonly number[]): number => axes.reduce((n, a) => n * shape[a]!, 1);
const shapeOf = (e: Emit, x: Fixed): readonly number[] => e.builder.type(x.value).shape;

/** Σ along axes; the operand is first rounded so that no partial sum leaves int32. */
export function sum(e: Emit, x: Fixed, axes: readonly number[]): Fixed {
  const n = countOf(shapeOf(e, x), axes);
  const small = atMost(e, x, 30 - Math.min(24, ceilLog2(n)));
  return fixedOf(e.reduce("sum", laneOf(small), axes), small.unit);
}

/** Σ x²: squares are rounded once, to as many bits as leave their sum below 2^30. */
export function sumSquare(e: Emit, x: Fixed, axes: readonly number[]): Fixed {
  const bits = 30 - Math.min(24, ceilLog2(countOf(shapeOf(e, x), axes)));
  return sum(e, square(e, x, {}, bits), axes);
}

const mean = (e: Emit, x: Fixed, axes: readonly number[]): Fixed =>
  divided(e, sum(e, x, axes), countOf(shapeOf(e, x), axes));

/** A sum over n; the division goes into the next rounding. */
function divided(e: Emit, total: Fixed, n: number): Fixed {
  const k = Math.log2(n);
  if (Number.isInteger(k))
    return { value: total.value, unit: total.unit / n, bound: [total.bound[0] / n, total.bound[1] / n] };
  const unit = total.unit * 2 ** -Math.floor(k);
  const m = laneOf(total);
  return fixedOf(e.scale(m, total.unit / n / unit), unit);
}

const extreme = (e: Emit, kind: "max" | "min", x: Fixed, axes: readonly number[]): Fixed =>
  fixedOf(e.reduce(kind, laneOf(x), axes), x.unit);

/** Elements [start, start + size) of an axis. */
function part(e: Emit, x: Fixed, axis: number, start: number, size: number): Fixed {
  const shape = shapeOf(e, x);
  const lane = laneOf(x);
  const attrs = {
    starts: shape.map((_, i) => (i === axis ? start : 0)),
    steps: shape.map(() => 1),
    sizes: shape.map((n, i) => (i === axis ? size : n)),
  };
  return fixedOf(e.op("slice", [lane], attrs, lane.lo, lane.hi), x.unit);
}

/** Product along axes by halves; an odd element joins at the end. Intermediate products saturate 2^6 beyond `limit` and x. */
export function prod(e: Emit, x: Fixed, axes: readonly number[], at: Limit = {}): Fixed {
  const most = 64 * Math.max(magnitudeOf(x), at.limit ?? magnitudeOf(x) ** 4, 1);
  let y = x;
  for (const axis of axes) {
    let rest: Fixed | undefined;
    for (let n = shapeOf(e, y)[axis]!; n > 1; n = Math.floor(n / 2)) {
      const half = Math.floor(n / 2);
      if (n % 2 === 1) {
        const last = part(e, y, axis, n - 1, 1);
        rest = rest ? product(e, rest, last, { limit: most }) : last;
      }
      y = product(e, part(e, y, axis, 0, half), part(e, y, axis, half, half), { limit: most });
    }
    if (rest) y = product(e, y, rest, { limit: most });
  }
  return y;
}

/** max + ln Σ e^(x − max). */
function logSumExp(e: Emit, x: Fixed, axes: readonly number[]): Fixed {
  const { top, total } = exponentials(e, x, axes);
  const [a, b] = align(e, [top, log(e, total)]) as [Fixed, Fixed];
  return fixedOf(e.add(laneOf(a), laneOf(b)), a.unit);
}

interface Exponentials {
  readonly top: Fixed;
  /** x − max. */
  readonly below: Fixed;
  /** e^(x − max) in Q29. */
  readonly each: Lane;
  readonly total: Fixed;
}

/** The sum is taken of terms with as many bits as leave it below 2^30: 18 for 4096 elements. */
export const sumShift = (e: Emit, x: Lane, axes: readonly number[]): number =>
  Math.max(0, ceilLog2(countOf(e.shape(x), axes)) - 1);

export function exponentials(e: Emit, x: Fixed, axes: readonly number[]): Exponentials {
  const small = atMost(e, x, 30);
  const lane = laneOf(small);
  const top = e.reduce("max", lane, axes);
  const below = e.sub(lane, top, [lane.lo - lane.hi, 0]);
  const each = e.refine(exp2Of(e, below, Math.LOG2E * small.unit, 29), 0, 2 ** 29);
  const shift = sumShift(e, lane, axes);
  const term = shift === 0 ? each : e.mul(each, 1, shift);
  const total = e.refine(e.reduce("sum", term, axes), 2 ** (29 - shift) - 1, 2 ** 30);
  return {
    top: fixedOf(top, small.unit),
    below: fixedOf(below, small.unit),
    each,
    total: fixedOf(total, 2 ** -(29 - shift)),
  };
}

/** x − max − ln Σ e^(x − max). */
export function logSoftmax(e: Emit, x: Fixed, axis: number): Fixed {
  const { below, total } = exponentials(e, x, [axis]);
  const [a, b] = align(e, [below, log(e, total)]) as [Fixed, Fixed];
  return fixedOf(e.sub(laneOf(a), laneOf(b)), a.unit);
}

/** A reduction of the float graph. */
export function reduce(e: Emit, kind: Reduction, x: Fixed, axes: readonly number[], at: Limit = {}): Fixed {
  const magnitudes = () => fixedOf(e.abs(laneOf(x)), x.unit);
  switch (kind) {
    case "sum":
      return sum(e, x, axes);
    case "mean":
      return mean(e, x, axes);
    case "max":
    case "min":
      return extreme(e, kind, x, axes);
    case "prod":
      return prod(e, x, axes, at);
    case "l1":
      return sum(e, magnitudes(), axes);
    case "sumSquare":
      return sumSquare(e, x, axes);
    case "meanSquare":
      return divided(e, sumSquare(e, x, axes), countOf(shapeOf(e, x), axes));
    case "l2":
      return sqrt(e, sumSquare(e, x, axes));
    case "logSum":
      return log(e, sum(e, x, axes));
    case "logSumExp":
      return logSumExp(e, x, axes);
  }
}

/** Index of the extreme along an axis, the first or the last: the positions where it stands, least or greatest. */
export function argReduce(e: Emit, kind: "max" | "min", x: Lane, axis: number, last: boolean, index: ValueId): Lane {
  const n = e.shape(x)[axis]!;
  const best = e.reduce(kind, x, [axis]);
  const at = e.cmp("eq", x, best);
  const positions: Lane = { id: index, lo: 0, hi: n - 1 };
  const candidates = e.select(at, positions, last ? 0 : n);
  return e.refine(e.reduce(last ? "max" : "min", candidates, [axis]), 0, n - 1);
}

/** Cumulative sum, wrapping, by doubling: x(i) + x(i − 1), then + x(i − 2), + x(i − 4) and so on. */
export function cumSum(e: Emit, x: Lane, axis: number, exclusive: boolean, reverse: boolean): Lane {
  const shape = e.shape(x);
  const n = shape[axis]!;
  const most = Math.max(Math.abs(x.lo), Math.abs(x.hi)) * n;
  const moved = (y: Lane, by: number): Lane => {
    const attrs = {
      starts: shape.map((_, i) => (i === axis && reverse ? by : 0)),
      steps: shape.map(() => 1),
      sizes: shape.map((s, i) => (i === axis ? s - by : s)),
    };
    const rest = e.op("slice", [y], attrs, y.lo, y.hi);
    const ahead = shape.map((_, i) => (i === axis && !reverse ? by : 0));
    const behind = shape.map((_, i) => (i === axis && reverse ? by : 0));
    return e.op("pad", [rest], { pads: [...ahead, ...behind], value: 0 }, Math.min(0, y.lo), Math.max(0, y.hi));
  };
  let y = exclusive && n > 0 ? moved(x, 1) : x;
  for (let by = 1; by < n; by *= 2) y = e.add(y, moved(y, by), [Math.max(INT32_MIN, -most), Math.min(INT32_MAX, most)]);
  return y;
}

/** The unit in which cumulative sums of n elements fit. */
export const cumulative = (e: Emit, x: Fixed, n: number): Fixed => atMost(e, x, 30 - ceilLog2(Math.max(1, n)));
