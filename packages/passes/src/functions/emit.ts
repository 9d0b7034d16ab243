import {
  type Comparison,
  CompilerBug,
  type GraphBuilder,
  type Loc,
  type OpAttrs,
  type OpName,
  type ValueId,
} from "@accelc/ir";
import { INT32_MAX, INT32_MIN, roundHalfEven } from "@accelc/numerics";

/** An integer value of the graph and the proven range of its elements. */
export interface Lane {
  readonly id: ValueId;
  readonly lo: number;
  readonly hi: number;
}

/** An operand: a value, or an integer that becomes an immediate. */
export type Arg = Lane | number;

/** Where emitted nodes come from. */
export interface EmitSite {
  readonly loc: Loc;
  readonly name: string;
}

/** What an emitter writes to: a graph under construction and its scalar constants. */
export interface EmitTarget {
  readonly builder: GraphBuilder;
  scalar(value: number, id: string): ValueId;
}

const inInt32 = (lo: number, hi: number): boolean => lo >= INT32_MIN && hi <= INT32_MAX;
const saturated = (x: number): number => Math.max(INT32_MIN, Math.min(INT32_MAX, x));

/** The least power of two not below x > 0, as an exponent. */
export function ceilLog2(x: number): number {
  let k = Math.ceil(Math.log2(x));
  while (2 ** k < x) k++;
  while (2 ** (k - 1) >= x) k--;
  return k;
}

/** The factor m / 2^shift nearest to `real` with an int32 m and 0 <= shift <= 62. */
export function multiplier(real: number): { readonly m: number; readonly shift: number } {
  let shift = 62;
  const m = (s: number) => roundHalfEven(real * 2 ** s);
  while (shift > 0 && Math.abs(m(shift)) > INT32_MAX) shift--;
  if (Math.abs(m(shift)) > INT32_MAX) throw new CompilerBug("functions", `no int32 multiplier for ${real}`);
  return { m: m(shift), shift };
}

/**
 * Emits integer operations and carries the interval of every result. An operation that could leave int32 is a CompilerBug
 * at build time, unless it saturates by definition.
 */
export class Emit {
  /** Interval of every value emitted, for tests. */
  readonly proven = new Map<ValueId, readonly [number, number]>();

  constructor(
    private readonly target: EmitTarget,
    private readonly site: EmitSite,
  ) {}

  get builder(): GraphBuilder {
    return this.target.builder;
  }

  shape(x: Lane): readonly number[] {
    return this.builder.type(x.id).shape;
  }

  private id(a: Arg): ValueId {
    return typeof a === "number" ? this.target.scalar(a, `${this.site.name}.c`) : a.id;
  }

  /** Any operation whose result the caller bounds. */
  op<K extends OpName>(op: K, inputs: readonly Arg[], attrs: OpAttrs[K], lo: number, hi: number): Lane {
    if (!inInt32(lo, hi)) throw new CompilerBug("functions", `${this.site.name}: ${op} may give ${lo} to ${hi}`);
    const id = this.builder.add(
      op,
      inputs.map((a) => this.id(a)),
      attrs,
      this.site.loc,
      { id: `${this.site.name}.f` },
    );
    this.proven.set(id, [lo, hi]);
    return { id, lo, hi };
  }

  /** A tighter interval that the caller knows where intervals lose the relation between operands. */
  refine(x: Lane, lo: number, hi: number): Lane {
    const tight = { id: x.id, lo: Math.max(x.lo, lo), hi: Math.min(x.hi, hi) };
    this.proven.set(x.id, [tight.lo, tight.hi]);
    return tight;
  }

  /** An operation whose interval is refined before it is checked. */
  private within<K extends OpName>(
    op: K,
    inputs: readonly Arg[],
    attrs: OpAttrs[K],
    lo: number,
    hi: number,
    known: readonly [number, number] | undefined,
  ): Lane {
    return this.op(op, inputs, attrs, Math.max(lo, known?.[0] ?? lo), Math.min(hi, known?.[1] ?? hi));
  }

