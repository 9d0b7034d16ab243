import { type NodeOf, type Rounding, sameShape, type ValueId } from "@accelc/ir";
import type { Context } from "./context.js";
import { type Clamp, type Form, scaleForm, valueForm } from "./form.js";
import { type FixedGrid, importedGrid, qmax, qmin } from "./grid.js";
import { castBits, codes, limited, narrowTo } from "./narrow.js";
import { add, isZero, map, type Real } from "./real.js";
import {
  type Chain,
  type Emitter,
  emitChain,
  INT32_LIMIT,
  type Plan,
  planSum,
  ride,
  type Site,
  step,
  sumChain,
} from "./sum.js";

/** Most fraction bits of a sum that is rounded to a grid of the model. */
const MOST_FRACTION = 24;
/** Error of a bias, in steps of the grid, that passes for none: what binary32 scales leave of an exact one. */
const NO_ERROR = 2 ** -12;
const FREE: Clamp = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

const NEAREST: ReadonlySet<Rounding> = new Set<Rounding>(["even", "odd", "halfAway", "halfZero"]);
const whole = (a: Real, unit: number): boolean => a.data.every((x) => Number.isInteger(x * unit));

/** Coefficients and offset in steps of the grid. */
const inSteps = (f: Form, g: FixedGrid): Real[] =>
  [...f.terms.map((t) => t.coef), f.offset].map((a) => map(a, (x) => x / g.scale));

/** Any binary64 number of ordinary size is a whole number over 2^52; up to this it is one by its meaning. */
const MOST_EXACT = 40;

/** The least number of fraction bits with which the form is a sum of integers; undefined where there is none. */
function exactBits(f: Form, g: FixedGrid): number | undefined {
  const steps = inSteps(f, g);
  for (let n = 0; n <= MOST_EXACT; n++) if (steps.every((a) => whole(a, 2 ** n))) return n;
  return undefined;
}

/**
 * Are coefficients whole numbers over 2^16 but for what binary32 scales leave of them: 0.05 / 0.04? Then values come so close to
 * ties that the float model's own arithmetic rounds them onto ties.
 */
const nearTies = (f: Form, g: FixedGrid): boolean =>
  inSteps({ ...f, offset: { shape: [], data: Float64Array.of(0) } }, g).every((a) =>
    a.data.every((x) => Math.abs(x * 2 ** 16 - Math.round(x * 2 ** 16)) <= Math.min(0.25, Math.abs(x) * 2 ** -6)),
  );

/** Is the integer in the bias the offset's part but for what binary32 scales leave? */
const exactly = (coefficient: number, part: number, extra: number): boolean =>
  Math.abs(part - extra * coefficient) <= NO_ERROR;

/** The sum in units of scale / 2^bits, without the zero point. */
function planned(f: Form, g: FixedGrid, bits: number): Plan {
  const plan = planSum(f, g.scale / 2 ** bits, 0, 0);
  const [t] = f.terms;
  if (f.terms.length !== 1 || t?.operand.kind !== "gemm" || plan.extra) return plan;
  const by = (a: Real) => map(a, (x) => x / g.scale);
  const extra = ride(t.operand.gemm, by(t.coef), by(f.offset), exactly);
  return extra ? { ...plan, extra } : plan;
}

const fits = (p: Plan, bits: number, g: FixedGrid): boolean =>
  p.total + 2 ** bits * (1 + Math.abs(g.zero)) <= INT32_LIMIT;

