import { type Data, elements, type NodeOf } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import { type Layout, type WeightMethod, weightScales } from "../ranges/index.js";
import { type Grid, qmax, qmin } from "./grid.js";

/** Output channels of conv weights [O, C/groups, *] and of a matmul's right operand [.., K, N]. */
export function layoutOf(n: NodeOf<"conv"> | NodeOf<"matmul">, shape: readonly number[]): Layout {
  return n.op === "conv"
    ? { channels: shape[0]!, inner: elements(shape) / shape[0]! }
    : { channels: shape.at(-1)!, inner: 1 };
}

/** Calls `f(element, channel)` in storage order. */
function each(length: number, { channels, inner }: Layout, f: (i: number, c: number) => void): void {
  for (let i = 0; i < length; ) for (let c = 0; c < channels; c++) for (const end = i + inner; i < end; i++) f(i, c);
}

/** Per channel, the sum of the positive elements, that of the negative ones, and the greatest magnitude. */
export function channelSums(w: Data, layout: Layout) {
  const sums = () => new Float64Array(layout.channels);
  const [positive, negative, top] = [sums(), sums(), sums()];
  const data = w as Float32Array;
  each(w.length, layout, (i, c) => {
    const x = data[i]!;
    if (x > 0) positive[c]! += x;
    else negative[c]! += x;
    top[c] = Math.max(top[c]!, Math.abs(x));
  });
  return { positive, negative, top };
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

/** Scale by `method` per channel, but at least `floor(c)`; a positive floor gives channels of zeros a scale. */
export function quantizeWeights(
  w: Data,
  layout: Layout,
  x: Grid,
  floor: (c: number) => number,
  method: WeightMethod,
): Weights {
  const real = w as Float32Array;
  const scale = weightScales(real, layout, 8, method).map((s, c) => Math.max(s, floor(c)) || 1);
  const data = new Int8Array(w.length);
  each(w.length, layout, (i, c) => {
    data[i] = Math.max(-127, Math.min(127, roundHalfEven(real[i]! / scale[c]!)));
  });
  const { positive, negative } = channelSums(data, layout);
  const [least, most] = [qmin(x) - x.zero, qmax(x) - x.zero];
  return {
    data,
    scale,
    sum: positive.map((p, c) => p + negative[c]!),
    absolute: positive.map((p, c) => p - negative[c]!),
    lo: positive.map((p, c) => p * least + negative[c]! * most),
    hi: positive.map((p, c) => p * most + negative[c]! * least),
  };
}
