import { channelSums, type Layout } from "./channel-sums.js";
import { type Distribution, distributionOf, extent } from "./distribution.js";
import { squaredError } from "./error.js";
import { mseSymmetric } from "./mse.js";
import { octavSymmetric } from "./octav.js";
import { type SawbPair, sawbClip, sawbRow } from "./sawb.js";

export const WEIGHT_METHODS = ["max", "mse", "octav", "sawb"] as const;
export type WeightMethod = (typeof WEIGHT_METHODS)[number];

/** The greatest code of a symmetric grid; the least is its negative, so that 0 is a code and none is without its opposite. */
export const topCode = (bits: number): number => 2 ** (bits - 1) - 1;

/** The method that `method` means at `bits`: SAWB has no stable coefficients from 8 bits on, where the maximum serves. */
export const methodAt = (method: WeightMethod, bits: number): WeightMethod =>
  method === "sawb" && !sawbRow(bits) ? "max" : method;

/** The magnitude that the greatest code of `bits` stands for; 0 for weights of zeros. */
function clipOf(d: Distribution, bits: number, method: Exclude<WeightMethod, "sawb">): number {
  const { min, max } = extent(d);
  const top = Math.max(-min, max);
  if (method === "max" || top === 0) return top;
  return method === "mse" ? mseSymmetric(d, topCode(bits)) : octavSymmetric(d, 2 * topCode(bits));
}

/** The values of channel `c`. */
function channelOf(w: ArrayLike<number>, { channels, inner }: Layout, c: number): Float64Array {
  const out = new Float64Array(w.length / channels);
  let at = 0;
  for (let start = c * inner; start < w.length; start += channels * inner)
    for (let i = start; i < start + inner; i++) out[at++] = w[i]!;
  return out;
}

/**
 * The pair of SAWB for the weights of a model: of the published and the derived one the one under which they have the
 * smaller squared error in all. The derived pair of the 15 levels is within 2 % of the published, which stands.
 */
export function chooseSawbPair(
  weights: readonly ArrayLike<number>[],
  bits: number,
): { readonly pair: SawbPair; readonly published: number; readonly derived: number } | undefined {
  const row = sawbRow(bits);
  if (!row) return undefined;
  const top = topCode(bits);
  const error = (pair: SawbPair): number =>
    weights.map(distributionOf).reduce((sum, d) => {
      const clip = sawbClip(d, pair);
      return clip > 0 ? sum + squaredError(d, clip / top, -top, top) : sum;
    }, 0);
  const [published, derived] = [error(row.published), error(row.derived)];
  return { pair: row.levels === 15 || published <= derived ? row.published : row.derived, published, derived };
}

/**
 * Scales of symmetric weights of 2, 4, 8 or 16 bits, one per channel: codes −top..top with top = 2^(bits − 1) − 1. `max`: the greatest
 * magnitude / top. `mse`: least squared error. `octav`: the clip of OCTAV. `sawb`, below 8 bits: α / top for the whole tensor, with the
 * published pair unless another is given; by the maximum where α is not positive. A channel of zeros has scale 0.
 */
export function weightScales(
  w: ArrayLike<number>,
  layout: Layout,
  bits: number,
  method: WeightMethod,
  pair: SawbPair | undefined = sawbRow(bits)?.published,
): Float64Array {
  const kind = methodAt(method, bits);
  const top = topCode(bits);
  if (kind === "sawb") {
    const d = distributionOf(w);
    const clip = sawbClip(d, pair!);
    return new Float64Array(layout.channels).fill((clip > 0 ? clip : clipOf(d, bits, "max")) / top);
  }
  return clipsOf(w, layout, bits, kind).map((clip) => clip / top);
}

/** Clips of weights that were asked for before: a search over formats quantizes the same weights many times. */
const KNOWN_CLIPS = new WeakMap<object, Map<string, Float64Array>>();

function clipsOf(w: ArrayLike<number>, layout: Layout, bits: number, kind: Parameters<typeof clipOf>[2]): Float64Array {
  if (kind === "max") return channelSums(w, layout).top;
  const known = KNOWN_CLIPS.get(w) ?? new Map<string, Float64Array>();
  KNOWN_CLIPS.set(w, known);
  const key = `${kind} ${bits} ${layout.channels} ${layout.inner}`;
  const clips =
    known.get(key) ??
    Float64Array.from({ length: layout.channels }, (_, c) =>
      clipOf(distributionOf(channelOf(w, layout, c)), bits, kind),
    );
  known.set(key, clips);
  return clips;
}
