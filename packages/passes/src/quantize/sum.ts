import {
  broadcastShapes,
  CompilerBug,
  type GraphBuilder,
  type Loc,
  type NewValue,
  type OpAttrs,
  type OpName,
  sameShape,
  type ValueId,
} from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import type { Constants } from "./constants.js";
import { type Form, type Operand, type PendingGemm, reach, type Term } from "./form.js";
import { type FixedGrid, quantOf } from "./grid.js";
import { add, channels, isZero, map, maxAbs, type Real, scalar } from "./real.js";

export const INT32_LIMIT = 2 ** 31 - 1;

export interface Emitter {
  readonly builder: GraphBuilder;
  readonly constants: Constants;
}

/** Where emitted nodes come from: their location, and the name that theirs are built on. */
export interface Site {
  readonly loc: Loc;
  readonly name: string;
  /** ONNX tensor that the result stands for. */
  readonly source?: string;
}

/** One node of a chain in which each takes the one before it as an operand. */
type Step = (before: ValueId | undefined, as: NewValue) => ValueId;

/** A chain of nodes: a value to begin with, if any, and the nodes behind it. */
export interface Chain {
  readonly start: ValueId | undefined;
  readonly steps: readonly Step[];
}

/** Emits a chain; its last node takes the site's name and source, and the grid where the result has one. */
export function emitChain(chain: Chain, at: Site, grid?: FixedGrid): ValueId {
  const last: NewValue = {
    id: at.name,
    ...(at.source === undefined ? {} : { source: at.source }),
    ...(grid ? { quant: quantOf(grid) } : {}),
  };
  let value = chain.start;
  chain.steps.forEach((step, i) => {
    value = step(value, i === chain.steps.length - 1 ? last : { id: `${at.name}.t` });
  });
  if (value === undefined) throw new CompilerBug("quantize", `nothing to emit for ${at.name}`);
  return value;
}

/** A step that feeds the chain's value, then `more`, to an operation. */
export const step =
  <K extends OpName>(e: Emitter, at: Site, op: K, attrs: OpAttrs[K], ...more: readonly ValueId[]): Step =>
  (before, as) =>
    e.builder.add(op, before === undefined ? more : [before, ...more], attrs, at.loc, as);

interface Scaled extends Term {
  readonly m: Real;
  /** By the rounded coefficient without a shift; otherwise by imul, which saturates, as accumulators always are. */
  readonly exact: boolean;
  /** Greatest magnitude of the term as it is computed. */
  readonly bound: number;
}

/** A form in some unit: coefficients m, offset, and a bound on every partial sum. */
export interface Plan {
  readonly terms: readonly Scaled[];
  readonly offset: Real;
  /** The offset as integers in the bias of the form's GEMM, where it can go there. */
  readonly extra: Int32Array | undefined;
  readonly total: number;
}

/**
 * What an offset comes to in the bias of a GEMM with coefficients m, where it goes there: in every channel there is room, and
 * `fits(coefficient, part, extra)` holds of the offset's part and of the integer that stands for it.
 */
export function ride(
  gemm: PendingGemm,
  m: Real,
  offset: Real,
  fits: (coefficient: number, part: number, extra: number) => boolean,
): Int32Array | undefined {
  const coef = channels(m, gemm.channels, gemm.trailing);
  const part = channels(offset, gemm.channels, gemm.trailing);
  if (!coef || !part) return undefined;
  const out = new Int32Array(gemm.channels);
  for (let c = 0; c < out.length; c++) {
    if (part[c] === 0) continue;
    const extra = roundHalfEven(part[c]! / coef[c]!);
    if (!fits(coef[c]!, part[c]!, extra) || !(Math.abs(extra) <= gemm.room(c))) return undefined;
    out[c] = extra;
  }
  return out;
}

