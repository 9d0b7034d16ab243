import type { NodeOf } from "@accelc/ir";
import { fixedOf, gate } from "../functions/index.js";
import { type Context, floatValue } from "./context.js";
import { emitterOf, formOfFixed, operandOnGrid } from "./fixed.js";
import type { Form } from "./form.js";
import { type FixedGrid, isFloatGrid } from "./grid.js";

/** The grid of 16 bits or fewer on which a value comes to lie, at once or through additions and activations. */
function gridOf(c: Context, id: string): FixedGrid | undefined {
  if (c.grids.deferrable(id)) return c.grids.target(id);
  const g = c.grids.grid(id);
  return isFloatGrid(g) ? undefined : g;
}

/**
 * x g(a x) in steps of its result's grid: with the operand in steps u = s / 2^k of the grid's s, x = u X, the product is
 * u X g(a u X), and X g(a u X) is the same function of X under another factor. So the operand's own rescaling is the only one.
 */
export function gateOnGrid(c: Context, n: NodeOf<"unary">): Form | undefined {
  const { fn, a } = n.attrs;
  if (fn !== "swish" && fn !== "gelu" && fn !== "geluTanh") return undefined;
  const out = n.outputs[0]!;
  const tolerance = c.grids.tolerance(out);
  const grid = tolerance > 0 ? gridOf(c, out) : undefined;
  const x = grid && operandOnGrid(c, n.inputs[0]!, grid);
  if (!x) return undefined;
  const f = Math.floor(-Math.log2(x.unit));
  const factor = x.unit * 2 ** f;
  const by = (fn === "swish" ? a : 1) * factor;
  const y = gate(emitterOf(c, n), fn, fixedOf(x.lane, 2 ** -f), by, tolerance / factor);
  if (!y) return undefined;
  const [lo, hi] = y.bound;
  const inSteps = { value: y.value, unit: x.unit, bound: [lo * factor, hi * factor] as const };
  return formOfFixed(c, inSteps, floatValue(c, out).type.shape);
}
