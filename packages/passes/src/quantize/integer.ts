import {
  CompilerBug,
  type DType,
  diag,
  elements,
  isFloat,
  type Node,
  type NodeOf,
  type OpAttrs,
  type OpName,
  type ValueId,
} from "@accelc/ir";
import { INT32_MAX, INT32_MIN } from "@accelc/numerics";
import {
  type Arg,
  argReduce,
  compare,
  cumSum,
  type Emit,
  fixedOf,
  fraction,
  type Lane,
  laneOf,
  modLanes,
  toUnit,
} from "../functions/index.js";
import { type Context, floatValue, storedId } from "./context.js";
import { defineFixed, emitterOf, fixedOperand, laneOfValue } from "./fixed.js";
import { RANGE } from "./integer-plan.js";

/** An integer operand and its proven range. */
function laneIn(c: Context, id: ValueId): Lane {
  const v = floatValue(c, id);
  const stored = storedId(c, id);
  const known = c.ranges.get(stored);
  if (known) return { id: stored, lo: known[0], hi: known[1] };
  if (v.data) {
    let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const x of v.data) {
      lo = Math.min(lo, Number(x));
      hi = Math.max(hi, Number(x));
    }
    return v.data.length > 0 ? { id: stored, lo, hi } : { id: stored, lo: 0, hi: 0 };
  }
  const own = laneOfValue(c, stored);
  const [lo, hi] = RANGE[v.type.dtype] ?? [own.lo, own.hi];
  return { id: stored, lo: Math.max(lo, own.lo), hi: Math.min(hi, own.hi) };
}

/** x reduced to the range of a type by two's complement; as it is where it fits. */
function wrapTo(e: Emit, x: Lane, dtype: DType): Lane {
  const [lo, hi] = RANGE[dtype] ?? [INT32_MIN, INT32_MAX];
  if ((x.lo >= lo && x.hi <= hi) || dtype === "int64" || dtype === "int32") return x;
  if (CHECKED.has(dtype)) return e.max(x, 0);
  if (lo === 0) return e.op("iand", [x, hi], {}, 0, hi);
  const by = dtype === "int8" ? 24 : 16;
  return e.op("ishr", [e.op("ishl", [x, by], {}, INT32_MIN, INT32_MAX), by], {}, lo, hi);
}

type Exact = readonly [number, number];
const hull = (xs: readonly number[]): Exact => [Math.min(...xs) + 0, Math.max(...xs) + 0];

/** Types that int32 holds in part: a result that could leave it is refused, not wrapped. */
const CHECKED: ReadonlySet<DType> = new Set<DType>(["int64", "uint32", "uint64"]);

function refuseWide(c: Context, n: Node, [lo, hi]: Exact): void {
  const { dtype } = floatValue(c, n.outputs[0]!).type;
  if (!CHECKED.has(dtype)) return;
  const reason = `its ${dtype} result may be ${lo} to ${hi}; the accelerator computes integers in signed 32 bits`;
  const hint = "cast its operands to int32, or bound them with Clip";
  c.problems.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, hint));
}

/** Greatest magnitude of an operand of a sum that only selects elements: what is beyond it stays out of every axis. */
const INDEX_LIMIT = 2 ** 30 - 1;

/** x in the type of the node's result; refused where that type's own wrapping would lead beyond int32. */
function fitted(c: Context, n: Node, e: Emit, x: Lane): Lane {
  const { dtype } = floatValue(c, n.outputs[0]!).type;
  const [least, most] = RANGE[dtype]!;
  if (x.lo < least || x.hi > most) refuseWide(c, n, [x.lo, x.hi]);
  return wrapTo(e, x, dtype);
}

/**
 * An operation that wraps as int32 does, in the type of the node's result. Where a 64-bit result could leave int32, it
 * saturates if it is only an index, and is refused with PA2001 if not.
 */
function settle<K extends OpName>(
  c: Context,
  n: Node,
  e: Emit,
  op: K,
  args: readonly Arg[],
  attrs: OpAttrs[K],
  [lo, hi]: Exact,
): Lane {
  const out = n.outputs[0]!;
  const { dtype } = floatValue(c, out).type;
  const [least, most] = CHECKED.has(dtype) ? RANGE[dtype]! : [INT32_MIN, INT32_MAX];
  const fits = lo >= least && hi <= most;
  const near = args.some((a) => typeof a !== "number" && Math.max(-a.lo, a.hi) <= 2 ** 29);
  const selects = c.indices.has(out) || (near && c.compared.has(out));
  if (!fits && selects && (op === "iadd" || op === "isub")) {
    const cut = args.map((a) => (typeof a === "number" ? a : e.clamp(a, -INDEX_LIMIT, INDEX_LIMIT)));
    return op === "iadd" ? e.add(cut[0]!, cut[1]!) : e.sub(cut[0]!, cut[1]!);
  }
  if (!fits) refuseWide(c, n, [lo, hi]);
  const x = fits ? e.op(op, args, attrs, lo, hi) : e.op(op, args, attrs, INT32_MIN, INT32_MAX);
  return wrapTo(e, x, dtype);
}