/** t / 2^n rounded in one of the ways, as int32; t has room for 2^n more. */
function rounded(e: Emitter, t: ValueId, n: number, mode: Rounding, at: Site): ValueId {
  const lane = (
    op: "iadd" | "isub" | "ishr" | "iand" | "icmp" | "imul",
    args: readonly (ValueId | number)[],
  ): ValueId => {
    const ids = args.map((a) => (typeof a === "number" ? e.constants.scalar(a, `${at.name}.round`) : a));
    const name = { id: `${at.name}.t` };
    if (op === "icmp") return e.builder.add("icmp", ids, { kind: "ge" }, at.loc, name);
    if (op === "imul") return e.builder.add("imul", ids, { shift: n }, at.loc, name);
    return e.builder.add(op, ids, {}, at.loc, name);
  };
  if (mode === "sign") {
    const yes = lane("icmp", [t, 0]);
    return lane("isub", [lane("iadd", [yes, yes]), 1]);
  }
  if (n === 0) return t;
  const [half, rest] = [2 ** (n - 1), 2 ** n - 1];
  const down = (x: ValueId) => lane("ishr", [x, n]);
  const odd = () => lane("iand", [down(t), 1]);
  const negative = () => lane("ishr", [t, 31]);
  switch (mode) {
    case "even":
      return down(lane("iadd", [lane("iadd", [t, half - 1]), odd()]));
    case "odd":
      return down(lane("isub", [lane("iadd", [t, half]), odd()]));
    case "halfAway":
      return lane("imul", [t, 1]);
    case "halfZero":
      return down(lane("isub", [lane("iadd", [t, half - 1]), negative()]));
    case "floor":
      return down(t);
    case "ceil":
      return down(lane("iadd", [t, rest]));
    case "zero":
      return down(lane("iadd", [t, lane("iand", [negative(), rest])]));
    default:
      return down(lane("isub", [lane("iadd", [t, rest]), lane("iand", [negative(), rest])]));
  }
}

/** Limits codes in units of 2^−bits, their zero point added, and stores them. */
function finish(e: Emitter, codes: Chain, bits: number, g: FixedGrid, limits: Clamp, at: Site): ValueId {
  const unit = 2 ** bits;
  // What int32 does not hold limits no value that it does.
  const [min, max] = [limits.min * unit, limits.max * unit];
  const own = { min: min < -INT32_LIMIT ? FREE.min : min, max: max > INT32_LIMIT ? FREE.max : max };
  const { start, steps } = limited(e, codes, own, at);
  const all = g.bits === 32 ? steps : [...steps, step(e, at, "narrow", { shift: bits, bits: castBits(g) })];
  const none = all.length === 0 ? [step(e, at, "iadd", {}, e.constants.scalar(0, `${at.name}.zero`))] : all;
  return emitChain({ start, steps: none }, at, g);
}

/** Codes before their zero point was added. */
function withZero(e: Emitter, codes: Chain, g: FixedGrid, at: Site): Chain {
  if (g.zero === 0) return codes;
  return { ...codes, steps: [...codes.steps, step(e, at, "iadd", {}, e.constants.scalar(g.zero, `${at.name}.zero`))] };
}

/** Codes within the grid's, before their zero point is added. */
const cut = (e: Emitter, codes: Chain, g: FixedGrid, at: Site): Chain =>
  limited(e, codes, { min: qmin(g) - g.zero, max: qmax(g) - g.zero }, at);

/** A sum, or the one value that it is. */
function chainOf(e: Emitter, p: Plan, shape: readonly number[], at: Site): Chain {
  const [t] = p.terms;
  const same =
    p.terms.length === 1 && t?.operand.kind === "value" && isZero(p.offset) && t.m.data.every((x) => x === 1);
  if (!same || t.operand.kind !== "value") return sumChain(e, p, shape, at);
  return sameShape(e.builder.type(t.operand.value.id).shape, shape)
    ? { start: t.operand.value.id, steps: [] }
    : sumChain(e, p, shape, at);
}

/** The form as codes where no rounding is left to do, or one multiplication does it; undefined elsewhere. */
function once(e: Emitter, f: Form, g: FixedGrid, integral: boolean, ties: boolean, at: Site): Chain | undefined {
  if (integral) {
    const plan = planSum(f, g.scale, g.zero, 0);
    return fits(plan, 0, g) ? chainOf(e, plan, f.shape, at) : undefined;
  }
  const plan = planned(f, g, 0);
  const single = f.terms.length === 1 && f.terms[0]!.operand.kind === "gemm" && (plan.extra || isZero(f.offset));
  if (!NEAREST.has(g.rounding!) || !single || ties) return undefined;
  const codes = sumChain(e, plan, f.shape, at);
  return withZero(e, fits(plan, 0, g) ? codes : cut(e, codes, g, at), g, at);
}

/** A sum that may reach 2^31 steps of its grid: in the least power of two of steps that int32 holds, saturated to steps. */
function coarse(e: Emitter, f: Form, g: FixedGrid, limits: Clamp, at: Site): ValueId {
  let k = 1;
  const plan = () => planSum(f, g.scale * 2 ** k, 0, 0);
  while (plan().total > INT32_LIMIT) k++;
  const sum = sumChain(e, plan(), f.shape, at);
  const factor = e.constants.scalar(2 ** Math.min(k, 30), `${at.name}.step`);
  const codes = { ...sum, steps: [...sum.steps, step(e, at, "imul", { shift: 0 }, factor)] };
  return finish(e, withZero(e, cut(e, codes, g, at), g, at), 0, g, limits, at);
}

