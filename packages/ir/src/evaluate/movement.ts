import type { OpAttrs } from "../ops.js";
import { allocate, type Data, type DType, elements, type TensorType } from "../types.js";
import { broadcastStrides, copyBox, gatherBox, type Tensor, view } from "./strided.js";

const INTEGER64: ReadonlySet<DType> = new Set<DType>(["int64", "uint64"]);

export function transpose(x: Tensor, a: OpAttrs["transpose"], out: TensorType): Data {
  const from = view(x);
  return gatherBox(out.dtype, out.shape, { ...from, strides: a.perm.map((p) => from.strides[p]!) });
}

export function slice(x: Tensor, a: OpAttrs["slice"], out: TensorType): Data {
  const from = view(x);
  return gatherBox(out.dtype, out.shape, {
    data: x.data,
    offset: a.starts.reduce((sum, start, i) => sum + start * from.strides[i]!, 0),
    strides: a.steps.map((step, i) => step * from.strides[i]!),
  });
}

export function pad(x: Tensor, a: OpAttrs["pad"], out: TensorType): Data {
  const data = allocate(out.dtype, elements(out.shape));
  if (INTEGER64.has(out.dtype)) (data as BigInt64Array).fill(BigInt(a.value));
  else (data as Int32Array).fill(a.value);
  const to = view({ data, shape: out.shape });
  copyBox(x.shape, view(x), { ...to, offset: to.strides.reduce((sum, s, i) => sum + s * a.pads[i]!, 0) });
  return data;
}

export function concat(xs: readonly Tensor[], a: OpAttrs["concat"], out: TensorType): Data {
  const data = allocate(out.dtype, elements(out.shape));
  const to = view({ data, shape: out.shape });
  let start = 0;
  for (const x of xs) {
    copyBox(x.shape, view(x), { ...to, offset: start * to.strides[a.axis]! });
    start += x.shape[a.axis]!;
  }
  return data;
}

export function expand(x: Tensor, out: TensorType): Data {
  return gatherBox(out.dtype, out.shape, { data: x.data, offset: 0, strides: broadcastStrides(x.shape, out.shape) });
}

/** Index j of `indices` selects slab j; a negative index counts from the end of the axis. */
export function gather(x: Tensor, indices: Tensor, a: OpAttrs["gather"], out: TensorType): Data {
  const outer = elements(x.shape.slice(0, a.axis));
  const inner = elements(x.shape.slice(a.axis + 1));
  const extent = x.shape[a.axis]!;
  const count = indices.data.length;
  const data = allocate(out.dtype, elements(out.shape));
  for (let j = 0; j < count; j++) {
    const i = Number(indices.data[j]!);
    copyBox(
      [outer, inner],
      { data: x.data, offset: (i < 0 ? i + extent : i) * inner, strides: [extent * inner, 1] },
      { data, offset: j * inner, strides: [count * inner, 1] },
    );
  }
  return data;
}
