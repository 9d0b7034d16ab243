import { broadcastShapes, CompilerBug, elements, strides } from "@accelc/ir";

/** A real tensor that broadcasts (numpy rules) against the values it scales or offsets. */
export interface Real {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const scalar = (x: number): Real => ({ shape: [], data: Float64Array.of(x) });

/** One value per index of an axis that has `trailing` axes to its right. */
export const perChannel = (values: Float64Array, trailing: number): Real => ({
  shape: [values.length, ...new Array<number>(trailing).fill(1)],
  data: values,
});

/** For each row-major index below `to`, where a tensor of shape `from` broadcast to it reads. */
function indexMap(from: readonly number[], to: readonly number[]): Int32Array {
  const own = strides(from);
  const missing = to.length - from.length;
  let map = Int32Array.of(0);
  to.forEach((n, axis) => {
    const step = axis < missing || from[axis - missing] === 1 ? 0 : own[axis - missing]!;
    const next = new Int32Array(map.length * n);
    for (let i = 0, at = 0; i < map.length; i++) for (let j = 0; j < n; j++) next[at++] = map[i]! + j * step;
    map = next;
  });
  return map;
}

/** The elements of `a` broadcast to `shape`. */
export function spread(a: Real, shape: readonly number[]): Float64Array {
  if (a.data.length === 1) return new Float64Array(elements(shape)).fill(a.data[0]!);
  if (a.data.length === elements(shape)) return a.data;
  return Float64Array.from(indexMap(a.shape, shape), (i) => a.data[i]!);
}

export function zip(a: Real, b: Real, f: (x: number, y: number) => number): Real {
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw new CompilerBug("quantize", `real tensors [${a.shape}] and [${b.shape}] do not broadcast`);
  const [x, y] = [spread(a, shape), spread(b, shape)];
  return { shape, data: x.map((v, i) => f(v, y[i]!)) };
}

export const map = (a: Real, f: (x: number) => number): Real => ({ shape: a.shape, data: a.data.map((x) => f(x)) });
export const add = (a: Real, b: Real): Real => (isZero(a) && a.data.length === 1 ? b : zip(a, b, (x, y) => x + y));
export const mul = (a: Real, b: Real): Real => zip(a, b, (x, y) => x * y);
export const div = (a: Real, b: Real): Real => zip(a, b, (x, y) => x / y);
export const maxAbs = (a: Real): number => a.data.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
export const isZero = (a: Real): boolean => a.data.every((x) => x === 0);
export const isUniform = (a: Real): boolean => a.data.every((x) => x === a.data[0]);

/** The same tensor as a scalar where all its elements are equal. */
export const compact = (a: Real): Real => (a.data.length > 0 && isUniform(a) ? scalar(a.data[0]!) : a);

/**
 * The elements of `a` per index of the axis of extent `n` that has `trailing` axes to its right, or undefined where `a`
 * varies along any other axis.
 */
export function channels(a: Real, n: number, trailing: number): Float64Array | undefined {
  if (a.data.length === 1) return new Float64Array(n).fill(a.data[0]!);
  const axis = a.shape.length - 1 - trailing;
  return a.data.length === n && a.shape[axis] === n ? a.data : undefined;
}