  add(a: Arg, b: Arg, known?: readonly [number, number]): Lane {
    const [x, y] = [range(a), range(b)];
    if (b === 0 && typeof a !== "number") return a;
    return this.within("iadd", [a, b], {}, x.lo + y.lo, x.hi + y.hi, known);
  }

  sub(a: Arg, b: Arg, known?: readonly [number, number]): Lane {
    const [x, y] = [range(a), range(b)];
    if (b === 0 && typeof a !== "number") return a;
    return this.within("isub", [a, b], {}, x.lo - y.hi, x.hi - y.lo, known);
  }

  private product(a: Arg, b: Arg, shift: number): readonly [number, number] {
    const [x, y] = [range(a), range(b)];
    const ends = [x.lo * y.lo, x.lo * y.hi, x.hi * y.lo, x.hi * y.hi].map((p) => p / 2 ** shift);
    const slack = shift === 0 ? 0 : 0.5;
    return [Math.ceil(Math.min(...ends) - slack) + 0, Math.floor(Math.max(...ends) + slack) + 0];
  }

  /** round(a b / 2^shift), proven to fit. */
  mul(a: Arg, b: Arg, shift = 0, known?: readonly [number, number]): Lane {
    const [lo, hi] = this.product(a, b, shift);
    return this.within("imul", [a, b], { shift }, lo, hi, known);
  }

  /** round(a b / 2^shift), saturating. */
  mulSat(a: Arg, b: Arg, shift: number): Lane {
    const [lo, hi] = this.product(a, b, shift);
    return this.op("imul", [a, b], { shift }, saturated(lo), saturated(hi));
  }

  /** x times a real constant, rounded, saturating; no instruction for 1. */
  scale(x: Lane, by: number): Lane {
    if (by === 1) return x;
    const k = Math.log2(by);
    // One step is the whole range or more: a product with 2^31, which no immediate holds.
    if (Math.abs(by) > INT32_MAX && !(k === 31 && inInt32(x.lo * by, x.hi * by)))
      return this.mulSat(this.mulSat(x, 2 ** 30, 0), 2 * Math.sign(by), 0);
    if (Number.isInteger(k) && k > 0 && k <= 31 && inInt32(x.lo * by, x.hi * by)) return this.shl(x, k);
    const { m, shift } = multiplier(by);
    return this.mulSat(x, m, shift);
  }

  /** Left shift by a constant, proven to fit. */
  shl(x: Lane, by: number): Lane {
    return by === 0 ? x : this.op("ishl", [x, by], {}, x.lo * 2 ** by, x.hi * 2 ** by);
  }

  /** Floor of x / 2^by. */
  shr(x: Lane, by: number): Lane {
    return by === 0 ? x : this.op("ishr", [x, by], {}, Math.floor(x.lo / 2 ** by), Math.floor(x.hi / 2 ** by));
  }

  /** The low `bits` bits. */
  low(x: Lane, bits: number): Lane {
    return this.op("iand", [x, 2 ** bits - 1], {}, 0, 2 ** bits - 1);
  }

  max(a: Arg, b: Arg): Lane {
    const [x, y] = [range(a), range(b)];
    if (typeof a !== "number" && x.lo >= y.hi) return a;
    return this.op("imax", [a, b], {}, Math.max(x.lo, y.lo), Math.max(x.hi, y.hi));
  }

  min(a: Arg, b: Arg): Lane {
    const [x, y] = [range(a), range(b)];
    if (typeof a !== "number" && x.hi <= y.lo) return a;
    return this.op("imin", [a, b], {}, Math.min(x.lo, y.lo), Math.min(x.hi, y.hi));
  }

  clamp(x: Lane, lo: number, hi: number): Lane {
    return this.min(this.max(x, lo), hi);
  }

  abs(x: Lane): Lane {
    if (x.lo >= 0) return x;
    const top = Math.min(INT32_MAX, Math.max(-x.lo, x.hi));
    return this.op("iabs", [x], {}, x.hi < 0 ? -x.hi : 0, top);
  }

