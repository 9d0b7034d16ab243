import { CompilerBug, sameShape, type ValueId } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import { fractionFor } from "../functions/index.js";
import { type Clamp, type Form, sumBound, valueForm } from "./form.js";
import { codeBits, codeOf, DTYPE_OF, type FixedGrid, qmax, qmin } from "./grid.js";
import { narrowImported } from "./imported.js";
import { isUniform, isZero } from "./real.js";
import {
  type Chain,
  type Emitter,
  emitChain,
  INT32_LIMIT,
  type Plan,
  planSum,
  type Site,
  step,
  sumChain,
} from "./sum.js";

const FRACTION_BITS = 16;
const FREE: Clamp = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** Raised where int32 cannot hold a sum with any number of fraction bits. */
export class SumTooLarge extends Error {}

/** Bits to which a narrow saturates on the way to a grid: 4 where these are its codes. */
export const castBits = (g: FixedGrid): 4 | 8 | 16 =>
  g.codes?.[0] === -8 && g.codes[1] === 7 ? 4 : (g.bits as 8 | 16);

/** A clamp in codes of a grid, infinite where saturation in `bits` already does it. */
export function codes(clamp: Clamp | undefined, g: FixedGrid, bits: number): Clamp {
  const min = clamp && clamp.min !== FREE.min ? codeOf(g, clamp.min) : qmin(g);
  const max = clamp && clamp.max !== FREE.max ? codeOf(g, clamp.max) : qmax(g);
  const top = 2 ** (bits - 1);
  return { min: min <= -top ? FREE.min : min, max: max >= top - 1 ? FREE.max : max };
}

/** The chain with imax and imin behind it, each where its limit is finite. */
export function limited(e: Emitter, chain: Chain, limits: Clamp, at: Site): Chain {
  const steps = [...chain.steps];
  const limit = (x: number) => e.constants.scalar(x, `${at.name}.limit`);
  if (limits.min !== FREE.min) steps.push(step(e, at, "imax", {}, limit(limits.min)));
  if (limits.max !== FREE.max) steps.push(step(e, at, "imin", {}, limit(limits.max)));
  return { start: chain.start, steps };
}

/** A value of the grid's type cut to the grid's codes. */
export function limitChain(e: Emitter, value: ValueId, g: FixedGrid, at: Site): Chain {
  const { start, steps } = limited(e, { start: value, steps: [] }, codes(undefined, g, castBits(g)), at);
  return { start, steps: [...steps, step(e, at, "narrow", { shift: 0, bits: castBits(g) })] };
}

/** The stored value that the form is already: on the same grid, under no clamp that acts. */
function unchanged(e: Emitter, f: Form, g: FixedGrid): ValueId | undefined {
  const [t] = f.terms;
  if (f.terms.length !== 1 || t?.operand.kind !== "value") return undefined;
  const { id } = t.operand.value;
  const { dtype, shape, quant } = e.builder.type(id);
  const sameGrid =
    dtype === DTYPE_OF[g.bits] &&
    quant?.scale[0] === g.scale &&
    quant.zeroPoint === g.zero &&
    (!g.codes || (quant.codes?.[0] === g.codes[0] && quant.codes[1] === g.codes[1]));
  const whole = t.coef.data.every((x) => x === g.scale) && f.offset.data.every((x) => x === 0 - g.scale * g.zero);
  const free = qmin(g) === codes(f.clamp, g, 33).min && qmax(g) === codes(f.clamp, g, 33).max;
  return sameGrid && whole && free && sameShape(shape, f.shape) ? id : undefined;
}

/** Error that rounding one constant may cause, in steps of the grid: a sixteenth of an 8-bit step, a whole 16-bit one, of fewer bits less. */
const tolerance = (g: FixedGrid): number => (g.bits === 8 ? 2 ** (codeBits(g) - 12) : 1);

/**
 * As many fraction bits as int32 is proven to hold, or those of a value that already has the grid's scale in it; undefined where
 * int32 does not hold the sum without any.
 */
function fractional(f: Form, g: FixedGrid): { readonly bits: number; readonly plan: Plan } | undefined {
  const planned = (bits: number) => planSum(f, g.scale / 2 ** bits, g.zero * 2 ** bits, (tolerance(g) / 2) * 2 ** bits);
  let bits = FRACTION_BITS - (g.bits - 8);
  while (bits > 0 && planned(bits).total > INT32_LIMIT) bits--;
  const plan = planned(bits);
  if (plan.total > INT32_LIMIT) return undefined;
  for (const t of f.terms) {
    if (t.operand.kind !== "value" || !t.operand.value.int32 || !isUniform(t.coef)) continue;
    const own = Math.log2(g.scale / t.coef.data[0]!);
    if (Number.isInteger(own) && own >= 6 && own <= bits) return { bits: own, plan: planned(own) };
  }
  return { bits, plan };
}

