import { CompilerBug, elements, isFloat, type Node, type NodeOf, OPS, type OpName, type ValueId } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import { centered, isCentering } from "./centering.js";
import { pinOf } from "./classes.js";
import {
  type Context,
  define,
  floatValue,
  formOf,
  linearOf,
  narrow,
  separate,
  siteOf,
  storedForm,
  storedId,
} from "./context.js";
import { gridOf } from "./digits.js";
import { addForms, clampForm, divideForm, type Form, negateForm, scaleForm, sumBound, valueForm } from "./form.js";
import { gemmOfNode } from "./gemm.js";
import { codeOf, isFloatGrid, quantOf, rangeOf, seen16 } from "./grid.js";
import { manyScales } from "./imported.js";
import { emitInteger } from "./integer.js";
import { type Materialized, materialize } from "./narrow.js";
import { isWideFixed, nonlinear, wideProduct, wideQuotient } from "./nonlinear.js";
import { averagePool, maxPool, maxPoolOfNumbers } from "./pool.js";
import { perChannel, type Real } from "./real.js";

const constantOf = (c: Context, id: ValueId): Real | undefined => {
  const v = floatValue(c, id);
  return v.data && { shape: v.type.shape, data: Float64Array.from(v.data as Float32Array) };
};

const isWideGrid = (c: Context, id: ValueId): boolean => {
  const g = c.grids.grid(id);
  return !isFloatGrid(g) && g.bits === 32 && !g.rounding;
};

function sum(c: Context, n: NodeOf<"add"> | NodeOf<"sub">): Form {
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  const wide = !c.grids.deferrable(n.outputs[0]!) && isWideGrid(c, n.outputs[0]!);
  if (n.op === "sub" && wide && isCentering(c.graph, (id) => c.producers.get(id)?.node, n as Node))
    return centered(c, n);
  separate(c, a, b);
  const [x, y] = [linearOf(c, a), linearOf(c, b)];
  return addForms(x, n.op === "add" ? y : negateForm(y));
}

/** An operand of a product: 16 bits at most, zero point 0. */
function factor(c: Context, id: ValueId, site: ReturnType<typeof siteOf>): Materialized {
  const deferred = c.forms.get(id);
  if (deferred) {
    const made = narrow(c, deferred, seen16(c.grids.seen(id), sumBound(deferred)), siteOf(c, id));
    c.forms.delete(id);
    c.stored.set(id, made);
  }
  const stored = storedId(c, id);
  const own = c.builder.type(stored);
  // Codes of 16 bits about another zero need 17 without it: they are cut to 16 again.
  const recut = own.dtype === "int16" && own.quant!.zeroPoint !== 0;
  const x = recut
    ? narrow(c, storedForm(c, stored), seen16(rangeOf(gridOf(own)), Number.POSITIVE_INFINITY), {
        ...site,
        name: `${id}.centered`,
      })
    : stored;
  const { dtype, quant } = c.builder.type(x);
  const [unit, zero] = [quant!.scale[0]!, quant!.zeroPoint];
  if (zero === 0) return { id: x, unit, bound: dtype === "int16" ? 2 ** 15 : 128, range: [-(2 ** 15), 2 ** 15] };
  const centered = c.builder.add("isub", [x, c.constants.scalar(zero, `${id}.zero`)], {}, site.loc, {
    id: `${id}.centered`,
  });
  return { id: centered, unit, bound: 128 + Math.abs(zero), range: [-256, 256] };
}

function product(c: Context, n: NodeOf<"mul">): Form {
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  const [ca, cb] = [constantOf(c, a), constantOf(c, b)];
  if (cb) return scaleForm(linearOf(c, a), cb);
  if (ca) return scaleForm(linearOf(c, b), ca);
  if (isWideFixed(c, a) || isWideFixed(c, b)) return wideProduct(c, n);
  const site = siteOf(c, n.outputs[0]!);
  const x = factor(c, a, site);
  const y = a === b ? x : factor(c, b, site);
  const p = c.builder.add("imul", [x.id, y.id], { shift: 0 }, n.loc, { id: `${site.name}.product` });
  return valueForm(p, c.builder.type(p), x.unit * y.unit, 0, x.bound * y.bound);
}

