import type { ConvAttrs } from "../ops.js";
import { elements, strides, type TensorType, type Value } from "../types.js";
import { broadcastView, forEachRun } from "./strided.js";

const floats = (v: Value): Float32Array => v.data as Float32Array;

/** Sums in double precision, rounded once. */
export function matmul(inputs: readonly Value[], out: TensorType): Float32Array {
  const [a, b, bias] = inputs as readonly [Value, Value, Value | undefined];
  const [m, k] = a.type.shape.slice(-2) as [number, number];
  const n = b.type.shape.at(-1)!;
  const batch = out.shape.slice(0, -2);
  const bases = (shape: readonly number[]): number[] => {
    const list: number[] = [];
    const size = elements(shape.slice(-2));
    forEachRun(broadcastView(shape.slice(0, -2), batch), (offset, step, length) => {
      for (let i = 0; i < length; i++) list.push((offset + i * step) * size);
    });
    return list;
  };
  const [fromA, fromB] = [bases(a.type.shape), bases(b.type.shape)];
  const [x, y, c] = [floats(a), floats(b), bias ? floats(bias) : undefined];
  const result = new Float32Array(elements(out.shape));
  let at = 0;
  for (let t = 0; t < fromA.length; t++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += x[fromA[t]! + i * k + p]! * y[fromB[t]! + p * n + j]!;
        result[at++] = c ? sum + c[j]! : sum;
      }
  return result;
}

/** Visits every index of a box in row-major order; `index` is reused between calls. */
export function forEachIndex(shape: readonly number[], visit: (index: readonly number[]) => void): void {
  if (elements(shape) === 0) return;
  const index = new Array<number>(shape.length).fill(0);
  for (;;) {
    visit(index);
    let k = shape.length - 1;
    for (; k >= 0; k--) {
      if (++index[k]! < shape[k]!) break;
      index[k] = 0;
    }
    if (k < 0) return;
  }
}

/** Sums in double precision, rounded once. */
export function conv(inputs: readonly Value[], out: TensorType, a: ConvAttrs): Float32Array {
  const [x, w, bias] = inputs as readonly [Value, Value, Value | undefined];
  const kernel = w.type.shape.slice(2);
  const input = x.type.shape.slice(2);
  const rank = kernel.length;
  const [perGroup, channels] = [w.type.shape[0]! / a.groups, w.type.shape[1]!];
  const [sx, sw] = [strides(x.type.shape), strides(w.type.shape)];
  const [dx, dw, db] = [floats(x), floats(w), bias ? floats(bias) : undefined];
  const result = new Float32Array(elements(out.shape));
  let at = 0;
  forEachIndex(out.shape, (o) => {
    const first = Math.floor(o[1]! / perGroup) * channels;
    let sum = db ? db[o[1]!]! : 0;
    forEachIndex(kernel, (k) => {
      let [px, pw] = [o[0]! * sx[0]!, o[1]! * sw[0]!];
      let inside = true;
      for (let d = 0; d < rank; d++) {
        const p = o[d + 2]! * a.strides[d]! + k[d]! * a.dilations[d]! - a.pads[d]!;
        inside &&= p >= 0 && p < input[d]!;
        px += p * sx[d + 2]!;
        pw += k[d]! * sw[d + 2]!;
      }
      for (let c = 0; c < channels; c++)
        sum += (inside ? dx[px + (first + c) * sx[1]!]! : a.fill) * dw[pw + c * sw[1]!]!;
    });
    result[at++] = sum;
  });
  return result;
}
