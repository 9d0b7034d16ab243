/** Moments of a layer's inputs, streamed: what rounding needs of the samples, in a size that does not depend on their number. */
import { type Data, elements, type GemmNode, strides } from "@accelc/ir";

/** A layer as rows of weights times vectors of inputs: `groups` products of `rows` rows with `inputs` inputs each. */
export interface LayerShape {
  readonly groups: number;
  readonly rows: number;
  readonly inputs: number;
}

export function layerShape(n: GemmNode, weight: readonly number[]): LayerShape {
  if (n.op === "matmul") return { groups: 1, rows: weight.at(-1)!, inputs: weight.at(-2)! };
  const { groups } = n.attrs;
  return { groups, rows: weight[0]! / groups, inputs: elements(weight) / weight[0]! };
}

/** Weights as rows: output channels of a convolution as they lie, a matrix transposed. */
export function toRows(n: GemmNode, { rows, inputs }: LayerShape, w: Data): Float64Array {
  const real = Float64Array.from(w as Float32Array);
  if (n.op === "conv") return real;
  return Float64Array.from({ length: rows * inputs }, (_, i) => real[(i % inputs) * rows + Math.floor(i / inputs)]!);
}

/** The inverse of `toRows` for codes. */
export function fromRows(n: GemmNode, { rows, inputs }: LayerShape, codes: ArrayLike<number>): Int16Array {
  if (n.op === "conv") return Int16Array.from(codes);
  return Int16Array.from({ length: rows * inputs }, (_, i) => codes[(i % rows) * inputs + Math.floor(i / rows)]!);
}

/** Picks input vectors of a layer's operand: all positions, or `most` of them spread by `random`. */
export type Gather = (x: ArrayLike<number>, group: number, position: number, out: Float64Array | Float32Array) => void;

/** Positions of a layer's operand and how to read the input vector at one of them; padding reads as 0. */
export function gathering(
  n: GemmNode,
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
): { readonly positions: number; readonly gather: Gather } {
  if (n.op === "matmul") {
    const k = x.at(-1)!;
    return {
      positions: elements(x) / k,
      gather: (data, _, p, out) => {
        for (let i = 0; i < k; i++) out[i] = data[p * k + i]!;
      },
    };
  }
  const space = weight.length - 2;
  const [kernel, size, result] = [weight.slice(2), x.slice(2), y.slice(2)];
  const [own, taps, results] = [strides(size), strides(kernel), strides(result)];
  const [plane, count, each] = [elements(size), elements(kernel), elements(result)];
  const { strides: step, dilations, pads } = n.attrs;
  const channels = weight[1]!;
  const gather: Gather = (data, group, p, out) => {
    const base = (Math.floor(p / each) * x[1]! + group * channels) * plane;
    for (let t = 0; t < count; t++) {
      let at = 0;
      let inside = true;
      for (let a = 0; a < space; a++) {
        const o = Math.floor((p % each) / results[a]!) % result[a]!;
        const k = Math.floor(t / taps[a]!) % kernel[a]!;
        const i = o * step[a]! + k * dilations[a]! - pads[a]!;
        inside &&= i >= 0 && i < size[a]!;
        at += i * own[a]!;
      }
      for (let c = 0; c < channels; c++) out[c * count + t] = inside ? data[base + c * plane + at]! : 0;
    }
  };
  return { positions: x[0]! * each, gather };
}

/** Σ x̂ x̂ᵀ, Σ x x̂ᵀ, Σ x and Σ x̂ of one group's inputs over the vectors taken in. */
export class MomentCollector {
  readonly stored: Float64Array;
  readonly cross: Float64Array;
  readonly floatSum: Float64Array;
  readonly storedSum: Float64Array;
  count = 0;

  constructor(readonly inputs: number) {
    this.stored = new Float64Array(inputs * inputs);
    this.cross = new Float64Array(inputs * inputs);
    this.floatSum = new Float64Array(inputs);
    this.storedSum = new Float64Array(inputs);
  }

  /** Takes in a float input vector and what is stored of it. */
  add(x: Float64Array, stored: Float64Array): void {
    const n = this.inputs;
    this.count++;
    for (let i = 0; i < n; i++) {
      const [a, b] = [stored[i]!, x[i]!];
      this.storedSum[i]! += a;
      this.floatSum[i]! += b;
      if (a === 0 && b === 0) continue;
      for (let j = 0, at = i * n; j < n; j++, at++) {
        this.stored[at]! += a * stored[j]!;
        this.cross[at]! += b * stored[j]!;
      }
    }
  }
}
