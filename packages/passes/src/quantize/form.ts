import { broadcastShapes, CompilerBug, type Loc, type TensorType, type ValueId } from "@accelc/ir";
import { add, div, isZero, map, maxAbs, mul, perChannel, type Real, scalar } from "./real.js";

/** A GEMM not yet emitted, because constants still to come may ride in its bias. Its value is Σ w (x − zero). */
export interface PendingGemm {
  readonly id: ValueId;
  readonly loc: Loc;
  readonly channels: number;
  /** Axes to the right of the channel axis. */
  readonly trailing: number;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** Greatest magnitude that a bias may add in channel c without any partial sum leaving int32. */
  room(c: number): number;
  /** Adds the node, with `extra` on top of what the zero point puts into the bias. */
  emit(extra: Int32Array | undefined): ValueId;
}

/** An integer value with a proven bound on its magnitude. */
export interface Known {
  readonly id: ValueId;
  readonly bound: number;
  readonly int32: boolean;
  /** A sum over digits, of which the other digits' sums are fractions: its coefficient needs more bits. */
  readonly digits?: boolean;
  /** The DLFloat value that this is the fixed point of, in units of `unit`. */
  readonly number?: { readonly id: ValueId; readonly unit: number };
}

export type Operand =
  | { readonly kind: "value"; readonly value: Known }
  | { readonly kind: "gemm"; readonly gemm: PendingGemm };

export interface Term {
  readonly operand: Operand;
  readonly coef: Real;
}

/** clamp(Σ coef ⊙ operand + offset): a float value as exact integers under real coefficients, nothing rounded yet. */
export interface Form {
  readonly shape: readonly number[];
  readonly terms: readonly Term[];
  readonly offset: Real;
  readonly clamp?: Clamp;
}

export interface Clamp {
  readonly min: number;
  readonly max: number;
}

export const constantForm = (value: Real): Form => ({ shape: value.shape, terms: [], offset: value });

export const keyOf = (o: Operand): ValueId => (o.kind === "gemm" ? `gemm ${o.gemm.id}` : o.value.id);

/** A stored value as a form; `bound` where more is known than its type says. */
export function valueForm(id: ValueId, t: TensorType, coef: number, zero: number, bound: number): Form {
  const value = { id, bound, int32: t.dtype === "int32" };
  return {
    shape: t.shape,
    terms: [{ operand: { kind: "value", value }, coef: scalar(coef) }],
    offset: scalar(0 - coef * zero),
  };
}

export const gemmOf = (f: Form): PendingGemm | undefined => {
  for (const t of f.terms) if (t.operand.kind === "gemm") return t.operand.gemm;
  return undefined;
};

/** Greatest magnitude of the operand, per channel where it is a GEMM. */
export function boundOf(o: Operand): Real {
  if (o.kind === "value") return scalar(o.value.bound);
  const { lo, hi, trailing } = o.gemm;
  return perChannel(
    lo.map((x, c) => Math.max(-x, hi[c]!)),
    trailing,
  );
}

/** Greatest magnitude of coef ⊙ operand. */
export const reach = (coef: Real, o: Operand): number => maxAbs(mul(coef, boundOf(o)));

/** A proven bound on the magnitude of a form's sum, before its clamp. */
export const sumBound = (f: Form): number =>
  f.terms.reduce((sum, t) => sum + reach(t.coef, t.operand), maxAbs(f.offset));

function broadcast(a: readonly number[], b: readonly number[]): readonly number[] {
  const shape = broadcastShapes(a, b);
  if (!shape) throw new CompilerBug("quantize", `forms [${a}] and [${b}] do not broadcast`);
  return shape;
}

const linear = (f: Form): void => {
  if (f.clamp) throw new CompilerBug("quantize", "a clamped form is not linear");
};

export function addForms(a: Form, b: Form): Form {
  linear(a);
  linear(b);
  const terms = new Map<ValueId, Term>();
  for (const t of [...a.terms, ...b.terms]) {
    const key = keyOf(t.operand);
    const old = terms.get(key);
    terms.set(key, old ? { operand: t.operand, coef: add(old.coef, t.coef) } : t);
  }
  return {
    shape: broadcast(a.shape, b.shape),
    terms: [...terms.values()].filter((t) => !isZero(t.coef)),
    offset: add(a.offset, b.offset),
  };
}

export function scaleForm(f: Form, by: Real): Form {
  linear(f);
  return {
    shape: broadcast(f.shape, by.shape),
    terms: f.terms.map((t) => ({ operand: t.operand, coef: mul(t.coef, by) })).filter((t) => !isZero(t.coef)),
    offset: isZero(f.offset) ? scalar(0) : mul(f.offset, by),
  };
}

export function divideForm(f: Form, by: Real): Form {
  linear(f);
  return {
    shape: broadcast(f.shape, by.shape),
    terms: f.terms.map((t) => ({ operand: t.operand, coef: div(t.coef, by) })),
    offset: isZero(f.offset) ? scalar(0) : div(f.offset, by),
  };
}

export const negateForm = (f: Form): Form => ({
  shape: f.shape,
  terms: f.terms.map((t) => ({ operand: t.operand, coef: map(t.coef, (x) => -x) })),
  offset: map(f.offset, (x) => 0 - x),
});

/** min(max(f, min), max) behind whatever clamp the form has. */
export function clampForm(f: Form, min: number, max: number): Form {
  const bound = (x: number) => Math.min(Math.max(x, min), max);
  const clamp = f.clamp ? { min: bound(f.clamp.min), max: bound(f.clamp.max) } : { min, max };
  return { ...f, clamp };
}
