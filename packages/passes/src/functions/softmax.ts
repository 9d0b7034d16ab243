import { ceilLog2, type Emit, type Lane, monic } from "./emit.js";
import { atMost, type Fixed, fixedOf, laneOf } from "./fixed.js";
import { exponentials, sumShift } from "./reductions.js";
import { reciprocal } from "./roots.js";

/**
 * 2^−r on [0, 1) by the minimax polynomial, squared where `squared`, with its relative error. From cheap to good. A softmax does
 * not see the factor that the leading coefficient is: it is left out.
 */
const DECAYS: readonly Decay[] = [
  { error: 1.73e-3, squared: false, coefficients: [0.998275236843, -0.666007572391, 0.168594717126] },
  { error: 4.4e-4, squared: true, coefficients: [0.999783492048, -0.342930318426, 0.0504067018062] },
  { error: 7.6e-5, squared: false, coefficients: [0.999925218566, -0.691020709671, 0.230070361733, -0.0390122613448] },
];

interface Decay {
  readonly error: number;
  readonly squared: boolean;
  readonly coefficients: readonly number[];
}

/** Error that a softmax's reader does not notice, absolute, the greatest value expected of it, and the scale of the grid it goes to. */
export interface SoftmaxTolerance {
  readonly tolerance: number;
  readonly greatest: number;
  readonly scale?: number | undefined;
}

/** 2^−(s / 2^at) for s >= 0, times a constant that makes 1 of `one`, which lies between 2^(bits − 2) and 2^bits. */
interface Terms {
  readonly at: number;
  readonly one: number;
  readonly error: number;
  readonly of: (e: Emit, s: Lane) => Lane;
}

function termsBy({ error, squared, coefficients }: Decay, bits: number): Terms {
  const top = coefficients[0]! / Math.abs(coefficients.at(-1)!);
  const at = squared ? 24 : Math.min(24, bits - ceilLog2(Math.abs(top)));
  const drop = squared ? ceilLog2(top * top) + 2 * at - bits : 0;
  const most = Math.round(top * 2 ** at);
  return {
    at,
    one: squared ? Math.floor(most ** 2 / 2 ** drop) : most,
    error: error + Math.LN2 * 2 ** -(at + 1),
    of: (e, s) => {
      const m = monic(e, coefficients, e.low(s, at), at, [0, most]);
      const y = squared ? e.mul(m, m, drop, [0, 2 ** bits]) : m;
      return e.op("ishr", [y, e.shr(s, at)], {}, 0, 2 ** bits);
    },
  };
}

/** The unit in which 1 stays below 2^30 steps and a step of the grid is a power of two of them, up to 2^16. */
const unitFor = (scale: number): number => scale / 2 ** Math.min(16, Math.floor(Math.log2(scale * 2 ** 29.9)));

/**
 * Softmax within a tolerance: terms of few bits by a short polynomial. Relative errors ε of the terms change a result p by at most
 * 2 ε p (1 − p). Undefined where no polynomial is good enough.
 */
function coarse(e: Emit, x: Fixed, axis: number, { tolerance, greatest, scale }: SoftmaxTolerance): Fixed | undefined {
  const p = Math.min(0.5, greatest);
  const small = atMost(e, x, 30);
  const lane = laneOf(small);
  const bits = 29 - sumShift(e, lane, [axis]);
  const terms = DECAYS.map((d) => termsBy(d, bits)).find((t) => 2 * t.error * p * (1 - p) <= tolerance);
  if (!terms || bits < 17) return undefined;
  const above = e.sub(e.reduce("max", lane, [axis]), lane, [0, lane.hi - lane.lo]);
  const s = e.refine(e.scale(above, Math.LOG2E * small.unit * 2 ** terms.at), 0, 2 ** 31 - 1);
  const each = terms.of(e, s);
  const total = e.refine(e.reduce("sum", each, [axis]), terms.one - 1, 2 ** 30);
  const inverse = reciprocal(e, fixedOf(total, 2 ** -bits), { limit: 2 ** bits / (terms.one - 1) });
  const unit = scale === undefined ? inverse.unit : unitFor(scale);
  const factor = (2 ** -bits * inverse.unit) / unit;
  const shift = Math.floor(-Math.log2(factor));
  const most = Math.ceil((1 + 2 ** -8) / unit);
  return fixedOf(e.mul(each, e.scale(laneOf(inverse), factor * 2 ** shift), shift, [0, most]), unit);
}

/**
 * Softmax along one axis: e^(x − max) times the reciprocal of its sum. The unit of x may be any number. In Q30, or, within a tolerance,
 * in a unit that is the scale of the result's grid over a power of two.
 */
export function softmax(e: Emit, x: Fixed, axis: number, at?: SoftmaxTolerance): Fixed {
  const short = at && coarse(e, x, axis, at);
  if (short) return short;
  const { each, total } = exponentials(e, x, [axis]);
  const inverse = laneOf(reciprocal(e, total, { limit: 1 }));
  return fixedOf(e.mul(each, inverse, 29, [0, 2 ** 30 + 2 ** 14]), 2 ** -30);
}