  sign(x: Lane): Lane {
    return this.op("isign", [x], {}, Math.sign(x.lo), Math.sign(x.hi));
  }

  cmp(kind: Comparison, a: Arg, b: Arg): Lane {
    return this.op("icmp", [a, b], { kind }, 0, 1);
  }

  select(c: Lane, a: Arg, b: Arg): Lane {
    const [x, y] = [range(a), range(b)];
    return this.op("select", [c, a, b], {}, Math.min(x.lo, y.lo), Math.max(x.hi, y.hi));
  }

  /** Quotient truncated toward zero; a divisor that may be 0 gives anything in int32. */
  div(a: Arg, b: Arg): Lane {
    const [x, y] = [range(a), range(b)];
    if (y.lo <= 0 && y.hi >= 0) return this.op("idiv", [a, b], {}, INT32_MIN, INT32_MAX);
    const ends = [x.lo / y.lo, x.lo / y.hi, x.hi / y.lo, x.hi / y.hi].map((q) => saturated(Math.trunc(q) + 0));
    return this.op("idiv", [a, b], {}, Math.min(...ends), Math.max(...ends));
  }

  and(a: Lane, b: Arg): Lane {
    const y = range(b);
    const top = y.lo >= 0 ? y.hi : INT32_MAX;
    return this.op("iand", [a, b], {}, y.lo >= 0 ? 0 : INT32_MIN, a.lo >= 0 ? Math.min(top, a.hi) : top);
  }

  reduce(kind: "max" | "min" | "sum", x: Lane, axes: readonly number[]): Lane {
    const n = kind === "sum" ? axes.reduce((p, a) => p * this.shape(x)[a]!, 1) : 1;
    return this.op("ireduce", [x], { kind, axes }, Math.min(x.lo, x.lo * n), Math.max(x.hi, x.hi * n));
  }

  /** x 2^(n + c), rounded, saturating, for a value n with a small range and a constant c: a shift either way in one product. */
  ldexp(x: Lane, n: Lane, c: number): Lane {
    const offset = Math.min(30 - n.hi, c + 62);
    const shift = offset - c;
    if (shift < 0) throw new CompilerBug("functions", `${this.site.name}: 2^${c} leaves the shifts of a product`);
    const exponent = this.add(n, offset);
    const power = this.op("ishl", [1, exponent], {}, exponent.lo < 0 ? 0 : 2 ** exponent.lo, 2 ** exponent.hi);
    return this.mulSat(x, power, shift);
  }
}

const range = (a: Arg): { readonly lo: number; readonly hi: number } => (typeof a === "number" ? { lo: a, hi: a } : a);

/** A polynomial over the magnitude of its leading coefficient, by Horner's rule; t and the result with f fraction bits. */
export function monic(
  e: Emit,
  coefficients: readonly number[],
  t: Lane,
  f: number,
  known?: readonly [number, number],
): Lane {
  const n = coefficients.length - 1;
  const c = coefficients.map((x) => roundHalfEven((x / Math.abs(coefficients[n]!)) * 2 ** f));
  let y = coefficients[n]! > 0 ? e.add(t, c[n - 1]!) : e.sub(c[n - 1]!, t);
  for (let i = n - 2; i >= 0; i--) y = e.add(e.mul(y, t, f), c[i]!, i === 0 ? known : undefined);
  return y;
}

/** Horner's rule: coefficients c[0] + c[1] t + …, t with `ft` fraction bits, the result with `fy`. */
export function polynomial(
  e: Emit,
  coefficients: readonly number[],
  t: Lane,
  ft: number,
  fy: number,
  known?: readonly [number, number],
): Lane {
  const c = coefficients.map((x) => roundHalfEven(x * 2 ** fy));
  let y: Arg = c.at(-1)!;
  for (let i = c.length - 2; i >= 0; i--) y = e.add(e.mul(y, t, ft), c[i]!, i === 0 ? known : undefined);
  return y as Lane;
}
