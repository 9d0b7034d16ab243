import { DLFLOAT16, decode, encode, FP8_152, fmma, fp8, type Minifloat, roundTo } from "@accelc/numerics";
import type { ConvAttrs, OpAttrs, SumOrder } from "../ops.js";
import { type Data, elements, isMinifloat, type TensorType } from "../types.js";
import { broadcastStrides, gatherBox, type Tensor } from "./strided.js";
import { windows } from "./window.js";

const TOP = 2 ** 31 - 1;

/** The number format that the codes of a minifloat type stand for. */
export function minifloatFormat(t: TensorType): Minifloat {
  if (t.dtype === "fp8e4m3") return fp8(t.exponentBias!);
  return t.dtype === "fp8e5m2" ? FP8_152 : DLFLOAT16;
}

const values = (codes: Data | ArrayLike<number>, f: Minifloat): Float64Array =>
  Float64Array.from(codes as ArrayLike<number>, (c) => decode(f, c));

/** The real numbers that data stand for: minifloat codes, integers on the type's grid, or the data themselves where it has none. */
export function realValues(t: TensorType, data: Data): Float64Array {
  if (isMinifloat(t.dtype)) return values(data, minifloatFormat(t));
  const { scale, zeroPoint, axis } = t.quant ?? { scale: [1], zeroPoint: 0, axis: null };
  const inner = axis === null ? data.length : elements(t.shape.slice(axis + 1));
  const out = new Float64Array(data.length);
  for (let i = 0; i < out.length; i++)
    out[i] = scale[Math.floor(i / inner) % scale.length]! * (Number(data[i]) - zeroPoint);
  return out;
}

const codes = (data: Data, f: (x: number) => number): Uint16Array => Uint16Array.from(data as Int32Array, f);

export function toFixed(x: Tensor, shift: number): Int32Array {
  const scale = 2 ** shift;
  return Int32Array.from(x.data as Uint16Array, (c) => {
    const v = decode(DLFLOAT16, c) * scale;
    if (Number.isNaN(v)) return TOP;
    return Math.max(-TOP - 1, Math.min(TOP, v < 0 ? -Math.floor(0.5 - v) : Math.floor(v + 0.5)));
  });
}

export const toDlfloat = (x: Tensor, shift: number): Uint16Array =>
  codes(x.data, (a) => encode(DLFLOAT16, a / 2 ** shift));

export function toFp8(x: Tensor, a: OpAttrs["toFp8"]): Uint16Array {
  const f = a.format === "fp8e4m3" ? fp8(a.bias) : FP8_152;
  return codes(x.data, (c) => encode(f, decode(DLFLOAT16, c), "even", true));
}

export function fromFp8(x: Tensor, t: TensorType): Uint16Array {
  const f = minifloatFormat(t);
  return codes(x.data, (c) => encode(DLFLOAT16, decode(f, c)));
}

/** A product with a zero factor is 0, whatever the other is. */
const gated = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : 1);

/**
 * Σ x[i] w[at + i] over `length` products in the order given: FMMA in chunks of `chunk`, each chunk from 0, chunk sums in order.
 */
function chunked(x: Float64Array, w: Float64Array, at: number, length: number, chunk: number): number {
  let total = 0;
  for (let start = 0; start < length; start += chunk) {
    const end = Math.min(start + chunk, length);
    let part = 0;
    for (let i = start; i < end; i += 2) {
      const [a, b] = [x[i]!, w[at + i]!];
      const [c, d] = i + 1 < end ? [x[i + 1]!, w[at + i + 1]!] : [0, 0];
      const [p, q] = [gated(a, b), gated(c, d)];
      if (p + q > 0) part = fmma(p && a, p && b, q && c, q && d, part);
    }
    total = roundTo(DLFLOAT16, total + part);
  }
  return total;
}

const plusBias = (sum: number, bias: Float64Array | undefined, i: number): number =>
  encode(DLFLOAT16, bias ? roundTo(DLFLOAT16, sum + bias[i]!) : sum);

