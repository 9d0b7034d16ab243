import type { IntegerWindowAttrs, WindowAttrs } from "../ops.js";
import { elements, strides } from "../types.js";
import { copyBox, type Tensor, view } from "./strided.js";

/** The windows of the trailing spatial axes of a tensor whose padding has been written out. */
export interface Windows {
  /** [planes, padded spatial…], row-major. */
  readonly padded: Int32Array;
  /** Elements of one padded plane. */
  readonly plane: number;
  /** Offset in a plane of each tap, kernel row-major. */
  readonly taps: Int32Array;
  /** Offset in a plane of each window's first tap, output row-major. */
  readonly origins: Int32Array;
}

/** Offsets of all indices below `shape` under the given strides, row-major. */
function offsets(shape: readonly number[], steps: readonly number[]): Int32Array {
  const out = new Int32Array(elements(shape));
  const own = strides(shape);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let axis = 0; axis < shape.length; axis++) sum += (Math.floor(i / own[axis]!) % shape[axis]!) * steps[axis]!;
    out[i] = sum;
  }
  return out;
}

export function windows(x: Tensor, a: WindowAttrs, fill: number, outShape: readonly number[]): Windows {
  const k = a.kernel.length;
  const lead = x.shape.length - k;
  const space = x.shape.slice(lead).map((n, i) => n + a.pads[i]! + a.pads[k + i]!);
  const shape = [...x.shape.slice(0, lead), ...space];
  const padded = new Int32Array(elements(shape)).fill(fill);
  const to = view({ data: padded, shape });
  copyBox(x.shape, view(x), {
    ...to,
    offset: a.pads.slice(0, k).reduce((s, p, i) => s + p * to.strides[lead + i]!, 0),
  });
  const own = strides(space);
  return {
    padded,
    plane: elements(space),
    taps: offsets(
      a.kernel,
      own.map((s, i) => s * a.dilations[i]!),
    ),
    origins: offsets(
      outShape.slice(lead),
      own.map((s, i) => s * a.strides[i]!),
    ),
  };
}

const COMBINE: { readonly [K in IntegerWindowAttrs["kind"]]: (a: number, b: number) => number } = {
  sum: (a, b) => (a + b) | 0,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

export function iwindow(x: Tensor, a: IntegerWindowAttrs, outShape: readonly number[]): Int32Array {
  const { padded, plane, taps, origins } = windows(x, a, a.fill, outShape);
  const combine = COMBINE[a.kind];
  const out = new Int32Array(elements(outShape));
  for (let o = 0; o < out.length; o++) {
    const base = Math.floor(o / origins.length) * plane + origins[o % origins.length]!;
    let acc = padded[base + taps[0]!]!;
    for (let t = 1; t < taps.length; t++) acc = combine(acc, padded[base + taps[t]!]!);
    out[o] = acc;
  }
  return out;
}

export function ireduce(x: Tensor, kind: IntegerWindowAttrs["kind"], axes: readonly number[]): Int32Array {
  const combine = COMBINE[kind];
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
  const steps = strides(kept).map((s, i) => (axes.includes(i) ? 0 : s));
  const own = strides(x.shape);
  const out = new Int32Array(elements(kept));
  const seen = new Uint8Array(out.length);
  for (let i = 0; i < x.data.length; i++) {
    let o = 0;
    for (let axis = 0; axis < own.length; axis++) o += (Math.floor(i / own[axis]!) % x.shape[axis]!) * steps[axis]!;
    const v = Number(x.data[i]!);
    out[o] = seen[o] ? combine(out[o]!, v) : v;
    seen[o] = 1;
  }
  return out;
}
