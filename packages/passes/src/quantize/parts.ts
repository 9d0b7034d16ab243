import { type CodeGrid, elements, type GemmNode, spreadGrid, strides, type Value, type ValueId } from "@accelc/ir";
import type { Layout } from "../ranges/index.js";
import type { Context } from "./context.js";

/** Codes of weights, less their zero point, over elements `from` to `to` of the summed axis. */
export interface Stretch {
  readonly codes: Int32Array;
  /** Per output channel. */
  readonly scale: Float64Array;
  readonly layout: Layout;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** What the array multiplies: codes = Σ factor · data. */
export interface Digit {
  readonly data: Int8Array;
  readonly factor: number;
}

/** Axis of the weights over which products are summed. */
export const summedAxis = (n: GemmNode, shape: readonly number[]): number => (n.op === "conv" ? 1 : shape.length - 2);

/** Where along the summed axis a scale changes. */
function starts(scale: Float64Array, shape: readonly number[], axis: number): number[] {
  const step = strides(shape)[axis]!;
  const extent = shape[axis]!;
  const out = new Set([0]);
  for (let i = step; i < scale.length; i++) {
    const k = Math.floor(i / step) % extent;
    if (k > 0 && scale[i] !== scale[i - step]) out.add(k);
  }
  return [...out].sort((a, b) => a - b);
}

/** Elements `from` to `to` along an axis. */
function cut<T extends Int32Array | Float64Array>(
  data: T,
  shape: readonly number[],
  axis: number,
  from: number,
  to: number,
): T {
  const [inner, extent] = [elements(shape.slice(axis + 1)), shape[axis]!];
  return data.filter((_, i) => {
    const k = Math.floor(i / inner) % extent;
    return k >= from && k < to;
  }) as T;
}

/** One scale per channel, where a channel has one. */
function perChannel(scale: Float64Array, { channels, inner }: Layout): Float64Array | undefined {
  const out = new Float64Array(channels);
  for (let i = 0; i < scale.length; i++) {
    const c = Math.floor(i / inner) % channels;
    if (out[c] === 0) out[c] = scale[i]!;
    if (out[c] !== scale[i]) return undefined;
  }
  return out;
}

/** Codes of up to 16 bits as digits of the array, that of factor 1 first; undefined beyond. */
export function digitsOf(codes: Int32Array): readonly Digit[] | undefined {
  let [lo, hi] = [0, 0];
  for (const q of codes) {
    lo = Math.min(lo, q);
    hi = Math.max(hi, q);
  }
  if (lo >= -128 && hi <= 127) return [{ data: Int8Array.from(codes), factor: 1 }];
  const near = codes.map((q) => Math.max(-128, Math.min(127, q)));
  if (lo >= -256 && hi <= 254)
    return [
      { data: Int8Array.from(near), factor: 1 },
      { data: Int8Array.from(codes, (q, i) => q - near[i]!), factor: 1 },
    ];
  const high = codes.map((q) => (q + 128) >> 8);
  if (high.some((h) => h < -128 || h > 127)) return undefined;
  return [
    { data: Int8Array.from(codes, (q, i) => q - 256 * high[i]!), factor: 1 },
    { data: Int8Array.from(high), factor: 256 },
  ];
}

/**
 * Weights on a grid of the model by stretches of the summed axis under one scale per channel, those of zeros left out; or the
 * reason why there are none.
 */
export function stretchesOf(
  n: GemmNode,
  v: Value & { readonly grid: CodeGrid },
  layout: Layout,
): readonly Stretch[] | string {
  const { shape } = v.type;
  const scale = spreadGrid(v.grid, shape).scale;
  const axis = summedAxis(n, shape);
  const codes = Int32Array.from(v.data as Float32Array, (w, i) => Math.round(w / scale[i]!));
  const first = starts(scale, shape, axis);
  if (first.length > 1 && n.op === "conv" && n.attrs.groups > 1)
    return "the scales of its weights change along the channels of a group";
  const out: Stretch[] = [];
  for (const [i, from] of first.entries()) {
    const to = first[i + 1] ?? shape[axis]!;
    const own = cut(codes, shape, axis, from, to);
    const inner = n.op === "conv" ? own.length / layout.channels : 1;
    const scales = perChannel(cut(scale, shape, axis, from, to), { ...layout, inner });
    if (!scales) return "the scales of its weights change within a kernel, or between matrices";
    if (own.every((q) => q === 0)) continue;
    const part = shape.map((d, k) => (k === axis ? to - from : d));
    out.push({ codes: own, scale: scales, layout: { ...layout, inner }, shape: part, from, to });
  }
  return out;
}

/** The part of an operand that a stretch of the weights, whose summed axis has `extent` elements, meets. */
export function sliceFor(c: Context, n: GemmNode, x: ValueId, { from, to }: Stretch, extent: number): ValueId {
  if (to - from === extent) return x;
  const { shape } = c.builder.type(x);
  const axis = n.op === "conv" ? 1 : shape.length - 1;
  const sizes = shape.map((d, i) => (i === axis ? to - from : d));
  const starts = shape.map((_, i) => (i === axis ? from : 0));
  return c.builder.add("slice", [x], { starts, steps: shape.map(() => 1), sizes }, n.loc, { id: `${x}.slice` });
}
