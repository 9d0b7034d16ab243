import type { AveragePoolAttrs, WindowAttrs } from "../ops.js";
import { allocate, type Data, elements, strides, type TensorType, type Value } from "../types.js";
import { forEachIndex } from "./linear.js";
import { cells } from "./strided.js";

/** For every output element: the input elements its window covers, and how many window positions lie inside `counted` padding. */
function eachWindow(
  x: Value,
  out: TensorType,
  a: WindowAttrs,
  counted: readonly number[],
  visit: (values: readonly (number | bigint)[], count: number) => void,
): void {
  const rank = a.kernel.length;
  const lead = x.type.shape.length - rank;
  const s = strides(x.type.shape);
  const data = cells(x.data!);
  forEachIndex(out.shape, (o) => {
    const values: (number | bigint)[] = [];
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

export function maxPool(x: Value, out: TensorType, a: WindowAttrs): Data {
  const result = allocate(out.dtype, elements(out.shape));
  const cell = cells(result);
  let at = 0;
  eachWindow(x, out, a, a.pads, (values) => {
    cell[at++] = values.reduce((m, v) => (Number.isNaN(m) || m > v ? m : v));
  });
  return result;
}

export function averagePool(x: Value, out: TensorType, a: AveragePoolAttrs): Float32Array {
  const result = new Float32Array(elements(out.shape));
  let at = 0;
  eachWindow(x, out, a, a.countedPads, (values, count) => {
    result[at++] = values.reduce<number>((sum, v) => sum + Number(v), 0) / count;
  });
  return result;
}