function times(c: Context, n: Node, e: Emit, a: Lane, b: Lane): Lane {
  const exact = hull([a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi]);
  const fits = exact[0] >= INT32_MIN && exact[1] <= INT32_MAX;
  if (!fits && (c.indices.has(n.outputs[0]!) || c.compared.has(n.outputs[0]!))) return e.mulSat(a, b, 0);
  return fits ? settle(c, n, e, "imul", [a, b], { shift: 0 }, exact) : settle(c, n, e, "imacc", [0, a, b], {}, exact);
}

/** x to natural powers: one product per factor where all are one small number, else by the bits of the exponents. */
function power(c: Context, n: Node, e: Emit, x: Lane): Lane {
  const { data, type } = floatValue(c, n.inputs[1]!);
  const exponents = Array.from(data!, Number);
  const most = Math.max(...exponents);
  if (most === 0) return e.cmp("eq", x, x);
  if (exponents.length === 1 && most <= 4) {
    let y = x;
    for (let i = 1; i < most; i++) y = times(c, n, e, y, x);
    return y;
  }
  let [square, y]: [Lane, Lane | undefined] = [x, undefined];
  for (let bit = 1; ; bit *= 2) {
    const mask = Int32Array.from(exponents, (v) => Number((v & bit) !== 0));
    const at = c.constants.add({ dtype: "int32", shape: type.shape }, mask, `${n.outputs[0]}.bits`);
    const factor = e.select({ id: at, lo: 0, hi: 1 }, square, 1);
    y = y ? times(c, n, e, y, factor) : factor;
    if (bit * 2 > most) return y;
    square = times(c, n, e, square, square);
  }
}

/** The greatest element of the window; padding holds the least number of the type and never wins. */
function maxPool(c: Context, n: NodeOf<"maxPool">, e: Emit, x: Lane): Lane {
  const { kernel, strides, dilations, pads } = n.attrs;
  const [fill] = RANGE[floatValue(c, n.outputs[0]!).type.dtype]!;
  return e.op("iwindow", [x], { kind: "max", kernel, strides, dilations, pads, fill }, Math.min(fill, x.lo), x.hi);
}

function bitwise(c: Context, n: NodeOf<"bitwise">, e: Emit, a: Lane, b: Lane): Lane {
  const { dtype } = floatValue(c, n.outputs[0]!).type;
  const range = RANGE[dtype]!;
  const combined = (op: "iand" | "ior") => e.op(op, [a, b], {}, range[0], range[1]);
  switch (n.attrs.kind) {
    case "and":
      return combined("iand");
    case "or":
      return combined("ior");
    case "xor":
      return e.op("isub", [combined("ior"), combined("iand")], {}, range[0], range[1]);
    case "shiftLeft":
      return settle(
        c,
        n,
        e,
        "ishl",
        [a, b],
        {},
        hull([a.lo, a.hi, a.lo * 2 ** Math.min(b.hi, 40), a.hi * 2 ** Math.min(b.hi, 40)]),
      );
    case "shiftRight":
      return e.op("ishr", [a, b], {}, Math.min(0, a.lo), Math.max(0, a.hi));
  }
}

function reduced(c: Context, n: NodeOf<"reduce">, e: Emit, x: Lane): Lane {
  const { kind, axes } = n.attrs;
  const count = axes.reduce((p, a) => p * e.shape(x)[a]!, 1);
  const total = (y: Lane) =>
    settle(c, n, e, "ireduce", [y], { kind: "sum", axes }, hull([y.lo, y.hi, y.lo * count, y.hi * count]));
  switch (kind) {
    case "max":
    case "min":
      return e.reduce(kind, x, axes);
    case "sum":
      return total(x);
    case "l1":
      return total(e.abs(x));
    case "sumSquare":
      return total(times(c, n, e, x, x));
    case "mean":
      return e.div(total(x), count);
    default:
      throw new CompilerBug("quantize", `no integer ${kind}`);
  }
}

/** Positions along an axis, for every rank-aligned index. */
function positions(c: Context, shape: readonly number[], axis: number): ValueId {
  const own = shape.map((s, i) => (i === axis ? s : 1));
  return c.constants.add(
    { dtype: "int32", shape: own },
    Int32Array.from({ length: shape[axis]! }, (_, i) => i),
    "positions",
  );
}

/** Truncation toward zero, then the type's two's complement. */
function fromFloat(c: Context, n: NodeOf<"cast">, e: Emit): Lane {
  const x = fixedOperand(c, n.inputs[0]!);
  if (n.attrs.to === "bool") return e.cmp("ne", laneOf(x), 0);
  const whole = x.unit >= 1 ? toUnit(e, x, 1) : fraction(x.unit) > 30 ? toUnit(e, x, 2 ** -30) : x;
  const f = fraction(whole.unit);
  return wrapTo(e, f === 0 ? laneOf(whole) : e.div(laneOf(whole), 2 ** f), n.attrs.to);
}

