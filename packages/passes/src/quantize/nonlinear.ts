import { elements, isFloat, isMinifloat, type Node, type NodeOf, type ValueId } from "@accelc/ir";
import {
  applyUnary,
  cumSum,
  cumulative,
  divide,
  type Emit,
  type Fixed,
  fixedOf,
  laneOf,
  logSoftmax,
  maximum,
  minimum,
  mod,
  pow,
  powConstant,
  product,
  reduce,
  softmax,
  where,
} from "../functions/index.js";
import { type Context, floatValue, formOf, storedId } from "./context.js";
import { emitterOf, fixedOperand, formOfFixed, laneOfValue, limitOf, scaledOperand } from "./fixed.js";
import { clampForm, type Form, negateForm } from "./form.js";
import { gateOnGrid } from "./gates.js";
import { isZero } from "./real.js";

/** The one number that a constant tensor holds throughout. */
function uniform(c: Context, id: ValueId): number | undefined {
  const { data } = floatValue(c, id);
  if (!data || data.length === 0) return undefined;
  const x = Number(data[0]!);
  return data.every((v: number | bigint) => Number(v) === x) ? x : undefined;
}

/** Half a step of an 8-bit operand: what floor and ceil take for the integer itself. */
function slack(c: Context, id: ValueId): number {
  const stored = c.stored.get(id);
  if (stored === undefined) return 0;
  const { dtype, quant } = c.builder.type(stored);
  return dtype === "int8" && quant ? quant.scale[0]! / 2 : 0;
}

function unary(c: Context, n: NodeOf<"unary">): Form | Fixed {
  const x = n.inputs[0]!;
  if (n.attrs.fn === "neg") {
    const form = formOf(c, x);
    if (!form.clamp) return negateForm(form);
  }
  const gated = gateOnGrid(c, n);
  if (gated) return gated;
  const { fn, a, b } = n.attrs;
  return applyUnary(emitterOf(c, n), fn, fixedOperand(c, x), {
    a,
    b,
    slack: slack(c, x),
    tolerance: c.grids.tolerance(n.outputs[0]!),
    ...limitOf(c, n.outputs[0]!),
  });
}

/** An exponent or any other operand of a power, which may be an integer tensor. */
function realOperand(c: Context, e: Emit, id: ValueId): Fixed {
  if (isFloat(floatValue(c, id).type.dtype)) return fixedOperand(c, id);
  return fixedOf(e.clamp(laneOfValue(c, storedId(c, id)), -(2 ** 15), 2 ** 15), 1);
}

function power(c: Context, n: NodeOf<"pow">): Fixed {
  const e = emitterOf(c, n);
  const limit = limitOf(c, n.outputs[0]!);
  const exponent = uniform(c, n.inputs[1]!);
  const x = fixedOperand(c, n.inputs[0]!);
  return exponent === undefined
    ? pow(e, x, realOperand(c, e, n.inputs[1]!), limit)
    : powConstant(e, x, exponent, limit);
}

function extreme(c: Context, n: NodeOf<"minimum"> | NodeOf<"maximum">): Form | Fixed {
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  for (const [x, y] of [
    [a, b],
    [b, a],
  ] as const) {
    const limit = uniform(c, y);
    const same = elements(floatValue(c, x).type.shape) === elements(floatValue(c, n.outputs[0]!).type.shape);
    if (limit === undefined || !same) continue;
    const form = formOf(c, x);
    return n.op === "minimum"
      ? clampForm(form, Number.NEGATIVE_INFINITY, limit)
      : clampForm(form, limit, Number.POSITIVE_INFINITY);
  }
  return (n.op === "minimum" ? minimum : maximum)(emitterOf(c, n), fixedOperand(c, a), fixedOperand(c, b));
}

function cumulated(c: Context, n: NodeOf<"cumSum">): Fixed {
  const e = emitterOf(c, n);
  const { axis, exclusive, reverse } = n.attrs;
  const x = cumulative(e, fixedOperand(c, n.inputs[0]!), floatValue(c, n.inputs[0]!).type.shape[axis]!);
  return fixedOf(cumSum(e, laneOf(x), axis, exclusive, reverse), x.unit);
}

function softmaxOf(c: Context, n: NodeOf<"softmax">): Fixed {
  const [e, y] = [emitterOf(c, n), n.outputs[0]!];
  const { axis, log } = n.attrs;
  if (log) return logSoftmax(e, fixedOperand(c, n.inputs[0]!), axis);
  const x = scaledOperand(c, n.inputs[0]!) ?? fixedOperand(c, n.inputs[0]!);
  const at = { tolerance: c.grids.tolerance(y), greatest: c.grids.expected(y).max, scale: c.grids.target(y)?.scale };
  return softmax(e, x, axis, at);
}

function result(c: Context, n: Node): Form | Fixed | undefined {
  const x = n.inputs[0]!;
  switch (n.op) {
    case "unary":
      return unary(c, n);
    case "pow":
      return power(c, n);
    case "minimum":
    case "maximum":
      return extreme(c, n);
    case "mod":
      return mod(emitterOf(c, n), fixedOperand(c, x), fixedOperand(c, n.inputs[1]!), n.attrs.fmod);
    case "where": {
      const condition = laneOfValue(c, storedId(c, x));
      return where(emitterOf(c, n), condition, fixedOperand(c, n.inputs[1]!), fixedOperand(c, n.inputs[2]!));
    }
    case "reduce":
      return reduce(emitterOf(c, n), n.attrs.kind, fixedOperand(c, x), n.attrs.axes, limitOf(c, n.outputs[0]!));
    case "softmax":
      return softmaxOf(c, n);
    case "cumSum":
      return cumulated(c, n);
    default:
      return undefined;
  }
}

/** The form of a node that a function program computes. */
export function nonlinear(c: Context, n: Node): Form | undefined {
  const r = result(c, n);
  if (r === undefined || !("unit" in r)) return r;
  return formOfFixed(c, r, floatValue(c, n.outputs[0]!).type.shape);
}

/** The product of two activations of which one has more than 16 bits. */
export function wideProduct(c: Context, n: NodeOf<"mul">): Form {
  const [x, y] = n.inputs.map((i) => fixedOperand(c, i)) as [Fixed, Fixed];
  const p = product(emitterOf(c, n), x, y, limitOf(c, n.outputs[0]!));
  return formOfFixed(c, p, floatValue(c, n.outputs[0]!).type.shape);
}

export function wideQuotient(c: Context, n: NodeOf<"div">): Form {
  const [x, y] = n.inputs.map((i) => fixedOperand(c, i)) as [Fixed, Fixed];
  const q = divide(emitterOf(c, n), x, y, limitOf(c, n.outputs[0]!));
  return formOfFixed(c, q, floatValue(c, n.outputs[0]!).type.shape);
}

/** Is the value, as it stands, an int32 in steps of a power of two: a function's result? */
export function isWideFixed(c: Context, id: ValueId): boolean {
  const form = c.forms.get(id);
  const t = form?.terms[0];
  if (form) {
    const plain = form.terms.length === 1 && !form.clamp && isZero(form.offset) && t?.operand.kind === "value";
    return plain && t.operand.value.int32 && t.coef.data.every((x) => Number.isInteger(Math.log2(x)));
  }
  const stored = c.stored.get(id);
  if (stored === undefined) return false;
  const { dtype } = c.builder.type(stored);
  return dtype === "int32" || isMinifloat(dtype);
}
