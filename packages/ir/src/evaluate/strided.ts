import { allocate, type Data, type DType, elements, strides } from "../types.js";

/** A row-major tensor: storage and shape. */
export interface Tensor {
  readonly data: Data;
  readonly shape: readonly number[];
}

/** Element of index i along axis a lies at offset + Σ i[a] * strides[a]. */
export interface View {
  readonly data: Data;
  readonly offset: number;
  readonly strides: readonly number[];
}

export const view = (t: Tensor): View => ({ data: t.data, offset: 0, strides: strides(t.shape) });

/** Copies the elements of every index below `shape` from one view to another of the same storage class. */
export function copyBox(shape: readonly number[], from: View, to: View): void {
  if (elements(shape) === 0) return;
  const last = shape.length - 1;
  const [source, target] = [from.data as Int32Array, to.data as Int32Array];
  if (last < 0) {
    target[to.offset] = source[from.offset]!;
    return;
  }
  const run = shape[last]!;
  const [ss, ts] = [from.strides[last]!, to.strides[last]!];
  const index = new Array<number>(last).fill(0);
  let [s, t] = [from.offset, to.offset];
  for (;;) {
    for (let i = 0; i < run; i++) target[t + i * ts] = source[s + i * ss]!;
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      s += from.strides[axis]!;
      t += to.strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      s -= shape[axis]! * from.strides[axis]!;
      t -= shape[axis]! * to.strides[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** A fresh row-major tensor holding the box `shape` of a view. */
export function gatherBox(dtype: DType, shape: readonly number[], from: View): Data {
  const data = allocate(dtype, elements(shape));
  copyBox(shape, from, view({ data, shape }));
  return data;
}

/** Strides that read `from` as if broadcast (numpy rules) to `to`: 0 along every stretched axis. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = strides(from);
  const missing = to.length - from.length;
  return to.map((n, i) => (i < missing || (from[i - missing] === 1 && n !== 1) ? 0 : own[i - missing]!));
}
