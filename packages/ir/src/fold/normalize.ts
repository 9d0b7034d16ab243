import type { OpAttrs } from "../ops.js";
import { allocate, type Data, elements, type TensorType, type Value } from "../types.js";
import { SCALAR_FUNCTIONS } from "./scalar.js";
import { cells } from "./strided.js";

/** Visits the lines of a tensor along `axis`: the first element's place, the step and the length. */
function forEachLine(shape: readonly number[], axis: number, visit: (start: number, step: number, at: number) => void) {
  const step = elements(shape.slice(axis + 1));
  const outer = elements(shape.slice(0, axis));
  let at = 0;
  for (let o = 0; o < outer; o++) for (let i = 0; i < step; i++) visit(o * step * shape[axis]! + i, step, at++);
}

/** e^(x − max) / Σ e^(x − max), or x − max − log Σ; in double precision, rounded once. */
export function softmax(x: Value, a: OpAttrs["softmax"]): Float32Array {
  const from = x.data as Float32Array;
  const out = new Float32Array(from.length);
  const length = x.type.shape[a.axis]!;
  forEachLine(x.type.shape, a.axis, (start, step) => {
    let top = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < length; k++) top = Math.max(top, from[start + k * step]!);
    let sum = 0;
    for (let k = 0; k < length; k++) sum += Math.exp(from[start + k * step]! - top);
    for (let k = 0; k < length; k++) {
      const v = from[start + k * step]! - top;
      out[start + k * step] = a.log ? v - Math.log(sum) : Math.exp(v) / sum;
    }
  });
  return out;
}

/** Running sums: floats in double precision, each rounded once; integers wrap. */
export function cumSum(x: Value, out: TensorType, a: OpAttrs["cumSum"]): Data {
  const result = allocate(out.dtype, elements(out.shape));
  const [from, to] = [cells(x.data!), cells(result)];
  const length = out.shape[a.axis]!;
  const zero = typeof from[0] === "bigint" ? 0n : 0;
  const add = SCALAR_FUNCTIONS.add.apply;
  forEachLine(out.shape, a.axis, (start, step) => {
    let sum: number | bigint = zero;
    for (let k = 0; k < length; k++) {
      const at = start + (a.reverse ? length - 1 - k : k) * step;
      const next: number | bigint = add([sum, from[at]!], out.dtype);
      to[at] = a.exclusive ? sum : next;
      sum = next;
    }
  });
  return result;
}

/** The index of the extreme; of equal ones the first or the last. A NaN wins over numbers. */
export function argReduce(x: Value, a: OpAttrs["argReduce"]): BigInt64Array {
  const { shape } = x.type;
  const from = cells(x.data!);
  const length = shape[a.axis]!;
  const out = new BigInt64Array(elements(shape) / Math.max(length, 1));
  forEachLine(shape, a.axis, (start, step, at) => {
    let best = 0;
    for (let k = 1; k < length; k++) {
      const [old, v] = [from[start + best * step]!, from[start + k * step]!];
      const better = a.kind === "max" ? v > old : v < old;
      if (better || (a.last && v === old) || (Number.isNaN(v) && !Number.isNaN(old))) best = k;
    }
    out[at] = BigInt(best);
  });
  return out;
}