/** The form as a value of 30 bits for a 16-bit grid whose steps are finer: what 8 bits can be proven to hold keeps 7 bits or more. */
function coarse(e: Emitter, f: Form, g: FixedGrid, at: Site): Form {
  if (g.bits !== 16 || sumBound(f) / g.scale > 2 ** 39)
    throw new SumTooLarge("its value can exceed 2^31 steps of its own grid");
  const m = materialize(e, f, 2 ** 30, undefined, { loc: at.loc, name: `${at.name}.t` });
  return valueForm(m.id, e.builder.type(m.id), m.unit, 0, m.bound);
}

/** One GEMM whose constants all fit its bias: requantized by a single rounding. */
function single(f: Form, g: FixedGrid): { readonly bits: number; readonly plan: Plan } | undefined {
  if (f.terms.length !== 1 || f.terms[0]!.operand.kind !== "gemm") return undefined;
  const plan = planSum(f, g.scale, g.zero, tolerance(g));
  return plan.extra || isZero(plan.offset) ? { bits: 0, plan } : undefined;
}

/** One integer of which far more is proven than the grid holds: imul saturates to it. */
function saturating(f: Form, g: FixedGrid): Plan | undefined {
  const [t] = f.terms;
  if (f.terms.length !== 1 || t?.operand.kind !== "value" || !isZero(f.offset)) return undefined;
  const plan = planSum(f, g.scale, 0, 0);
  return plan.total > INT32_LIMIT && plan.terms.every((s) => !s.exact) ? plan : undefined;
}

/** The saturated product, cut to the grid before its zero point is added. */
function saturatingChain(e: Emitter, f: Form, g: FixedGrid, plan: Plan, limits: Clamp, at: Site): Chain {
  const cut = { min: qmin(g) - g.zero, max: qmax(g) - g.zero };
  const product = sumChain(e, plan, f.shape, at);
  if (g.zero === 0) return limited(e, product, limits, at);
  const { start, steps } = limited(e, product, cut, at);
  const zero = e.constants.scalar(g.zero, `${at.name}.offset`);
  return limited(e, { start, steps: [...steps, step(e, at, "iadd", {}, zero)] }, limits, at);
}

/** A chain of at least one node, which carries the grid and the name. */
const named = (e: Emitter, chain: Chain, at: Site): Chain =>
  chain.steps.length > 0
    ? chain
    : { start: chain.start, steps: [step(e, at, "iadd", {}, e.constants.scalar(0, `${at.name}.zero`))] };

/** Emits the form rounded to a grid; see docs/quantization.md, "Narrowing". */
export function narrowTo(e: Emitter, f: Form, g: FixedGrid, at: Site): ValueId {
  const same = unchanged(e, f, g);
  if (same !== undefined) return same;
  if (g.rounding) return narrowImported(e, f, g, at);
  const limits = codes(f.clamp, g, g.bits === 32 ? 32 : castBits(g));
  if (g.bits === 32) return emitChain(named(e, limited(e, wideSum(e, f, g, at), limits, at), at), at, g);
  const cast = (shift: number) => step(e, at, "narrow", { shift, bits: castBits(g) });
  const far = saturating(f, g);
  if (far) {
    const { start, steps } = saturatingChain(e, f, g, far, limits, at);
    return emitChain({ start, steps: [...steps, cast(0)] }, at, g);
  }
  const own = single(f, g) ?? fractional(f, g);
  if (!own) return narrowTo(e, coarse(e, f, g, at), g, at);
  const { bits, plan } = own;
  const unit = 2 ** bits;
  const { start, steps } = limited(
    e,
    sumChain(e, plan, f.shape, at),
    { min: limits.min * unit, max: limits.max * unit },
    at,
  );
  return emitChain({ start, steps: [...steps, cast(bits)] }, at, g);
}

/** Error that rounding one constant of a sum of 30 bits may cause, of its bound. */
function wideTolerance(f: Form, bound: number): number {
  const digits = f.terms.some((t) => t.operand.kind === "value" && t.operand.value.digits);
  return bound / 2 ** (digits ? 24 : 16);
}

/** Where the grid is narrower than the sum's bound, a saturating imul follows the sum. */
function wideSum(e: Emitter, f: Form, g: FixedGrid, at: Site): Chain {
  const plan = planSum(f, g.scale, g.zero, wideTolerance(f, sumBound(f) / g.scale));
  if (plan.total <= INT32_LIMIT || f.terms.length === 0) return sumChain(e, plan, f.shape, at);
  const { clamp: _, ...free } = f;
  const m = materialize(e, free, 2 ** 30, undefined, { loc: at.loc, name: `${at.name}.t` });
  const all = valueForm(m.id, e.builder.type(m.id), m.unit, 0, m.bound);
  return sumChain(e, planSum(all, g.scale, g.zero, 0), f.shape, at);
}