/**
 * Emits the form rounded to a grid that the model states, once: to the nearest code in one multiplication where a GEMM and
 * its bias are all there is, else from as many fraction bits as int32 holds; where the form is a sum of integers over a power
 * of two, so that ties occur, exactly as the quantizer rounds them.
 */
export function narrowImported(e: Emitter, f: Form, g: FixedGrid, at: Site): ValueId {
  const mode = g.rounding!;
  const limits = codes(f.clamp, g, g.bits === 32 ? 32 : castBits(g));
  const { clamp, ...free } = f;
  const inner = { loc: at.loc, name: `${at.name}.t` };
  const byHand = (plan: Plan, bits: number): ValueId => {
    const sum = sumChain(e, plan, f.shape, at);
    const t = emitChain(clamp && mode === "sign" ? limited(e, sum, realLimits(clamp, g, bits), at) : sum, inner);
    const q = { start: rounded(e, t, bits, mode, at), steps: [] };
    return finish(e, withZero(e, q, g, at), 0, g, mode === "sign" ? FREE : limits, at);
  };
  const exact = mode === "sign" ? undefined : exactBits(free, g);
  if (exact && exact <= 30) {
    const plan = planned(free, g, exact);
    if (fits(plan, exact, g)) return byHand(plan, exact);
  }
  const ties = exact !== undefined || nearTies(free, g);
  const chain = mode === "sign" ? undefined : once(e, free, g, exact === 0, ties, at);
  if (chain) return finish(e, chain, 0, g, limits, at);
  const nearest = NEAREST.has(mode) && !ties;
  let bits = g.bits === 32 && nearest ? 0 : MOST_FRACTION;
  const plan = () => planSum(free, g.scale / 2 ** bits, nearest ? g.zero * 2 ** bits : 0, 0);
  while (bits > 0 && !fits(plan(), bits, g)) bits--;
  if (!fits(plan(), bits, g)) return coarse(e, free, g, limits, at);
  return nearest ? finish(e, sumChain(e, plan(), f.shape, at), bits, g, limits, at) : byHand(plan(), bits);
}

/** A clamp in units of scale / 2^bits. */
const realLimits = (clamp: Clamp, g: FixedGrid, bits: number): Clamp => ({
  min: Math.round((clamp.min / g.scale) * 2 ** bits),
  max: Math.round((clamp.max / g.scale) * 2 ** bits),
});

/**
 * A value under many scales or zero points: codes q stored under none, and scale * q − scale * zero as its form. `x` has no
 * clamp.
 */
export function manyScales(c: Context, n: NodeOf<"fakeQuant">, x: Form, at: Site): Form {
  const {
    shape,
    scale,
    zero,
    codes: [lo, hi],
    rounding,
  } = n.attrs;
  const real = (f: (i: number) => number): Real => ({ shape, data: Float64Array.from(scale, (_, i) => f(i)) });
  const site = { loc: at.loc, name: `${at.name}.codes` };
  const steps = scaleForm(
    x,
    real((i) => 1 / scale[i]!),
  );
  const unit: FixedGrid = { bits: 32, scale: 1, zero: 0, rounding };
  const whole = narrowTo(c, steps, unit, { ...site, name: `${site.name}.t` });
  const { bits, zero: stored } = importedGrid({ scale: 1, zero: 0, codes: [lo, hi], rounding });
  const moved = step(
    c,
    site,
    "iadd",
    {},
    c.constants.int32(
      real((i) => zero[i]! + stored),
      `${site.name}.zero`,
    ),
  );
  const chain = limited(c, { start: whole, steps: [moved] }, { min: lo + stored, max: hi + stored }, site);
  const last = bits === 32 ? [] : [step(c, site, "narrow", { shift: 0, bits })];
  const q = emitChain({ start: chain.start, steps: [...chain.steps, ...last] }, site);
  const form = valueForm(q, c.builder.type(q), 1, stored, Math.max(-lo - stored, hi + stored));
  const scaled = scaleForm(
    { ...form, shape: x.shape },
    real((i) => scale[i]!),
  );
  return {
    ...scaled,
    offset: add(
      scaled.offset,
      real((i) => 0 - scale[i]! * zero[i]!),
    ),
  };
}
