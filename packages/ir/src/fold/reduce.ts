import type { Reduction } from "../ops.js";
import { allocate, type Data, type DType, elements, isFloat, type TensorType, type Value } from "../types.js";
import { SCALAR_FUNCTIONS } from "./scalar.js";
import { broadcastView, cells, forEachRun } from "./strided.js";

type Scalar = number | bigint;

interface Steps {
  readonly start: number;
  /** Accumulates one element. */
  readonly step: (sum: Scalar, v: Scalar, type: DType) => Scalar;
  /** Of the accumulated value of `count` elements; floats only beyond the sum, integers truncate. */
  readonly last?: (sum: number, count: number) => number;
}

const { add, mul, abs, max, min } = SCALAR_FUNCTIONS;
const plus = (sum: Scalar, v: Scalar, type: DType): Scalar => add.apply([sum, v], type);
const squares = (sum: Scalar, v: Scalar, type: DType): Scalar => plus(sum, mul.apply([v, v], type), type);

const STEPS: Readonly<Record<Exclude<Reduction, "max" | "min" | "logSumExp">, Steps>> = {
  sum: { start: 0, step: plus },
  mean: { start: 0, step: plus, last: (s, n) => s / n },
  prod: { start: 1, step: (s, v, type) => mul.apply([s, v], type) },
  l1: { start: 0, step: (s, v, type) => plus(s, abs.apply([v], type), type) },
  sumSquare: { start: 0, step: squares },
  meanSquare: { start: 0, step: squares, last: (s, n) => s / n },
  l2: { start: 0, step: squares, last: Math.sqrt },
  logSum: { start: 0, step: plus, last: Math.log },
};

interface Folding {
  readonly x: Value;
  readonly kept: readonly number[];
  readonly wide: boolean;
}

/** Calls `visit(group, element)` for every element of x. */
function eachElement({ x, kept }: Folding, visit: (group: number, v: Scalar) => void): void {
  const from = cells(x.data!);
  let at = 0;
  forEachRun(broadcastView(kept, x.type.shape), (offset, stride, length) => {
    for (let i = 0, o = offset; i < length; i++, o += stride) visit(o, from[at++]!);
  });
}

function accumulate(f: Folding, { start, step, last }: Steps): Scalar[] {
  const { dtype, shape } = f.x.type;
  const sums: Scalar[] = new Array(elements(f.kept)).fill(f.wide ? BigInt(start) : start);
  eachElement(f, (group, v) => {
    sums[group] = step(sums[group]!, v, dtype);
  });
  if (!last) return sums;
  const count = elements(shape) / Math.max(sums.length, 1);
  return sums.map((s) => {
    const y = last(Number(s), count);
    if (isFloat(dtype)) return y;
    const whole = Number.isFinite(y) ? Math.trunc(y) : 0;
    return f.wide ? BigInt(whole) : whole;
  });
}

/** What the maximum (minimum) of nothing is: -inf (+inf), or the type's least (greatest) value. */
function neutral(kind: "max" | "min", dtype: DType): Scalar {
  if (isFloat(dtype)) return kind === "max" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (dtype === "bool") return kind === "max" ? 0 : 1;
  const bits = BigInt(allocate(dtype, 1).BYTES_PER_ELEMENT * 8);
  const signed = dtype.startsWith("int");
  const least = signed ? -(2n ** (bits - 1n)) : 0n;
  const bound = kind === "max" ? least : least + 2n ** bits - 1n;
  return bits === 64n ? bound : Number(bound);
}

function extreme(f: Folding, kind: "max" | "min"): Scalar[] {
  const best: Scalar[] = new Array(elements(f.kept)).fill(neutral(kind, f.x.type.dtype));
  const { apply } = kind === "max" ? max : min;
  eachElement(f, (group, v) => {
    best[group] = apply([best[group]!, v]);
  });
  return best;
}

/** max + log Σ e^(x − max). */
function logSumExp(f: Folding): Scalar[] {
  const top = extreme(f, "max").map((m) => (Number.isFinite(Number(m)) ? Number(m) : 0));
  const sums = new Array<number>(top.length).fill(0);
  eachElement(f, (group, v) => {
    sums[group]! += Math.exp(Number(v) - top[group]!);
  });
  return sums.map((s, i) => top[i]! + Math.log(s));
}

/**
 * Reduction of a constant over `axes` (non-negative). Floats keep double precision until the store, integers wrap. Sums
 * of nothing are 0, products 1, extremes the type's own bound.
 */
export function foldReduce(
  kind: Reduction,
  x: Value,
  axes: readonly number[],
  keep: boolean,
): { type: TensorType; data: Data } {
  const { dtype, shape } = x.type;
  const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
  const wide = dtype === "int64" || dtype === "uint64";
  const f: Folding = { x, kept, wide };
  const values =
    kind === "max" || kind === "min"
      ? extreme(f, kind)
      : kind === "logSumExp"
        ? logSumExp(f)
        : accumulate(f, STEPS[kind]);
  const data = allocate(dtype, values.length);
  const out = cells(data);
  values.forEach((v, i) => {
    out[i] = v;
  });
  return { type: { dtype, shape: keep ? kept : shape.filter((_, i) => !axes.includes(i)) }, data };
}