/**
 * Numerator widened to about 2^30, so that truncation costs a 2^30th of the greatest quotient. What goes on as a form is cut
 * to 16 bits first: nothing better than 2^31 is proven of a quotient.
 */
function quotient(c: Context, n: NodeOf<"div">): Form {
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  const divisor = constantOf(c, b);
  if (divisor) return divideForm(linearOf(c, a), divisor);
  const [above1, below1] = n.inputs.map((i) => elements(floatValue(c, i).type.shape)) as [number, number];
  if (floatValue(c, a).data || isWideFixed(c, a) || isWideFixed(c, b) || 8 * below1 <= above1)
    return wideQuotient(c, n);
  const site = siteOf(c, n.outputs[0]!);
  const below = factor(c, b, site);
  const above = materialize(c, formOf(c, a), 2 ** 30, undefined, { loc: n.loc, name: `${site.name}.numerator` });
  const q = c.builder.add("idiv", [above.id, below.id], {}, n.loc, { id: `${site.name}.quotient` });
  const form = valueForm(q, c.builder.type(q), above.unit / below.unit, 0, 2 ** 31);
  const out = n.outputs[0]!;
  if (!c.grids.deferrable(out)) return form;
  const y = narrow(c, form, seen16(c.grids.seen(out), sumBound(form)), site);
  return storedForm(c, y);
}

function leakyRelu(c: Context, n: NodeOf<"leakyRelu">): Form {
  const { alpha } = n.attrs;
  const x = formOf(c, n.inputs[0]!);
  if (alpha === 0) return clampForm(x, 0, Number.POSITIVE_INFINITY);
  if (alpha === 1) return x;
  const out = n.outputs[0]!;
  const grow = Math.max(1, Math.abs(alpha));
  const t = materialize(c, x, 2 ** 29 / grow, c.grids.target(out)?.scale, { loc: n.loc, name: `${out}.in` });
  let shift = 62;
  while (Math.abs(roundHalfEven(alpha * 2 ** shift)) >= 2 ** 31) shift--;
  const a = c.constants.scalar(roundHalfEven(alpha * 2 ** shift), `${out}.alpha`);
  const below = c.builder.add("imul", [t.id, a], { shift }, n.loc, { id: `${out}.below` });
  const { source } = siteOf(c, out);
  const at = {
    id: `${out}.wide`,
    quant: { scale: [t.unit], zeroPoint: 0, axis: null },
    ...(c.grids.deferrable(out) && source !== undefined ? { source } : {}),
  };
  let y: ValueId;
  if (alpha >= 0) y = c.builder.add(alpha < 1 ? "imax" : "imin", [t.id, below], {}, n.loc, at);
  else {
    const zero = c.constants.scalar(0, `${out}.zero`);
    const negative = c.builder.add("icmp", [t.id, zero], { kind: "lt" }, n.loc, { id: `${out}.negative` });
    y = c.builder.add("select", [negative, below, t.id], {}, n.loc, at);
  }
  return valueForm(y, c.builder.type(y), t.unit, 0, Math.ceil(t.bound * grow) + 1);
}

/** The operand, to be rounded to the grid of the result's class; under many scales, codes under them already. */
function quantized(c: Context, n: NodeOf<"fakeQuant">): Form {
  const x = n.inputs[0]!;
  return pinOf(n.attrs) ? formOf(c, x) : manyScales(c, n, linearOf(c, x), siteOf(c, n.outputs[0]!));
}

function batchNorm(c: Context, n: NodeOf<"batchNorm">): Form {
  const [scale, bias, mean, variance] = n.inputs.slice(1).map((i) => constantOf(c, i)!.data);
  const m = scale!.map((s, i) => s / Math.sqrt(variance![i]! + n.attrs.epsilon));
  const b = bias!.map((x, i) => x - m[i]! * mean![i]!);
  const trailing = Math.max(0, floatValue(c, n.outputs[0]!).type.shape.length - 2);
  const scaled = scaleForm(linearOf(c, n.inputs[0]!), perChannel(m, trailing));
  return addForms(scaled, { shape: scaled.shape, terms: [], offset: perChannel(b, trailing) });
}

