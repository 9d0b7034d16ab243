import type { Data } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import { type Grid, qmax, qmin } from "./grid.js";

/** Where the weights of a channel lie: element k of channel c at `at(c, k)`. */
export interface Layout {
  readonly channels: number;
  readonly depth: number;
  at(c: number, k: number): number;
}

/** Weights on a symmetric grid per channel, and what any input code makes of them. */
export interface Weights {
  readonly data: Int8Array;
  readonly scale: Float64Array;
  /** Σ w per channel. */
  readonly sum: Float64Array;
  /** Σ |w| per channel. */
  readonly absolute: Float64Array;
  /** Least and greatest Σ w (x − zero) per channel over all codes x of the input's grid. */
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/** Scale max|w| / 127 per channel, but at least `floor(c)`; a positive floor gives channels of zeros a scale. */
export function quantizeWeights(w: Data, layout: Layout, x: Grid, floor: (c: number) => number): Weights {
  const { channels, depth, at } = layout;
  const perChannel = () => new Float64Array(channels);
  const [scale, sum, absolute, lo, hi] = [perChannel(), perChannel(), perChannel(), perChannel(), perChannel()];
  const data = new Int8Array(w.length);
  const [least, most] = [qmin(x) - x.zero, qmax(x) - x.zero];
  for (let c = 0; c < channels; c++) {
    let top = 0;
    for (let k = 0; k < depth; k++) top = Math.max(top, Math.abs(Number(w[at(c, k)]!)));
    const s = Math.max(top / 127, floor(c)) || 1;
    let [positive, negative] = [0, 0];
    for (let k = 0; k < depth; k++) {
      const q = Math.max(-127, Math.min(127, roundHalfEven(Number(w[at(c, k)]!) / s)));
      data[at(c, k)] = q;
      if (q > 0) positive += q;
      else negative += q;
    }
    scale[c] = s;
    sum[c] = positive + negative;
    absolute[c] = positive - negative;
    lo[c] = positive * least + negative * most;
    hi[c] = positive * most + negative * least;
  }
  return { data, scale, sum, absolute, lo, hi };
}
