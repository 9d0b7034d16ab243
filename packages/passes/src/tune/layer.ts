/** One layer tuned against its own float results: scales, codes and biases that make them up from the stored operand. */
import { roundHalfEven } from "@accelc/numerics";
import type { LayerShape, MomentCollector } from "./moments.js";
import { bestWeights, type Moments, objective, roundToCodes } from "./rounding.js";

export interface TunedLayer {
  /** Codes −top..top, as rows of weights. */
  readonly codes: Int16Array;
  /** Real value of a step, per row. */
  readonly scale: Float64Array;
  /** What is added to the layer's bias, per row. */
  readonly shift: Float64Array;
  /** Mean squared error of the results relative to their mean square, before and after. */
  readonly before: number;
  readonly after: number;
}

/** Scales tried for a row, as shares of the one that holds its greatest weight. */
const SHARES = Array.from({ length: 14 }, (_, i) => 1 - 0.05 * i);

/** The scale under which rounding to the nearest code, weighted by the power of the inputs, costs least. */
function scaleFor(v: Float64Array, m: Moments, top: number): number {
  const greatest = v.reduce((a, x) => Math.max(a, Math.abs(x)), 0) / top;
  let [best, least] = [greatest, Number.POSITIVE_INFINITY];
  for (const share of SHARES) {
    const s = greatest * share;
    let error = 0;
    for (let i = 0; i < v.length && s > 0; i++) {
      const q = Math.max(-top, Math.min(top, roundHalfEven(v[i]! / s)));
      error += m.stored[i * m.inputs + i]! * (v[i]! - s * q) ** 2;
    }
    if (error < least) [best, least] = [s, error];
  }
  return best;
}

const times = (codes: ArrayLike<number>, scale: ArrayLike<number>, inputs: number): Float64Array =>
  Float64Array.from(codes, (c, i) => c * scale[Math.floor(i / inputs)]!);

/** Means out of the moments: E x xᵀ − E x E xᵀ, times the number of vectors; what is left of a constant goes into the bias. */
function centered(c: MomentCollector): Moments {
  const { inputs: n, stored, cross, floatSum, storedSum, count } = c;
  const a = Float64Array.from(stored);
  const b = Float64Array.from(cross);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      a[i * n + j]! -= (storedSum[i]! * storedSum[j]!) / count;
      b[i * n + j]! -= (floatSum[i]! * storedSum[j]!) / count;
    }
  return { inputs: n, count, stored: a, cross: b };
}

/** The bias that makes the mean of each row's results that of the float layer. */
function shiftOf(w: Float64Array, v: Float64Array, c: MomentCollector): number {
  let sum = 0;
  for (let i = 0; i < w.length; i++) sum += w[i]! * c.floatSum[i]! - v[i]! * c.storedSum[i]!;
  return sum / c.count;
}

/** E|W x − V x̂ − shift|² of one group's rows, and E|W x|² less its mean. */
function errorOf(w: Float64Array, v: Float64Array, m: Moments, power: number): number {
  return Math.max(0, objective(w, v, m) + power);
}

/**
 * Codes, scales and biases of a layer whose weight rows are `w` (all groups, one after another), from the moments of each group's
 * inputs; `current` are the weights that it has now, in real numbers. Where tuning gains nothing on the samples the current
 * weights are rounded to the nearest codes.
 */
export function tuneLayer(
  w: Float64Array,
  shape: LayerShape,
  groups: readonly MomentCollector[],
  power: ArrayLike<number>,
  current: Float64Array,
  top: number,
): TunedLayer {
  const { rows, inputs } = shape;
  const codes = new Int16Array(w.length);
  const scale = new Float64Array(shape.groups * rows);
  const shift = new Float64Array(scale.length);
  let [before, after, all] = [0, 0, 0];
  groups.forEach((collector, g) => {
    const m = centered(collector);
    const part = (x: Float64Array) => x.subarray(g * rows * inputs, (g + 1) * rows * inputs);
    const [own, now] = [part(w), part(current)];
    const target = bestWeights(own, m);
    const row = (x: Float64Array, r: number) => x.subarray(r * inputs, (r + 1) * inputs);
    const scales = Float64Array.from({ length: rows }, (_, r) => scaleFor(row(target, r), m, top));
    const found = roundToCodes(target, m, scales, top);
    const v = times(found, scales, inputs);
    codes.set(found, g * rows * inputs);
    scale.set(scales, g * rows);
    for (let r = 0; r < rows; r++) {
      shift[g * rows + r] = shiftOf(row(own, r), row(v, r), collector);
      const mine = power[g * rows + r]!;
      before += errorOf(row(own, r), row(now, r), m, mine);
      after += errorOf(row(own, r), row(v, r), m, mine);
      all += mine;
    }
  });
  const relative = (x: number) => (all > 0 ? x / all : 0);
  return { codes, scale, shift, before: relative(before), after: relative(after) };
}