/** real = unit * value, |value| <= bound. */
export interface Materialized {
  readonly range: readonly [number, number];
  readonly id: ValueId;
  readonly unit: number;
  readonly bound: number;
}

/**
 * Emits the form, clamp included, as an int32 value of magnitude about `limit` at most. `hint` is the scale of the grid
 * that the value reaches through additions alone: where that leaves 6 bits or more, the unit is this scale over a power of
 * two, and the value will join the sum without a multiplication.
 */
export function materialize(e: Emitter, f: Form, limit: number, hint: number | undefined, at: Site): Materialized {
  const top = topOf(f);
  let bits = FRACTION_BITS;
  while (hint !== undefined && bits >= 6 && (top / hint) * 2 ** bits > limit) bits--;
  return materializeIn(e, f, hint !== undefined && bits >= 6 ? hint / 2 ** bits : top / limit, at);
}

/** A step that a value of the form can have and `narrowTo` takes without a multiplication: the grid's over 2^6 or more. */
export function unitOnGrid(f: Form, g: FixedGrid): number | undefined {
  let bits = FRACTION_BITS - (g.bits - 8);
  while (bits >= 6 && (topOf(f) / g.scale) * 2 ** bits > 2 ** 29) bits--;
  return g.bits <= 16 && !g.rounding && bits >= 6 ? g.scale / 2 ** bits : undefined;
}

/** A bound on the magnitude of the form and of its clamp's limits. */
export function topOf(f: Form): number {
  const clamp = f.clamp ?? FREE;
  const far = Math.max(Number.isFinite(clamp.min) ? clamp.min : 0, Number.isFinite(clamp.max) ? -clamp.max : 0);
  return Math.max(sumBound(f), far) || 1;
}

/** Emits the form, clamp included, as an int32 value in a given unit, which must leave room for its bound. */
export function materializeIn(e: Emitter, f: Form, unit: number, at: Site): Materialized {
  const clamp = f.clamp ?? FREE;
  const top = topOf(f);
  const plan = planSum(f, unit, 0, wideTolerance(f, top / unit));
  if (plan.total > INT32_LIMIT) throw new CompilerBug("quantize", `${at.name} leaves its proven bound`);
  const min = clamp.min / unit <= -plan.total ? FREE.min : roundHalfEven(clamp.min / unit);
  const max = clamp.max / unit >= plan.total ? FREE.max : roundHalfEven(clamp.max / unit);
  const grid: FixedGrid = { bits: 32, scale: unit, zero: 0 };
  const id = emitChain(limited(e, sumChain(e, plan, f.shape, at), { min, max }, at), at, grid);
  const bound = Math.min(Math.ceil(plan.total), Math.max(Math.abs(min), Math.abs(max)));
  return { id, unit, bound, range: [Math.max(min, -Math.ceil(plan.total)), Math.min(max, Math.ceil(plan.total))] };
}

/**
 * The unit of a form in fixed point of `bits` bits; the coarsest of those that numbers have in it, where that is near: they then
 * add up as they are.
 */
function fixedUnit(f: Form, bits: number): number {
  const finest = 2 ** -fractionFor(topOf(f), bits);
  const units = f.terms.map((t) =>
    t.operand.kind === "value" && t.operand.value.number?.unit === t.coef.data[0] ? t.coef.data[0]! : 0,
  );
  const coarsest = Math.max(0, ...units);
  return coarsest >= finest && coarsest <= 4 * finest ? coarsest : finest;
}

/** Emits the form, clamp included, in steps of a power of two and `bits` bits; one that is an integer in such steps keeps them. */
export function fixedPoint(e: Emitter, f: Form, bits: number, at: Site): Materialized {
  const [t] = f.terms;
  const unit = t?.coef.data[0] ?? 0;
  const direct =
    f.terms.length === 1 &&
    t?.operand.kind === "value" &&
    t.operand.value.int32 &&
    t.coef.data.length === 1 &&
    unit > 0 &&
    Number.isInteger(Math.log2(unit)) &&
    isZero(f.offset) &&
    sameShape(e.builder.type(t.operand.value.id).shape, f.shape);
  if (!direct) return materializeIn(e, f, fixedUnit(f, bits), at);
  const { id, bound } = t.operand.value;
  const { min, max } = f.clamp ?? FREE;
  const limits = {
    min: min / unit <= -bound ? FREE.min : roundHalfEven(min / unit),
    max: max / unit >= bound ? FREE.max : roundHalfEven(max / unit),
  };
  const chain = limited(e, { start: id, steps: [] }, limits, at);
  const range = [Math.max(limits.min, -bound), Math.min(limits.max, bound)] as const;
  return { id: emitChain(chain, at, { bits: 32, scale: unit, zero: 0 }), unit, bound, range };
}