function scale(t: Term, unit: number, tolerance: number): Scaled {
  const m = map(t.coef, (x) => x / unit);
  const error = reach(
    map(m, (x) => x - roundHalfEven(x)),
    t.operand,
  );
  const exact = t.operand.kind === "value" && error <= tolerance;
  const rounding = t.operand.kind === "gemm" ? 1 + maxAbs(m) : exact ? error : 1;
  return { ...t, m, exact, bound: reach(m, t.operand) + rounding };
}

/** Rounding one coefficient or a bias may each cause an error of `tolerance` units. */
export function planSum(f: Form, unit: number, zero: number, tolerance: number): Plan {
  const terms = f.terms.map((t) => scale(t, unit, tolerance));
  const offset = add(
    map(f.offset, (x) => x / unit),
    scalar(zero),
  );
  let extra: Int32Array | undefined;
  const gemms = terms.flatMap((t) => (t.operand.kind === "gemm" ? [{ gemm: t.operand.gemm, m: t.m }] : []));
  const fits = (coefficient: number) => !(Math.abs(coefficient) > 2 * tolerance);
  if (gemms.length === 1 && !isZero(offset)) extra = ride(gemms[0]!.gemm, gemms[0]!.m, offset, fits);
  return { terms, offset, extra, total: terms.reduce((s, t) => s + t.bound, maxAbs(offset) + 1) };
}

/** Largest shift up to 62 under which every multiplier is an int32. */
function shiftFor(m: Real): number {
  const top = maxAbs(m);
  let s = 62;
  while (s > 0 && roundHalfEven(top * 2 ** s) > INT32_LIMIT) s--;
  return s;
}

const isDirect = (t: Scaled): boolean =>
  t.m.data.every((x) => x === 1) && (t.operand.kind === "gemm" || t.operand.value.int32);

/** The nodes that compute the plan's sum: accumulators by imul, then the offset, then the exact products by imacc. */
export function sumChain(e: Emitter, p: Plan, shape: readonly number[], at: Site): Chain {
  const steps: Step[] = [];
  let start: ValueId | undefined;
  let got: readonly number[] = [];
  const seen = (id: ValueId): ValueId => {
    got = broadcastShapes(got, e.builder.type(id).shape) ?? got;
    return id;
  };
  const operand = (o: Operand) => seen(o.kind === "value" ? o.value.id : o.gemm.emit(p.extra));
  const constant = (a: Real, what: string) => seen(e.constants.int32(map(a, roundHalfEven), `${at.name}.${what}`));
  const empty = () => start === undefined && steps.length === 0;
  const plus = (id: ValueId) => {
    if (empty()) start = id;
    else steps.push(step(e, at, "iadd", {}, id));
  };
  const rest = p.terms.filter((t) => !isDirect(t));
  const inexact = rest.filter((t) => !t.exact);
  for (const t of p.terms) if (isDirect(t)) plus(operand(t.operand));
  for (const t of inexact) {
    const shift = shiftFor(t.m);
    const factors = [
      operand(t.operand),
      constant(
        map(t.m, (x) => x * 2 ** shift),
        "multiplier",
      ),
    ];
    if (empty()) steps.push(product(e, at, shift, factors));
    else plus(product(e, at, shift, factors)(undefined, { id: `${at.name}.t` }));
  }
  if (!p.extra && (!isZero(p.offset) || p.terms.length === 0)) plus(constant(p.offset, "offset"));
  for (const t of rest) {
    if (!t.exact) continue;
    const factors = [operand(t.operand), constant(t.m, "multiplier")];
    steps.push(empty() ? product(e, at, 0, factors) : step(e, at, "imacc", {}, ...factors));
  }
  if (!sameShape(got, shape)) steps.push(step(e, at, "expand", { shape }));
  return { start, steps };
}

const product =
  (e: Emitter, at: Site, shift: number, factors: readonly ValueId[]): Step =>
  (_, as) =>
    e.builder.add("imul", factors, { shift }, at.loc, as);
