import { DTYPE_BITS, elements, type Node, type ValueId } from "@accelc/ir";
import { Emit, type Fixed, fixedOf, fractionFor, type Lane } from "../functions/index.js";
import { type Context, define, floatValue, formOf, realOf, siteOf } from "./context.js";
import { boundOf, type Form, type Known, valueForm } from "./form.js";
import { type FixedGrid, magnitude } from "./grid.js";
import { fixedPoint, type Materialized, materializeIn, unitOnGrid } from "./narrow.js";
import { isUniform, maxAbs } from "./real.js";

/** The emitter of a node's function program. */
export const emitterOf = (c: Context, n: Node): Emit =>
  new Emit(
    { builder: c.builder, scalar: (value, id) => c.constants.scalar(value, id) },
    { loc: n.loc, name: n.outputs[0]! },
  );

/** A value of the integer graph with what is proven of it: by its producer, or by its type. */
export function laneOfValue(c: Context, id: ValueId): Lane {
  const top = 2 ** (Math.min(32, DTYPE_BITS[c.builder.type(id).dtype]) - 1);
  const [lo, hi] = c.ranges.get(id) ?? [-top, top - 1];
  return { id, lo, hi };
}

/** The form that is one stored or computed value times a power of two, as it is. */
function direct(c: Context, f: Form): Fixed | undefined {
  const [t] = f.terms;
  if (f.terms.length !== 1 || t?.operand.kind !== "value" || f.clamp || t.coef.data.length !== 1) return undefined;
  const unit = t.coef.data[0]!;
  const plain = unit > 0 && Number.isInteger(Math.log2(unit)) && f.offset.data.every((x) => x === 0);
  if (!plain || elements(f.shape) !== elements(c.builder.type(t.operand.value.id).shape)) return undefined;
  const lane = laneOfValue(c, t.operand.value.id);
  const { bound } = t.operand.value;
  return fixedOf({ id: lane.id, lo: Math.max(lane.lo, -bound), hi: Math.min(lane.hi, bound) }, unit);
}

/** What is proven of a form before its clamp, from the intervals of its values. */
function formRange(c: Context, f: Form): readonly [number, number] {
  let [lo, hi] = extent(f.offset.data);
  for (const t of f.terms) {
    const top = maxAbs(boundOf(t.operand));
    const [least, most] = t.operand.kind === "value" ? intervalOf(c, t.operand.value) : [-top, top];
    const ends = extent(t.coef.data).flatMap((k) => [k * least, k * most]);
    lo += Math.min(...ends);
    hi += Math.max(...ends);
  }
  return [lo, hi];
}

function intervalOf(c: Context, v: Known): readonly [number, number] {
  const { lo, hi } = laneOfValue(c, v.id);
  return [Math.max(lo, -v.bound), Math.min(hi, v.bound)];
}

/** An integer times a positive number, up to one constant that its reader does not see; undefined where the value is more than that. */
export function scaledOperand(c: Context, id: ValueId): Fixed | undefined {
  if (floatValue(c, id).data) return undefined;
  const f = formOf(c, id);
  const [t] = f.terms;
  const unit = t?.coef.data[0] ?? 0;
  if (f.terms.length !== 1 || f.clamp || !(unit > 0) || !isUniform(t!.coef) || !isUniform(f.offset)) return undefined;
  const { operand } = t!;
  const value = operand.kind === "gemm" ? operand.gemm.emit(undefined) : operand.value.id;
  if (elements(c.builder.type(value).shape) !== elements(f.shape)) return undefined;
  const [lo, hi] =
    operand.kind === "value" ? intervalOf(c, operand.value) : [extent(operand.gemm.lo)[0], extent(operand.gemm.hi)[1]];
  return fixedOf({ id: value, lo: Math.floor(lo), hi: Math.ceil(hi) }, unit);
}

