import type { GemmNode } from "@accelc/ir";
import { eachWeight, inputOf } from "../calibration/index.js";
import type { Layout } from "../ranges/index.js";
import type { Context } from "./context.js";

/** Quantized weights: codes, and a scale per output channel. */
interface Rounded {
  readonly data: ArrayLike<number>;
  readonly scale: Float64Array;
}

/**
 * What quantizing a layer's weights takes from its outputs on average, per output channel: Σ (w − ŵ) E[x] over the input channels,
 * with the means of calibration (Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019).
 * Padding is not in the means. Undefined where it is not asked for, or where calibration has no means of the input's channels.
 */
export function biasCorrection(
  c: Context,
  n: GemmNode,
  w: Rounded,
  { channels, inner }: Layout,
): Float64Array | undefined {
  const input = c.means && inputOf(c.graph, n, (id) => c.producers.get(id)?.node);
  const means = input && c.means?.(input.tensor);
  const { shape } = c.graph.values.get(n.inputs[1]!)!.type;
  const batched = n.op === "matmul" && shape.slice(0, -2).some((d) => d > 1);
  if (!means || means.length !== input.channels || batched) return undefined;
  const out = new Float64Array(channels);
  eachWeight(c.graph, n, (channel, real, i) => {
    const o = Math.floor(i / inner) % channels;
    out[o]! += (real - w.data[i]! * w.scale[o]!) * means[channel]!;
  });
  return out;
}