/** Position in the order of summation of each (channel, tap), blocks of `pass` channels filled up. */
function sumOrder(
  channels: number,
  taps: number,
  pass: number,
): { readonly length: number; at(c: number, t: number): number } {
  return {
    length: Math.ceil(channels / pass) * pass * taps,
    at: (c, t) => (Math.floor(c / pass) * taps + t) * pass + (c % pass),
  };
}

export function minifloatConv(
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  a: ConvAttrs,
  out: TensorType,
  types: readonly TensorType[],
): Uint16Array {
  const kernel = w.shape.slice(2);
  const [channels, oc] = [w.shape[1]!, w.shape[0]!];
  const { padded, plane, taps, origins } = windows(x, { ...a, kernel }, a.fill, out.shape);
  const order = sumOrder(channels, taps.length, a.pass!);
  const input = values(padded, minifloatFormat(types[0]!));
  const weights = new Float64Array(oc * order.length);
  const real = values(w.data, minifloatFormat(types[1]!));
  const each = (f: (c: number, t: number, position: number) => void) => {
    for (let c = 0; c < channels; c++) for (let t = 0; t < taps.length; t++) f(c, t, order.at(c, t));
  };
  for (let o = 0; o < oc; o++)
    each((c, t, p) => {
      weights[o * order.length + p] = real[(o * channels + c) * taps.length + t]!;
    });
  const b = bias && values(bias.data, DLFLOAT16);
  const window = new Float64Array(order.length);
  const result = new Uint16Array(elements(out.shape));
  const perGroup = oc / a.groups;
  for (let n = 0; n < x.shape[0]!; n++)
    for (let g = 0; g < a.groups; g++)
      for (let p = 0; p < origins.length; p++) {
        const base = (n * x.shape[1]! + g * channels) * plane + origins[p]!;
        each((c, t, position) => {
          window[position] = input[base + c * plane + taps[t]!]!;
        });
        for (let o = g * perGroup; o < (g + 1) * perGroup; o++) {
          const sum = chunked(window, weights, o * order.length, order.length, a.chunk!);
          result[(n * oc + o) * origins.length + p] = plusBias(sum, b, o);
        }
      }
  return result;
}

export function minifloatMatmul(
  a: Tensor,
  b: Tensor,
  bias: Tensor | undefined,
  order: SumOrder,
  out: TensorType,
  types: readonly TensorType[],
): Uint16Array {
  const batch = out.shape.slice(0, -2);
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a.shape.at(-1)!;
  const length = Math.ceil(k / order.pass!) * order.pass!;
  const matrices = (t: Tensor, type: TensorType, rows: number, strides: readonly number[]): Float64Array => {
    const own = broadcastStrides(t.shape.slice(0, -2), batch).map((s) => s * t.shape.at(-1)! * t.shape.at(-2)!);
    const box = { data: t.data, offset: 0, strides: [...own, ...strides] };
    const real = values(gatherBox("int32", [...batch, rows, k], box), minifloatFormat(type));
    const filled = new Float64Array(elements(batch) * rows * length);
    for (let r = 0; r < real.length / k; r++) filled.set(real.subarray(r * k, (r + 1) * k), r * length);
    return filled;
  };
  const left = matrices(a, types[0]!, m, [k, 1]);
  const right = matrices(b, types[1]!, n, [1, n]);
  const extra = bias && values(bias.data, DLFLOAT16);
  const result = new Uint16Array(elements(out.shape));
  for (let i = 0; i < elements(batch); i++)
    for (let row = 0; row < m; row++) {
      const x = left.subarray((i * m + row) * length, (i * m + row + 1) * length);
      for (let c = 0; c < n; c++) {
        const sum = chunked(x, right, (i * n + c) * length, length, order.chunk!);
        result[(i * m + row) * n + c] = plusBias(sum, extra, c);
      }
    }
  return result;
}
