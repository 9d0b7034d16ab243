import type { OpAttrs } from "../ops.js";
import { allocate, type Data, elements, strides, type TensorType, type Value } from "../types.js";
import { broadcastView, cells, gatherView, scatterView } from "./strided.js";

export function transpose(x: Value, out: TensorType, a: OpAttrs["transpose"]): Data {
  const s = strides(x.type.shape);
  return gatherView(out.dtype, x.data!, { start: 0, shape: out.shape, strides: a.perm.map((p) => s[p]!) });
}

export function slice(x: Value, out: TensorType, a: OpAttrs["slice"]): Data {
  const s = strides(x.type.shape);
  return gatherView(out.dtype, x.data!, {
    start: a.starts.reduce((sum, p, i) => sum + p * s[i]!, 0),
    shape: out.shape,
    strides: a.steps.map((p, i) => p * s[i]!),
  });
}

export function expand(x: Value, out: TensorType): Data {
  if (x.data!.length === 1) {
    const filled = allocate(out.dtype, elements(out.shape));
    const only = cells(x.data!)[0]!;
    if (Number(only) !== 0 || Object.is(only, -0)) (filled as Float32Array).fill(only as number);
    return filled;
  }
  return gatherView(out.dtype, x.data!, broadcastView(x.type.shape, out.shape));
}

export function pad(x: Value, out: TensorType, a: OpAttrs["pad"]): Data {
  const result = allocate(out.dtype, elements(out.shape));
  const wide = out.dtype === "int64" || out.dtype === "uint64";
  if (a.value !== 0) (result as Float32Array).fill((wide ? BigInt(a.value) : a.value) as number);
  const s = strides(out.shape);
  const start = s.reduce((sum, step, i) => sum + step * a.pads[i]!, 0);
  scatterView(result, { start, shape: x.type.shape, strides: s }, x.data!);
  return result;
}

export function concat(inputs: readonly Value[], out: TensorType, a: OpAttrs["concat"]): Data {
  const result = allocate(out.dtype, elements(out.shape));
  const s = strides(out.shape);
  let at = 0;
  for (const x of inputs) {
    scatterView(result, { start: at * s[a.axis]!, shape: x.type.shape, strides: s }, x.data!);
    at += x.type.shape[a.axis]!;
  }
  return result;
}

/** Undefined where an index is outside the axis; negative indices count from its end. */
export function gather(x: Value, indices: Value, out: TensorType, a: OpAttrs["gather"]): Data | undefined {
  const result = allocate(out.dtype, elements(out.shape));
  const extent = x.type.shape[a.axis]!;
  const inner = elements(x.type.shape.slice(a.axis + 1));
  const outer = elements(x.type.shape.slice(0, a.axis));
  const wanted = Array.from(indices.data as ArrayLike<number | bigint>, (i) => Number(i) + (i < 0 ? extent : 0));
  if (wanted.some((i) => i < 0 || i >= extent)) return undefined;
  const [from, to] = [cells(x.data!), cells(result)];
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const i of wanted) {
      const base = (o * extent + i) * inner;
      for (let k = 0; k < inner; k++) to[at++] = from[base + k]!;
    }
  return result;
}
