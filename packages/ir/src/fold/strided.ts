import { allocate, type Data, elements, strides, type TensorType } from "../types.js";

/** Element access that ignores whether elements are numbers or bigints; readers and writers pair equal storage classes. */
export interface Cells {
  readonly length: number;
  [index: number]: number | bigint;
}

export const cells = (data: Data): Cells => data as unknown as Cells;

/** A box of elements inside row-major storage: element `i` sits at start + Σ i[k] · strides[k]. */
export interface View {
  readonly start: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Calls `run(offset, step, length)` for every innermost run of the view, in row-major order. */
export function forEachRun(v: View, run: (offset: number, step: number, length: number) => void): void {
  if (elements(v.shape) === 0) return;
  const outer = v.shape.length - 1;
  if (outer < 0) {
    run(v.start, 0, 1);
    return;
  }
  const index = new Array<number>(outer).fill(0);
  let offset = v.start;
  for (;;) {
    run(offset, v.strides[outer]!, v.shape[outer]!);
    let k = outer - 1;
    for (; k >= 0; k--) {
      offset += v.strides[k]!;
      if (++index[k]! < v.shape[k]!) break;
      offset -= v.strides[k]! * v.shape[k]!;
      index[k] = 0;
    }
    if (k < 0) return;
  }
}

/** The elements as bits, so that copying is the same code for all types of a width. */
function bits(data: Data): Uint32Array {
  const words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array };
  const Words = words[data.BYTES_PER_ELEMENT as keyof typeof words] as Uint32ArrayConstructor;
  return new Words(data.buffer as ArrayBuffer, data.byteOffset, data.length);
}

/** Rows and columns copied at a time where neighbours in the result are far apart in the source: both sides stay in the cache. */
const SQUARE = 32;

/** A matrix of any strides as contiguous rows from `at` on. */
function copyMatrix(from: Uint32Array, v: View, to: Uint32Array, at: number): void {
  const [rows, columns] = v.shape as readonly [number, number];
  const [down, along] = v.strides as readonly [number, number];
  if (along === 1) {
    for (let r = 0, o = v.start; r < rows; r++, o += down) to.set(from.subarray(o, o + columns), at + r * columns);
    return;
  }
  const [high, wide] = Math.abs(down) < Math.abs(along) ? [SQUARE, SQUARE] : [rows, columns];
  for (let top = 0; top < rows; top += high)
    for (let left = 0; left < columns; left += wide)
      for (let r = top; r < Math.min(rows, top + high); r++) {
        const end = Math.min(columns, left + wide);
        for (let c = left, o = v.start + r * down + c * along; c < end; c++, o += along)
          to[at + r * columns + c] = from[o]!;
      }
}

/** The view's elements as contiguous storage. */
export function gatherView(dtype: TensorType["dtype"], source: Data, v: View): Data {
  const out = allocate(dtype, elements(v.shape));
  const [from, to] = [bits(source), bits(out)];
  const lastTwo = (list: readonly number[], none: number) => [none, none, ...list].slice(-2);
  const matrix = { shape: lastTwo(v.shape, 1), strides: lastTwo(v.strides, 0) };
  const size = elements(matrix.shape);
  let at = 0;
  if (size > 0)
    forEachRun({ ...v, shape: v.shape.slice(0, -2), strides: v.strides.slice(0, -2) }, (offset, step, length) => {
      for (let i = 0; i < length; i++, at += size) copyMatrix(from, { ...matrix, start: offset + i * step }, to, at);
    });
  return out;
}

/** Writes contiguous `source` into the view's elements of `target`. */
export function scatterView(target: Data, v: View, source: Data): void {
  const [from, to] = [cells(source), cells(target)];
  let at = 0;
  forEachRun(v, (offset, step, length) => {
    for (let i = 0, o = offset; i < length; i++, o += step) to[o] = from[at++]!;
  });
}

/** `shape` read as if broadcast to `to` (numpy rules): repeated axes have stride 0. */
export function broadcastView(shape: readonly number[], to: readonly number[]): View {
  const own = strides(shape);
  const lead = to.length - shape.length;
  return { start: 0, shape: to, strides: to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]!)) };
}