/** A float value in fixed point of up to `bits` bits, whatever it has become. */
export function fixedOperand(c: Context, id: ValueId, bits = 30): Fixed {
  const v = floatValue(c, id);
  if (v.data) return fixedConstant(c, id, bits);
  const f = formOf(c, id);
  const known = direct(c, f);
  if (known) return known;
  const m = fixedPoint(c, f, bits - 1, { loc: siteOf(c, id).loc, name: `${id}.fixed` });
  return fixedOf(proven(c, id, f, m), m.unit);
}

/** A computed value, that a form has become, with what is proven of it; the form's reader takes it from then on. */
function proven(c: Context, id: ValueId, f: Form, { id: made, unit, bound, range }: Materialized): Lane {
  const expected = formRange(c, f).map((x, i) => (i === 0 ? Math.floor(x / unit) : Math.ceil(x / unit)));
  const slack = 1 + 2 * f.terms.length;
  const [lo, hi] = [Math.max(range[0], expected[0]! - slack), Math.min(range[1], expected[1]! + slack)];
  c.ranges.set(made, [lo, hi]);
  if (c.forms.has(id)) c.forms.set(id, valueForm(made, c.builder.type(made), unit, 0, bound));
  return { id: made, lo, hi };
}

/**
 * A float value in steps of a grid over a power of two, and the step: a function that takes and gives such steps needs no
 * multiplication on the way to the grid. Undefined where the value is in steps of a power of two already, or leaves no room.
 */
export function operandOnGrid(
  c: Context,
  id: ValueId,
  grid: FixedGrid,
): { readonly lane: Lane; readonly unit: number } | undefined {
  if (floatValue(c, id).data) return undefined;
  const f = formOf(c, id);
  const unit = direct(c, f) ? undefined : unitOnGrid(f, grid);
  if (unit === undefined) return undefined;
  const m = materializeIn(c, f, unit, { loc: siteOf(c, id).loc, name: `${id}.fixed` });
  return { lane: proven(c, id, f, m), unit };
}

function fixedConstant(c: Context, id: ValueId, bits: number): Fixed {
  const real = realOf(c, floatValue(c, id));
  const top = real.data.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  // A constant with few significant bits takes no more of them than it has.
  let f = Math.min(60, fractionFor(top, bits));
  while (f > -60 && real.data.every((x) => Number.isInteger(x * 2 ** (f - 1)))) {
    f--;
    if (top === 0) break;
  }
  const values = real.data.map((x) => Math.round(x * 2 ** f));
  const constant = c.constants.int32({ shape: real.shape, data: values }, `${id}.fixed`);
  const [lo, hi] = [Math.min(...extent(values)), Math.max(...extent(values))];
  return fixedOf({ id: constant, lo, hi }, 2 ** -f);
}

function extent(x: Float64Array): [number, number] {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of x) {
    lo = Math.min(lo, v);
    hi = Math.max(hi, v);
  }
  return x.length > 0 ? [lo, hi] : [0, 0];
}

/** Saturation of a result: 8 times what is expected of it, so that a far-off bound does not cost its resolution. */
export function limitOf(c: Context, id: ValueId): { readonly limit?: number } {
  const seen = c.grids.seen(id);
  const top = magnitude(seen ?? c.grids.expected(id));
  return top > 0 && Number.isFinite(top) ? { limit: (seen ? 8 : 2) * top } : {};
}

export function formOfFixed(c: Context, x: Fixed, shape: readonly number[]): Form {
  const type = c.builder.type(x.value);
  const [lo, hi] = [Math.floor(x.bound[0] / x.unit), Math.ceil(x.bound[1] / x.unit)];
  c.ranges.set(x.value, [lo, hi]);
  return { ...valueForm(x.value, type, x.unit, 0, Math.max(-lo, hi, 1)), shape };
}

/** Takes a function's result as the node's output: kept in its unit where it may be deferred, stored where not. */
export function defineFixed(c: Context, n: Node, x: Fixed): void {
  const out = n.outputs[0]!;
  define(c, out, formOfFixed(c, x, floatValue(c, out).type.shape));
}
