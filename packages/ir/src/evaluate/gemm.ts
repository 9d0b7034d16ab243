import type { ConvAttrs } from "../ops.js";
import { elements, type TensorType } from "../types.js";
import { broadcastStrides, gatherBox, type Tensor } from "./strided.js";
import { windows } from "./window.js";

/** Rows of a matrix, one after another, and the sum each dot product starts from. */
interface Rows {
  readonly weights: ArrayLike<number>;
  /** Elements of one row. */
  readonly length: number;
  readonly bias: ArrayLike<number> | undefined;
}

/** out[at + (r − first) * step] = bias[r] + Σ_k x[k] * weights[r][k] for `count` rows from `first`, int32 wrapping. */
function dotRows(
  x: Int32Array,
  w: Rows,
  first: number,
  count: number,
  out: Int32Array,
  at: number,
  step: number,
): void {
  const { weights, length, bias } = w;
  let r = first;
  const end = first + count;
  for (; r + 4 <= end; r += 4) {
    const [p0, p1, p2, p3] = [r * length, (r + 1) * length, (r + 2) * length, (r + 3) * length];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let k = 0; k < length; k++) {
      const v = x[k]!;
      s0 = (s0 + Math.imul(v, weights[p0 + k]!)) | 0;
      s1 = (s1 + Math.imul(v, weights[p1 + k]!)) | 0;
      s2 = (s2 + Math.imul(v, weights[p2 + k]!)) | 0;
      s3 = (s3 + Math.imul(v, weights[p3 + k]!)) | 0;
    }
    const o = at + (r - first) * step;
    out[o] = s0 + (bias ? bias[r]! : 0);
    out[o + step] = s1 + (bias ? bias[r + 1]! : 0);
    out[o + 2 * step] = s2 + (bias ? bias[r + 2]! : 0);
    out[o + 3 * step] = s3 + (bias ? bias[r + 3]! : 0);
  }
  for (; r < end; r++) {
    let sum = 0;
    for (let k = 0; k < length; k++) sum = (sum + Math.imul(x[k]!, weights[r * length + k]!)) | 0;
    out[at + (r - first) * step] = sum + (bias ? bias[r]! : 0);
  }
}

const int32 = (t: Tensor): Int32Array => (t.data instanceof Int32Array ? t.data : Int32Array.from(t.data as Int8Array));

/** x[N,C,*] with w[O,C/groups,*]: the window of a group's channels, flattened, times each of the group's weight rows. */
export function conv(
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  a: ConvAttrs,
  shape: readonly number[],
): Int32Array {
  const kernel = w.shape.slice(2);
  const [channels, oc] = [w.shape[1]!, w.shape[0]!];
  const { padded, plane, taps, origins } = windows(x, { ...a, kernel }, a.fill, shape);
  const length = channels * taps.length;
  const rows: Rows = { weights: w.data as Int8Array, length, bias: bias?.data as Int32Array | undefined };
  const window = new Int32Array(length);
  const out = new Int32Array(elements(shape));
  const perGroup = oc / a.groups;
  for (let n = 0; n < x.shape[0]!; n++)
    for (let g = 0; g < a.groups; g++)
      for (let p = 0; p < origins.length; p++) {
        const base = (n * x.shape[1]! + g * channels) * plane + origins[p]!;
        for (let c = 0, k = 0; c < channels; c++)
          for (let t = 0; t < taps.length; t++) window[k++] = padded[base + c * plane + taps[t]!]!;
        dotRows(
          window,
          rows,
          g * perGroup,
          perGroup,
          out,
          (n * oc + g * perGroup) * origins.length + p,
          origins.length,
        );
      }
  return out;
}

/** a[..,M,K] times b[..,K,N] plus bias[N], batch axes broadcast. */
export function matmul(a: Tensor, b: Tensor, bias: Tensor | undefined, out: TensorType): Int32Array {
  const batch = out.shape.slice(0, -2);
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a.shape.at(-1)!;
  const matrices = (t: Tensor, matrix: readonly number[], strides: readonly number[]): Int32Array => {
    const own = broadcastStrides(t.shape.slice(0, -2), batch).map((s) => s * t.shape.at(-1)! * t.shape.at(-2)!);
    return gatherBox("int32", [...batch, ...matrix], {
      data: t.data,
      offset: 0,
      strides: [...own, ...strides],
    }) as Int32Array;
  };
  const left = matrices(a, [m, k], [k, 1]);
  const right = matrices(b, [n, k], [1, n]);
  const result = new Int32Array(elements(out.shape));
  const rows: Rows = { weights: right, length: k, bias: bias ? int32(bias) : undefined };
  for (let i = 0; i < elements(batch); i++)
    for (let row = 0; row < m; row++) {
      const x = left.subarray((i * m + row) * k, (i * m + row + 1) * k);
      dotRows(x, { ...rows, weights: right.subarray(i * n * k, (i + 1) * n * k) }, 0, n, result, (i * m + row) * n, 1);
    }
  return result;
}
