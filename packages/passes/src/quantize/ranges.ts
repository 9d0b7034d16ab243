import { constantOf, type Data, type Graph, type Node, type NodeOf, typeOf, type ValueId } from "@accelc/ir";
import type { Range } from "../calibration/index.js";
import { magnitude, union, withZero } from "./grid.js";

/** The smallest and largest element. */
export function extent(data: Data): Range {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const x = Number(data[i]!);
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return data.length > 0 ? { min, max } : { min: 0, max: 0 };
}

const hull = (xs: readonly number[]): Range => ({ min: Math.min(...xs), max: Math.max(...xs) });
const plus = (a: Range, b: Range): Range => ({ min: a.min + b.min, max: a.max + b.max });
const minus = (a: Range, b: Range): Range => ({ min: a.min - b.max, max: a.max - b.min });
const times = (a: Range, b: Range): Range =>
  hull([a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max].map((x) => x + 0));

/** The quotient's range; a denominator that may be 0 counts as no nearer to it than 2^-16 of its magnitude. */
function over(a: Range, b: Range): Range {
  const crosses = b.min <= 0 && b.max >= 0;
  const nearest = crosses ? magnitude(b) / 2 ** 16 : Math.min(Math.abs(b.min), Math.abs(b.max));
  const limit = magnitude(a) / Math.max(nearest, Number.MIN_VALUE);
  return crosses ? { min: -limit, max: limit } : times(a, hull([1 / b.min, 1 / b.max]));
}

/** Per channel, x times the channel's weights, half a quantization step of the weights granted on top. */
function products(x: Range, w: Data, channels: number, at: (c: number, k: number) => number): Range {
  const k = w.length / channels;
  let out: Range | undefined;
  for (let c = 0; c < channels; c++) {
    let [positive, negative, top] = [0, 0, 0];
    for (let i = 0; i < k; i++) {
      const v = Number(w[at(c, i)]!);
      if (v > 0) positive += v;
      else negative += v;
      top = Math.max(top, Math.abs(v));
    }
    const slack = ((k * top) / 254) * magnitude(x);
    out = union(out, {
      min: positive * x.min + negative * x.max - slack,
      max: positive * x.max + negative * x.min + slack,
    });
  }
  return out ?? { min: 0, max: 0 };
}

type RangeOf = (id: ValueId) => Range;

function gemm(g: Graph, n: NodeOf<"conv"> | NodeOf<"matmul">, of: RangeOf): Range {
  const x = withZero(of(n.inputs[0]!));
  const w = constantOf(g, n.inputs[1]!);
  const shape = typeOf(g, n.inputs[1]!).shape;
  let sum: Range;
  if (!w) {
    const limit = magnitude(x) * magnitude(of(n.inputs[1]!)) * typeOf(g, n.inputs[0]!).shape.at(-1)!;
    sum = { min: -limit, max: limit };
  } else if (n.op === "conv") {
    const k = w.length / shape[0]!;
    sum = products(x, w, shape[0]!, (c, i) => c * k + i);
  } else {
    const columns = shape.at(-1)!;
    sum = products(x, w, columns, (c, i) => i * columns + c);
  }
  return n.inputs[2] === undefined ? sum : plus(sum, of(n.inputs[2]));
}

function batchNorm(g: Graph, n: NodeOf<"batchNorm">, x: Range): Range {
  const [scale, bias, mean, variance] = n.inputs.slice(1).map((i) => constantOf(g, i)!);
  let out: Range | undefined;
  for (let c = 0; c < scale!.length; c++) {
    const m = Number(scale![c]!) / Math.sqrt(Number(variance![c]!) + n.attrs.epsilon);
    const b = Number(bias![c]!) - m * Number(mean![c]!);
    out = union(out, plus(times(x, { min: m, max: m }), { min: b, max: b }));
  }
  return out ?? x;
}

/** A range that holds every value the node can give when its operands keep to theirs. */
export function nodeRange(g: Graph, n: Node, of: RangeOf): Range {
  const x = of(n.inputs[0]!);
  const y = () => of(n.inputs[1]!);
  switch (n.op) {
    case "add":
      return plus(x, y());
    case "sub":
      return minus(x, y());
    case "mul":
      return times(x, y());
    case "div":
      return over(x, y());
    case "relu":
      return { min: Math.max(0, x.min), max: Math.max(0, x.max) };
    case "leakyRelu":
      return hull([x.max, x.min, 0, x.min * n.attrs.alpha]);
    case "clip": {
      const bound = (v: number) => Math.min(Math.max(v, n.attrs.min), n.attrs.max);
      return { min: bound(x.min), max: bound(x.max) };
    }
    case "batchNorm":
      return batchNorm(g, n, x);
    case "conv":
    case "matmul":
      return gemm(g, n, of);
    case "averagePool":
      return withZero(x);
    case "concat":
      return n.inputs.map(of).reduce(union);
    case "pad":
      return Number.isFinite(n.attrs.value) ? union(x, { min: n.attrs.value, max: n.attrs.value }) : x;
    default:
      return x;
  }
}

/**
 * Ranges by value id: what `known` says where it says anything, else from the constant's data or the producing node. With
 * `symmetric`, every range is widened to its magnitude on both sides: a bound under which offsets need not cancel.
 */
export function ranges(
  g: Graph,
  known: (id: ValueId) => Range | undefined,
  symmetric = false,
): ReadonlyMap<ValueId, Range> {
  const out = new Map<ValueId, Range>();
  const of = (id: ValueId): Range => out.get(id) ?? { min: 0, max: 0 };
  const set = (id: ValueId, r: Range) => out.set(id, symmetric ? { min: -magnitude(r), max: magnitude(r) } : r);
  for (const [id, v] of g.values) if (v.data) set(id, extent(v.data));
  for (const p of g.inputs) set(p.value, known(p.value) ?? { min: 0, max: 0 });
  for (const n of g.nodes) for (const o of n.outputs) set(o, known(o) ?? nodeRange(g, n, of));
  return out;
}
