import type { AveragePoolAttrs, WindowAttrs } from "../ops.js";
import { elements, strides, type TensorType, type Value } from "../types.js";
import { forEachIndex } from "./linear.js";

/** For every output element: the input elements its window covers, and how many window positions lie inside `counted` padding. */
function eachWindow(
  x: Value,
  out: TensorType,
  a: WindowAttrs,
  counted: readonly number[],
  visit: (values: readonly number[], count: number) => void,
): void {
  const rank = a.kernel.length;
  const lead = x.type.shape.length - rank;
  const s = strides(x.type.shape);
  const data = x.data as Float32Array;
  forEachIndex(out.shape, (o) => {
    const values: number[] = [];
    let count = 0;
    const base = o.slice(0, lead).reduce((sum, p, i) => sum + p * s[i]!, 0);
    forEachIndex(a.kernel, (k) => {
      let [at, real, counts] = [base, true, true];
      for (let d = 0; d < rank; d++) {
        const p = o[lead + d]! * a.strides[d]! + k[d]! * a.dilations[d]! - a.pads[d]!;
        const extent = x.type.shape[lead + d]!;
        real &&= p >= 0 && p < extent;
        counts &&= p >= -counted[d]! && p < extent + counted[rank + d]!;
        at += p * s[lead + d]!;
      }
      if (real) values.push(data[at]!);
      if (counts) count++;
    });
    visit(values, count);
  });
}

export function maxPool(x: Value, out: TensorType, a: WindowAttrs): Float32Array {
  const result = new Float32Array(elements(out.shape));
  let at = 0;
  eachWindow(x, out, a, a.pads, (values) => {
    result[at++] = values.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
  });
  return result;
}

export function averagePool(x: Value, out: TensorType, a: AveragePoolAttrs): Float32Array {
  const result = new Float32Array(elements(out.shape));
  let at = 0;
  eachWindow(x, out, a, a.countedPads, (values, count) => {
    result[at++] = values.reduce((sum, v) => sum + v, 0) / count;
  });
  return result;
}