function unary(c: Context, n: NodeOf<"unary">, e: Emit, x: Lane): Lane {
  switch (n.attrs.fn) {
    case "abs":
      return settle(c, n, e, "iabs", [x], {}, [0, Math.max(Math.abs(x.lo), Math.abs(x.hi))]);
    case "neg":
      return settle(c, n, e, "isub", [0, x], {}, [-x.hi, -x.lo]);
    case "sign":
      return e.sign(x);
    case "square":
      return times(c, n, e, x, x);
    default:
      return x;
  }
}

/** The integer program of a node on integer and bool tensors, or from floats to them; undefined where it is none. */
function program(c: Context, n: Node, e: Emit): Lane | undefined {
  const lane = (i: number) => laneIn(c, n.inputs[i]!);
  const float = (i: number) => isFloat(floatValue(c, n.inputs[i]!).type.dtype);
  const { dtype } = floatValue(c, n.outputs[0]!).type;
  switch (n.op) {
    case "add":
      return settle(c, n, e, "iadd", [lane(0), lane(1)], {}, [lane(0).lo + lane(1).lo, lane(0).hi + lane(1).hi]);
    case "sub":
      return settle(c, n, e, "isub", [lane(0), lane(1)], {}, [lane(0).lo - lane(1).hi, lane(0).hi - lane(1).lo]);
    case "mul":
      return times(c, n, e, lane(0), lane(1));
    case "div":
      return e.div(lane(0), lane(1));
    case "mod":
      return modLanes(e, lane(0), lane(1), n.attrs.fmod);
    case "pow":
      return power(c, n, e, lane(0));
    case "maxPool":
      return maxPool(c, n, e, lane(0));
    case "minimum":
      return e.op("imin", [lane(0), lane(1)], {}, Math.min(lane(0).lo, lane(1).lo), Math.min(lane(0).hi, lane(1).hi));
    case "maximum":
      return e.op("imax", [lane(0), lane(1)], {}, Math.max(lane(0).lo, lane(1).lo), Math.max(lane(0).hi, lane(1).hi));
    case "relu":
      return e.max(lane(0), 0);
    case "clip":
      return e.clamp(
        lane(0),
        Math.max(INT32_MIN, Math.min(INT32_MAX, n.attrs.min)),
        Math.max(INT32_MIN, Math.min(INT32_MAX, n.attrs.max)),
      );
    case "unary":
      return unary(c, n, e, lane(0));
    case "compare": {
      if (!float(0)) return e.cmp(n.attrs.kind, lane(0), lane(1));
      return compare(e, n.attrs.kind, fixedOperand(c, n.inputs[0]!), fixedOperand(c, n.inputs[1]!));
    }
    case "logical":
      if (n.attrs.kind === "xor") return e.cmp("ne", lane(0), lane(1));
      return e.op(n.attrs.kind === "and" ? "iand" : "ior", [lane(0), lane(1)], {}, 0, 1);
    case "bitwise":
      return bitwise(c, n, e, lane(0), lane(1));
    case "not":
      if (!n.attrs.bitwise) return e.cmp("eq", lane(0), 0);
      return fitted(c, n, e, e.op("inot", [lane(0)], {}, -1 - lane(0).hi, -1 - lane(0).lo));
    case "where":
      return e.select(lane(0), lane(1), lane(2));
    case "reduce":
      return reduced(c, n, e, lane(0));
    case "argReduce": {
      const x = float(0) ? laneOf(fixedOperand(c, n.inputs[0]!)) : lane(0);
      const { kind, axis, last } = n.attrs;
      return argReduce(e, kind, x, axis, last, positions(c, e.shape(x), axis));
    }
    case "cumSum": {
      const { axis, exclusive, reverse } = n.attrs;
      const x = lane(0);
      const count = e.shape(x)[axis]!;
      const exact = hull([x.lo * count, x.hi * count, 0]);
      if (exact[0] < INT32_MIN || exact[1] > INT32_MAX) refuseWide(c, n, exact);
      return wrapTo(e, cumSum(e, x, axis, exclusive, reverse), dtype);
    }
    case "cast":
      if (float(0)) return fromFloat(c, n, e);
      return n.attrs.to === "bool" ? e.cmp("ne", lane(0), 0) : fitted(c, n, e, lane(0));
    default:
      return undefined;
  }
}

/** Emits a node whose result is an integer or bool tensor, data movement aside, or a cast of one to float. */
export function emitInteger(c: Context, n: Node): boolean {
  const out = n.outputs[0]!;
  const e = emitterOf(c, n);
  if (isFloat(floatValue(c, out).type.dtype)) {
    if (n.op !== "cast" || isFloat(floatValue(c, n.inputs[0]!).type.dtype)) return false;
    const x = laneIn(c, n.inputs[0]!);
    defineFixed(c, n, fixedOf(c.grids.deferrable(out) ? x : e.op("iadd", [x, 0], {}, x.lo, x.hi), 1));
    return true;
  }
  const lane = program(c, n, e);
  if (!lane) return false;
  const { shape } = floatValue(c, out).type;
  const own = e.shape(lane);
  const whole = elements(own) === elements(shape) ? lane : e.op("expand", [lane], { shape }, lane.lo, lane.hi);
  c.stored.set(out, whole.id);
  c.ranges.set(whole.id, [whole.lo, whole.hi]);
  return true;
}
