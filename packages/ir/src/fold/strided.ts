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

/** The view's elements as contiguous storage. */
export function gatherView(dtype: TensorType["dtype"], source: Data, v: View): Data {
  const out = allocate(dtype, elements(v.shape));
  const [from, to] = [cells(source), cells(out)];
  let at = 0;
  forEachRun(v, (offset, step, length) => {
    for (let i = 0, o = offset; i < length; i++, o += step) to[at++] = from[o]!;
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
