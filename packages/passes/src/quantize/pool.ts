import { type AveragePoolAttrs, DTYPE_BITS, elements, type NodeOf, strides, type ValueId } from "@accelc/ir";
import { type Context, floatValue, integersOf, siteOf, storedId } from "./context.js";
import { fixedOperand, formOfFixed } from "./fixed.js";
import type { Form } from "./form.js";
import { type FixedGrid, qmin, quantOf } from "./grid.js";
import { compact, map, type Real, scalar } from "./real.js";

/** Elements that count in the divisor of each window, over the spatial axes of the output. */
export function countedTaps(a: AveragePoolAttrs, space: readonly number[], out: readonly number[]): Real {
  const k = a.kernel.length;
  const perAxis = out.map((n, axis) =>
    Array.from({ length: n }, (_, o) => {
      let count = 0;
      for (let t = 0; t < a.kernel[axis]!; t++) {
        const at = o * a.strides[axis]! + t * a.dilations[axis]! - a.pads[axis]!;
        if (at >= -a.countedPads[axis]! && at < space[axis]! + a.countedPads[k + axis]!) count++;
      }
      return count;
    }),
  );
  const own = strides(out);
  const data = Float64Array.from({ length: elements(out) }, (_, i) =>
    perAxis.reduce((p, counts, axis) => p * counts[Math.floor(i / own[axis]!) % out[axis]!]!, 1),
  );
  return compact({ shape: out, data });
}

/** The stored operand of a sum of `taps` elements, rounded to fewer bits where int32 would not hold the sum. */
function summable(c: Context, n: NodeOf<"averagePool">, taps: number) {
  const x = integersOf(c, n.inputs[0]!);
  const { dtype, quant } = c.builder.type(x);
  const [bits, scale, zero] = [DTYPE_BITS[dtype], quant!.scale[0]!, quant!.zeroPoint];
  const excess = bits + Math.ceil(Math.log2(taps)) - 32;
  if (excess <= 0) return { x, bits, scale, zero };
  const by = [x, c.constants.scalar(1, `${x}.one`)];
  const rounded = c.builder.add("imul", by, { shift: excess }, n.loc, { id: `${x}.rounded` });
  return { x: rounded, bits: bits - excess + 1, scale: scale * 2 ** excess, zero: Math.round(zero / 2 ** excess) };
}

/** Σ over the window with padding at the zero point, times scale over the number of counted elements. */
export function averagePool(c: Context, n: NodeOf<"averagePool">): Form {
  const out = n.outputs[0]!;
  const { kernel, strides: steps, dilations, pads } = n.attrs;
  const taps = elements(kernel);
  const { x, bits, scale, zero } = summable(c, n, taps);
  const { shape } = c.builder.type(x);
  const id = c.builder.add(
    "iwindow",
    [x],
    { kind: "sum", kernel, strides: steps, dilations, pads, fill: zero },
    n.loc,
    { id: `${out}.total`, quant: { scale: [scale], zeroPoint: taps * zero, axis: null } },
  );
  const whole = floatValue(c, out).type.shape;
  const counts = countedTaps(n.attrs, shape.slice(-kernel.length), whole.slice(-kernel.length));
  const coef = map(counts, (count) => (count > 0 ? scale / count : 0));
  return {
    shape: whole,
    terms: [{ operand: { kind: "value", value: { id, bound: 2 ** (bits - 1) * taps, int32: true } }, coef }],
    offset: zero === 0 ? scalar(0) : map(coef, (x) => 0 - x * zero * taps),
  };
}

/** The greatest code of the window; padding holds the least code there is and never wins. */
export function maxPool(c: Context, n: NodeOf<"maxPool">): ValueId {
  const out = n.outputs[0]!;
  const grid = c.grids.grid(out) as FixedGrid;
  const { kernel, strides: steps, dilations, pads } = n.attrs;
  const { loc, name, source } = siteOf(c, out);
  return c.builder.add(
    "iwindow",
    [storedId(c, n.inputs[0]!)],
    { kind: "max", kernel, strides: steps, dilations, pads, fill: qmin(grid) },
    loc,
    { id: name, quant: quantOf(grid), ...(source === undefined ? {} : { source }) },
  );
}

/** The greatest of the window in fixed point: codes of numbers have no order that the lanes know. */
export function maxPoolOfNumbers(c: Context, n: NodeOf<"maxPool">): Form {
  const out = n.outputs[0]!;
  const { kernel, strides: steps, dilations, pads } = n.attrs;
  const x = fixedOperand(c, n.inputs[0]!);
  const id = c.builder.add(
    "iwindow",
    [x.value],
    { kind: "max", kernel, strides: steps, dilations, pads, fill: -(2 ** 31) },
    n.loc,
    { id: `${out}.max` },
  );
  return formOfFixed(c, { ...x, value: id }, floatValue(c, out).type.shape);
}