function arithmetic(c: Context, n: Node): Form | undefined {
  switch (n.op) {
    case "add":
    case "sub":
      return sum(c, n);
    case "mul":
      return product(c, n);
    case "div":
      return quotient(c, n);
    case "relu":
      return clampForm(formOf(c, n.inputs[0]!), 0, Number.POSITIVE_INFINITY);
    case "clip":
      return clampForm(formOf(c, n.inputs[0]!), n.attrs.min, n.attrs.max);
    case "fakeQuant":
      return quantized(c, n);
    case "leakyRelu":
      return leakyRelu(c, n);
    case "batchNorm":
      return batchNorm(c, n);
    case "conv":
    case "matmul":
      return gemmOfNode(c, n);
    case "averagePool":
      return averagePool(c, n);
    case "maxPool":
      return c.grids.unordered(n) ? maxPoolOfNumbers(c, n) : undefined;
    default:
      return undefined;
  }
}

/** An operand of a concat on the grid of its result. */
function tied(c: Context, id: ValueId, out: ValueId): ValueId {
  const grid = c.grids.grid(out);
  if (c.grids.grid(id) === grid) return storedId(c, id);
  return narrow(c, storedFormOf(c, id), grid, { loc: siteOf(c, out).loc, name: `${id}.requantized` });
}

function storedFormOf(c: Context, id: ValueId): Form {
  if (!floatValue(c, id).data) storedId(c, id);
  return formOf(c, id);
}

/** Integer operands of a concat in one type. */
function unify(c: Context, n: Node, operands: ValueId[]): void {
  const types = new Set(operands.map((id) => c.builder.type(id).dtype));
  if (types.size === 1) return;
  operands.forEach((id, i) => {
    if (c.builder.type(id).dtype !== "int32")
      operands[i] = c.builder.add("iadd", [id, c.constants.scalar(0, `${id}.zero`)], {}, n.loc, { id: `${id}.wide` });
  });
}

/** Data movement: the same operation on stored values; floats keep to the grid of their class, other types are untouched. */
function movement(c: Context, n: Node): ValueId {
  const out = n.outputs[0]!;
  const { source, type } = floatValue(c, out);
  const float = isFloat(type.dtype);
  const grid = float ? c.grids.grid(out) : undefined;
  const at = {
    id: out,
    ...(source === undefined ? {} : { source }),
    ...(grid && !isFloatGrid(grid) ? { quant: quantOf(grid) } : {}),
  };
  const operands = n.inputs.map((i) => (float && n.op === "concat" ? tied(c, i, out) : storedId(c, i)));
  if (!float && n.op === "concat") unify(c, n, operands);
  const attrs = n.op === "pad" && grid ? { ...n.attrs, value: codeOf(grid, n.attrs.value) } : n.attrs;
  const made = c.builder.add<OpName>(n.op, operands, attrs as never, n.loc, at);
  const known = operands.length === 1 && n.op !== "pad" ? c.ranges.get(operands[0]!) : undefined;
  if (known) c.ranges.set(made, known);
  return made;
}

/** Emits what a float node comes to, or defers it. */
export function emitNode(c: Context, n: Node): void {
  const out = n.outputs[0]!;
  if (OPS[n.op].kind !== "movement" && n.op !== "identity" && emitInteger(c, n)) return;
  const form = arithmetic(c, n) ?? nonlinear(c, n);
  if (form && n.op === "fakeQuant" && !pinOf(n.attrs)) c.forms.set(out, form);
  else if (form) define(c, out, form);
  else if (n.op === "identity" || n.op === "cast") c.stored.set(out, storedId(c, n.inputs[0]!));
  else if (n.op === "maxPool") c.stored.set(out, maxPool(c, n));
  else if (OPS[n.op].kind === "movement") c.stored.set(out, movement(c, n));
  else throw new CompilerBug("quantize", `no rule for ${n.op}`);
}
