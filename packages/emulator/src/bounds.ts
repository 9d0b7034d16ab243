import { type Inst, PAD_RUN } from "@accelc/isa";
import { type Machine, trap } from "./state.js";

/** One PAD_DIM: an inner loop, or PAD_RUN for the run itself, and an outer loop. */
export interface BoundTerm {
  readonly inner: number;
  readonly outer: number | undefined;
}

/**
 * low <= Σ terms < high. A PAD_DIM that directly follows another of its target, no PAD_LOW or PAD_HIGH between them,
 * adds a term to the bound instead of beginning one.
 */
export interface Bound {
  readonly terms: BoundTerm[];
  low: number;
  high: number;
  /** A PAD_LOW or PAD_HIGH has come: the next PAD_DIM begins another bound. */
  closed: boolean;
}

export interface Padding {
  readonly bounds: Bound[];
  fill: number;
}

export const noPadding = (): Padding => ({ bounds: [], fill: 0 });

/** Terms of all bounds of a transfer: what one run costs to check stays bounded. */
const MOST_TERMS = 64;

export function addPadDim(m: Machine, padding: Padding, inst: Inst<"pad_dim">): void {
  if (padding.bounds.reduce((n, b) => n + b.terms.length, 0) === MOST_TERMS) {
    throw trap(m, "transfer", { what: inst.op, reason: `the bounds of a target have more than ${MOST_TERMS} terms` });
  }
  const term = { inner: inst.inner, outer: inst.has_outer === 1 ? inst.outer : undefined };
  const last = padding.bounds.at(-1);
  if (last !== undefined && !last.closed) last.terms.push(term);
  else padding.bounds.push({ terms: [term], low: 0, high: 0x7fffffff, closed: false });
}

type LimitOp = "pad_low" | "pad_low_hi" | "pad_high" | "pad_high_hi";

export function setLimit(m: Machine, padding: Padding, op: LimitOp, imm: number): void {
  const bound = padding.bounds.at(-1);
  if (bound === undefined) throw trap(m, "transfer", { what: op, reason: "no bound was begun for this target" });
  bound.closed = true;
  if (op === "pad_low") bound.low = imm;
  else if (op === "pad_low_hi") bound.low = withHigh(bound.low, imm);
  else if (op === "pad_high") bound.high = imm;
  else bound.high = withHigh(bound.high, imm);
}

const withHigh = (value: number, imm: number): number => (value & 0xffff) | (imm << 16);

/** DRAM strides a bound refers to, in bytes. */
export interface StrideLookup {
  readonly inner: (loop: number) => number;
  readonly outer: (loop: number) => number;
  /** Bytes of one unit of the run. */
  readonly run: number;
}

/** A bound with its strides divided out: coordinate = Σ outer + Σ inner + perUnit · unit of the run. */
export interface LinearBound {
  readonly low: number;
  readonly high: number;
  readonly outers: readonly { readonly loop: number; readonly factor: number }[];
  readonly inners: readonly { readonly loop: number; readonly factor: number }[];
  readonly perUnit: number;
}

/** Divides every stride of the bound by that of its first inner loop; a ratio that is not an integer traps. */
export function linearize(m: Machine, bound: Bound, strides: StrideLookup): LinearBound {
  const strideOf = (inner: number) => (inner === PAD_RUN ? strides.run : strides.inner(inner));
  const unit = strideOf(bound.terms[0].inner);
  const ratio = (stride: number) => {
    if (stride === 0) return 0;
    if (unit === 0 || stride % unit !== 0) throw trap(m, "padRatio", { outer: stride, inner: unit });
    return stride / unit;
  };
  const inners: { loop: number; factor: number }[] = [];
  const outers: { loop: number; factor: number }[] = [];
  let perUnit = 0;
  bound.terms.forEach(({ inner, outer }, i) => {
    if (inner === PAD_RUN) perUnit += ratio(strides.run);
    else inners.push({ loop: inner, factor: i === 0 ? 1 : ratio(strideOf(inner)) });
    if (outer !== undefined) outers.push({ loop: outer, factor: ratio(strides.outer(outer)) });
  });
  return { low: bound.low, high: bound.high, inners, outers, perUnit };
}
