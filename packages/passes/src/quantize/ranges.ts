import {
  constantOf,
  type Data,
  type GemmNode,
  type Graph,
  type Node,
  type NodeOf,
  producersOf,
  typeOf,
  type ValueId,
} from "@accelc/ir";
import type { Range } from "../calibration/index.js";
import { channelSums, type Layout } from "../ranges/index.js";
import { magnitude, union, withZero } from "./grid.js";
import { layoutOf } from "./weights.js";

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
function products(x: Range, w: Data, layout: Layout): Range {
  const { positive, negative, top } = channelSums(w as Float32Array, layout);
  const depth = w.length / layout.channels;
  const ends = Array.from(top, (t, c) => {
    const slack = ((depth * t) / 254) * magnitude(x);
    return {
      min: positive[c]! * x.min + negative[c]! * x.max - slack,
      max: positive[c]! * x.max + negative[c]! * x.min + slack,
    };
  });
  return ends.reduce(union);
}

type RangeOf = (id: ValueId) => Range;
type RangeOfKnown = (id: ValueId) => Range | undefined;

function gemm(g: Graph, n: GemmNode, of: RangeOf): Range {
  const x = withZero(of(n.inputs[0]!));
  const w = constantOf(g, n.inputs[1]!);
  let sum: Range;
  if (w) sum = products(x, w, layoutOf(n, typeOf(g, n.inputs[1]!).shape));
  else {
    const limit = magnitude(x) * magnitude(of(n.inputs[1]!)) * typeOf(g, n.inputs[0]!).shape.at(-1)!;
    sum = { min: -limit, max: limit };
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

const UNIT: Range = { min: -1, max: 1 };
const LARGEST = Math.exp(60);

/** Values of a function of one variable; those of functions with poles as far as fixed point goes. */
function unaryRange(n: NodeOf<"unary">, x: Range): Range {
  const m = magnitude(x);
  const { fn, a, b } = n.attrs;
  switch (fn) {
    case "erf":
    case "sin":
    case "cos":
    case "tanh":
    case "softsign":
    case "sign":
      return UNIT;
    case "sigmoid":
    case "hardSigmoid":
      return { min: 0, max: 1 };
    case "abs":
      return { min: 0, max: m };
    case "neg":
      return { min: -x.max, max: -x.min };
    case "sqrt":
      return { min: Math.sqrt(Math.max(0, x.min)), max: Math.sqrt(Math.max(0, x.max)) };
    case "square":
      return { min: 0, max: m * m };
    case "exp":
      return { min: 0, max: Math.min(LARGEST, Math.exp(x.max)) };
    case "log":
      return { min: Math.log(Math.max(x.min, m * 2 ** -30, 2 ** -60)), max: Math.log(Math.max(m, 2 ** -59)) };
    case "reciprocal":
      return over({ min: 1, max: 1 }, x);
    case "softplus":
      return { min: 0, max: Math.max(0, x.max) + 1 };
    case "elu":
    case "selu":
    case "celu": {
      const limit = Math.max(m, 1) * Math.max(1, Math.abs(a)) * Math.max(1, Math.abs(b));
      return { min: -limit, max: limit };
    }
    default:
      return { min: -m - 1, max: m + 1 };
  }
}

function powRange(x: Range, y: Range): Range {
  const top = Math.max(magnitude(x), 1 / Math.max(Math.min(Math.abs(x.min), Math.abs(x.max)), 2 ** -16));
  const limit = Math.min(LARGEST, y.min >= 0 ? Math.max(1, magnitude(x)) ** y.max : top ** magnitude(y));
  return { min: x.min < 0 ? -limit : 0, max: limit };
}

function reduceRange(g: Graph, n: NodeOf<"reduce">, x: Range): Range {
  const { shape } = typeOf(g, n.inputs[0]!);
  const count = n.attrs.axes.reduce((p, a) => p * shape[a]!, 1);
  const m = magnitude(x);
  switch (n.attrs.kind) {
    case "sum":
      return { min: Math.min(x.min, x.min * count), max: Math.max(x.max, x.max * count) };
    case "l1":
      return { min: 0, max: m * count };
    case "sumSquare":
      return { min: 0, max: m * m * count };
    case "meanSquare":
      return { min: 0, max: m * m };
    case "l2":
      return { min: 0, max: m * Math.sqrt(count) };
    case "prod": {
      const limit = Math.min(LARGEST, Math.max(m, m ** count));
      return { min: x.min < 0 ? -limit : 0, max: limit };
    }
    case "logSum":
      return { min: Math.log(Math.max(x.min * count, 2 ** -60)), max: Math.log(Math.max(m * count, 2 ** -59)) };
    case "logSumExp":
      return { min: x.min, max: x.max + Math.log(count) };
    default:
      return x;
  }
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
    case "fakeQuant": {
      const { scale, zero, codes } = n.attrs;
      return scale.map((s, i) => hull(codes.map((q) => s * (q - zero[i]!)))).reduce(union);
    }
    case "batchNorm":
      return batchNorm(g, n, x);
    case "conv":
    case "matmul":
      return gemm(g, n, of);
    case "averagePool":
      return withZero(x);
    case "unary":
      return unaryRange(n, x);
    case "pow":
      return powRange(x, y());
    case "minimum":
    case "maximum": {
      const f = n.op === "minimum" ? Math.min : Math.max;
      return { min: f(x.min, y().min), max: f(x.max, y().max) };
    }
    case "mod": {
      const m = Math.min(magnitude(x), magnitude(y())) || magnitude(x);
      return { min: -m, max: m };
    }
    case "where":
      return union(y(), of(n.inputs[2]!));
    case "reduce":
      return reduceRange(g, n, x);
    case "softmax":
      return n.attrs.log ? { min: x.min - x.max - 30, max: 0 } : { min: 0, max: 1 };
    case "cumSum": {
      const count = typeOf(g, n.inputs[0]!).shape[n.attrs.axis]!;
      return { min: Math.min(0, x.min * count), max: Math.max(0, x.max * count) };
    }
    case "cast":
      return x;
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
 * `symmetric`, every computed range is widened to its magnitude on both sides: a bound under which offsets need not cancel.
 */
export function rangesOf(g: Graph, known: RangeOfKnown, symmetric = false): RangeOf {
  const producers = producersOf(g);
  const done = new Map<ValueId, Range>();
  const compute = (id: ValueId): Range => {
    const data = constantOf(g, id);
    if (data) return extent(data);
    const n = producers.get(id);
    const r = known(id) ?? (n ? nodeRange(g, n, of) : { min: 0, max: 0 });
    return symmetric ? { min: -magnitude(r), max: magnitude(r) } : r;
  };
  const of = (id: ValueId): Range => {
    const r = done.get(id) ?? compute(id);
    done.set(id, r);
    return r;
  };
  return of;
}
