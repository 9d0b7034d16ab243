import { type Data, elements, type GemmNode } from "@accelc/ir";
import { channelSums, type Layout, type SawbPair, type WeightMethod, weightScales } from "../ranges/index.js";
import { type FixedGrid, qmax, qmin } from "./grid.js";

/** Output channels of conv weights [O, C/groups, *] and of a matmul's right operand [.., K, N]. */
export function layoutOf(n: GemmNode, shape: readonly number[]): Layout {
  return n.op === "conv"
    ? { channels: shape[0]!, inner: elements(shape) / shape[0]! }
    : { channels: shape.at(-1)!, inner: 1 };
}

/** Weights on a symmetric grid per channel, and what any input code makes of them. */
export interface Weights {
  readonly data: Int8Array | Int16Array;
  readonly scale: Float64Array;
  /** Σ w per channel. */
  readonly sum: Float64Array;
  /** Least and greatest Σ w (x − zero) per channel over all codes x of the input's grid. */
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/** How the scales of weights follow from them: by SAWB with this pair, and one for all channels where `perTensor`. */
export interface ScaleChoice {
  readonly method: WeightMethod;
  readonly pair?: SawbPair | undefined;
  readonly perTensor?: boolean;
}

/** Greatest code of weights of 16 bits: the greatest of either sign that two signed digits in base 256 give. */
const TOP_16 = 127 * 257;

/**
 * Scales by `method`. Of 16 bits by the maximum, which no other method improves on. SAWB has one scale per tensor, which at 8
 * bits, where it has no coefficients, is that of the maximum: as networks are trained that it quantizes.
 */
function scalesOf(
  w: Float32Array,
  layout: Layout,
  bits: number,
  { method, pair, perTensor }: ScaleChoice,
): Float64Array {
  if (perTensor) {
    const whole = scalesOf(w, { channels: 1, inner: w.length }, bits, { method, pair });
    return new Float64Array(layout.channels).fill(whole[0]!);
  }
  if (bits === 16) return channelSums(w, layout).top.map((top) => top / TOP_16);
  if (method !== "sawb" || bits < 8) return weightScales(w, layout, bits, method, pair);
  return scalesOf(w, layout, bits, { method: "max", perTensor: true });
}

/** Weights of 2, 4, 8 or 16 bits. The scale is at least `floor(c)`; a positive floor gives channels of zeros a scale. */
export function quantizeWeights(
  w: Data,
  layout: Layout,
  bits: number,
  x: FixedGrid,
  floor: (c: number) => number,
  choice: ScaleChoice,
): Weights {
  const real = w as Float32Array;
  const most = bits === 16 ? TOP_16 : 2 ** (bits - 1) - 1;
  const floors = Float64Array.from({ length: layout.channels }, (_, c) => floor(c));
  const least = choice.perTensor ? floors.fill(floors.reduce((m, x) => Math.max(m, x), 0)) : floors;
  const scale = scalesOf(real, layout, bits, choice).map((s, c) => Math.max(s, least[c]!) || 1);
  const data = codesOf(real, layout, scale, most, bits === 16 ? new Int16Array(w.length) : new Int8Array(w.length));
  return { data, scale, ...reachOf(data, layout, x) };
}

/** w / scale rounded half to even and limited to ±most; the limits come first, which is the same, so that the sum below is exact. */
function codesOf<T extends Int8Array | Int16Array>(
  w: Float32Array,
  { channels, inner }: Layout,
  scale: Float64Array,
  most: number,
  out: T,
): T {
  for (let i = 0; i < out.length; )
    for (let c = 0; c < channels; c++) {
      const s = scale[c]!;
      for (const end = i + inner; i < end; i++)
        out[i] = Math.max(-most, Math.min(most, w[i]! / s)) + HALF_EVEN - HALF_EVEN;
    }
  return out;
}

/** Added and taken away, rounds a double below 2^51 to the nearest integer, ties to even. */
const HALF_EVEN = 1.5 * 2 ** 52;

/** What codes of weights make of any code of the input's grid: their sum, and the least and greatest sum of products. */
export function reachOf(data: Data, layout: Layout, x: FixedGrid): Pick<Weights, "sum" | "lo" | "hi"> {
  const { positive, negative } = channelSums(data as Int8Array, layout);
  const [least, greatest] = [qmin(x) - x.zero, qmax(x) - x.zero];
  return {
    sum: positive.map((p, c) => p + negative[c]!),
    lo: positive.map((p, c) => p * least + negative[c]! * greatest),
    hi: positive.map((p, c) => p * greatest + negative[c]! * least),
  };
}

/** Σ |w| per channel. */
export function absoluteSums(w: Data, layout: Layout): Float64Array {
  const { positive, negative } = channelSums(w as Int8Array, layout);
  return positive.map((p, c) => p - negative[c]!);
}
