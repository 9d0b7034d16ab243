import {
  type AveragePoolAttrs,
  elements,
  type Graph,
  GraphBuilder,
  type Loc,
  type ValueId,
  windowExtent,
} from "@accelc/ir";

/** Deterministic numbers from a seed (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** In [lo, hi], both included. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.next() * (hi - lo + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }

  floats(n: number, scale = 1): Float32Array {
    return Float32Array.from({ length: n }, () => (this.next() * 2 - 1) * scale);
  }

  shuffled(n: number): number[] {
    const out = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(0, i);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
}

type Step = (x: ValueId, g: Drawing) => ValueId | undefined;

/** A graph being drawn: builder, numbers, and a fresh source per value. */
class Drawing {
  private count = 0;
  constructor(
    readonly b: GraphBuilder,
    readonly r: Random,
  ) {}

  loc(op: string): Loc {
    return { model: "random", node: `${op}_${this.count}`, op };
  }

  shape(x: ValueId): readonly number[] {
    return this.b.type(x).shape;
  }

  add(...[op, inputs, attrs]: [Parameters<GraphBuilder["add"]>[0], readonly ValueId[], object]): ValueId {
    const name = `t${this.count++}`;
    return this.b.add(op, inputs, attrs as never, this.loc(op), { id: name, source: name });
  }

  constant(shape: readonly number[], data = this.r.floats(elements(shape))): ValueId {
    return this.b.constant({ dtype: "float32", shape }, data, { id: `c${this.count}` });
  }
}

function window(x: ValueId, g: Drawing) {
  const space = g.shape(x).slice(2);
  const kernel = space.map(() => g.r.int(1, 3));
  const strides = space.map(() => g.r.int(1, 2));
  const dilations = space.map(() => g.r.int(1, 2));
  const pads = [...space, ...space].map((_, i) => g.r.int(0, kernel[i % space.length]! - 1));
  const fits = space.every(
    (n, i) => windowExtent(n, kernel[i]!, strides[i]!, dilations[i]!, pads[i]! + pads[space.length + i]!) >= 1,
  );
  return fits && space.length > 0 ? { kernel, strides, dilations, pads } : undefined;
}

const conv: Step = (x, g) => {
  const a = window(x, g);
  const c = g.shape(x)[1]!;
  if (!a) return undefined;
  const groups = g.r.pick([1, c]);
  const oc = groups * g.r.int(1, 3);
  const bias = g.r.pick([[], [g.constant([oc])]]);
  const { kernel, ...rest } = a;
  return g.add("conv", [x, g.constant([oc, c / groups, ...kernel]), ...bias], { ...rest, groups, fill: 0 });
};

const pool =
  (op: "maxPool" | "averagePool"): Step =>
  (x, g) => {
    const a = window(x, g);
    if (!a) return undefined;
    const plain = { ...a, dilations: a.dilations.map(() => 1) };
    if (op === "maxPool") return g.add(op, [x], plain);
    const counted: AveragePoolAttrs = { ...plain, countedPads: g.r.pick([plain.pads, plain.pads.map(() => 0)]) };
    return g.add(op, [x], counted);
  };

const batchNorm: Step = (x, g) => {
  const c = g.shape(x)[1];
  if (!c) return undefined;
  const variance = g.r.floats(c).map((v) => 0.2 + Math.abs(v));
  const parameters = [g.constant([c]), g.constant([c]), g.constant([c]), g.constant([c], variance)];
  return g.add("batchNorm", [x, ...parameters], { epsilon: 1e-5 });
};

const binary: Step = (x, g) => {
  const shape = g.shape(x);
  const axis = g.r.int(0, shape.length - 1);
  const along = shape.map((n, i) => (i === axis ? n : 1)).slice(g.r.int(0, axis));
  const operand = g.r.pick([
    () => x,
    () => g.constant(along),
    () => g.constant([]),
    () => g.constant(shape),
    () => g.constant([1], Float32Array.of(g.r.int(0, 1))),
    () => g.add("relu", [x], {}),
  ])();
  const op = g.r.pick(["add", "sub", "mul"] as const);
  return g.add(
    op,
    g.r.pick([
      [x, operand],
      [operand, x],
    ]),
    {},
  );
};

const activation: Step = (x, g) => {
  const [op, attrs] = g.r.pick([
    ["relu", {}],
    ["leakyRelu", { alpha: 0.1 }],
    ["clip", { min: g.r.pick([0, -1, Number.NEGATIVE_INFINITY]), max: g.r.pick([0.5, 1, Number.POSITIVE_INFINITY]) }],
    ["identity", {}],
    ["cast", { to: "float32" }],
  ] as const);
  return g.add(op, [x], attrs);
};

const reshape: Step = (x, g) => {
  const s = g.shape(x);
  const shape = g.r.pick([
    s,
    [s[0]!, elements(s.slice(1))],
    [...s, 1],
    [1, ...s],
    s.filter((n, i) => n > 1 || i === 0),
  ]);
  return shape.length > 5 ? undefined : g.add("reshape", [x], { shape });
};

const transpose: Step = (x, g) => {
  const rank = g.shape(x).length;
  const swapped =
    rank === 4
      ? [
          [0, 2, 3, 1],
          [0, 3, 1, 2],
        ]
      : [];
  return g.add("transpose", [x], { perm: g.r.pick([g.r.shuffled(rank), ...swapped]) });
};

const slice: Step = (x, g) => {
  const sizes = g.shape(x).map((n) => (g.r.next() < 0.7 ? n : g.r.int(1, n)));
  const starts = g.shape(x).map((n, i) => g.r.int(0, n - sizes[i]!));
  const steps = sizes.map(() => 1);
  const axis = g.r.int(0, sizes.length - 1);
  if (g.r.next() < 0.5) {
    starts[axis] = starts[axis]! + sizes[axis]! - 1;
    steps[axis] = -1;
  }
  return g.add("slice", [x], { starts, steps, sizes });
};

const concat: Step = (x, g) => {
  const axis = g.r.int(0, g.shape(x).length - 1);
  const parts = g.r.pick([[x], [x, x], [x, g.constant(g.shape(x))]]);
  return g.add("concat", parts, { axis });
};

const gather: Step = (x, g) => {
  const axis = g.r.int(0, g.shape(x).length - 1);
  const n = g.shape(x)[axis]!;
  const shape = g.r.pick([[], [1], [2], [1, 2]]);
  const at = BigInt64Array.from({ length: elements(shape) }, () => BigInt(g.r.int(-n, n - 1)));
  const indices = g.b.constant({ dtype: "int64", shape }, at, { id: "indices" });
  return g.shape(x).length + shape.length > 6 || (g.shape(x).length <= 2 && shape.length === 0)
    ? undefined
    : g.add("gather", [x, indices], { axis });
};

const matmul: Step = (x, g) => {
  const s = g.shape(x);
  if (s.length < 2) return undefined;
  const n = g.r.int(1, 4);
  if (g.r.next() < 0.3) return g.add("matmul", [g.constant([n, s.at(-2)!]), x], {});
  const bias = g.r.pick([[], [g.constant([n])]]);
  return g.add("matmul", [x, g.constant([s.at(-1)!, n]), ...bias], {});
};

const flattenProduct: Step = (x, g) => {
  const s = g.shape(x);
  const flat = g.add("reshape", [x], { shape: [s[0]!, elements(s.slice(1))] });
  return matmul(flat, g);
};

/** Steps one after another on each other's results. */
const chain =
  (...steps: readonly Step[]): Step =>
  (x, g) =>
    steps.reduce<ValueId | undefined>((v, step) => v && step(v, g), x);

const spatialPad =
  (...values: readonly number[]): Step =>
  (x, g) => {
    const rank = g.shape(x).length;
    const pads = Array.from({ length: 2 * rank }, (_, i) => (i % rank < 2 ? 0 : g.r.int(0, 2)));
    return g.add("pad", [x], { pads, value: g.r.pick(values) });
  };

/** Steps so fine that a tie that other rounding breaks passes for none. */
const quantizer: Step = (x, g) => {
  const attrs = {
    shape: [],
    scale: [2 ** -20],
    zero: [g.r.int(-9, 9)],
    codes: [-(2 ** 26), 2 ** 26],
    rounding: "even",
  };
  const y = g.add("fakeQuant", [x], attrs);
  return g.r.pick([() => y, () => g.add("add", [y, g.add("fakeQuant", [x], attrs)], {})])();
};

const addPerChannel: Step = (x, g) => {
  const s = g.shape(x);
  const shape = g.r.pick([[s[1]!, ...s.slice(2).map(() => 1)], [s.at(-1)!], []]);
  const operands = [x, g.constant(shape)];
  return g.add(g.r.pick(["add", "sub"] as const), g.r.next() < 0.7 ? operands : operands.reverse(), {});
};

/** x over its norm along an axis, as exporters spell it out. */
const normalization: Step = (x, g) => {
  const axes = [g.r.int(0, g.shape(x).length - 1)];
  const squares = g.add("unary", [x], { fn: "square", a: 0, b: 0 });
  const power = g.add("reduce", [squares], { kind: g.r.pick(["sum", "mean"]), axes });
  const some = g.add("add", [power, g.constant([], Float32Array.of(0.5))], {});
  const root = g.add("unary", [some], { fn: "sqrt", a: 0, b: 0 });
  return g.add("div", [x, root], {});
};

const STEPS: readonly Step[] = [
  normalization,
  chain(spatialPad(0), conv),
  chain(activation, spatialPad(0, Number.NEGATIVE_INFINITY), pool("maxPool")),
  chain(spatialPad(0), pool("averagePool")),
  chain(conv, addPerChannel),
  chain(matmul, addPerChannel),
  conv,
  conv,
  pool("maxPool"),
  pool("averagePool"),
  batchNorm,
  spatialPad(0, -3.5),
  binary,
  binary,
  activation,
  activation,
  reshape,
  transpose,
  slice,
  concat,
  chain(concat, slice),
  gather,
  quantizer,
  chain(pool("maxPool"), quantizer),
  matmul,
  flattenProduct,
];

const LIMIT = 4000;

/** A float graph of up to `length` operations over one input of rank 2 to 4, with one or two outputs. */
export function randomGraph(seed: number, length = 8): Graph {
  const r = new Random(seed);
  const b = new GraphBuilder(`seed ${seed}`);
  const g = new Drawing(b, r);
  const shape = [r.int(1, 2), r.int(1, 4), ...r.pick([[], [r.int(3, 9)], [r.int(3, 7), r.int(3, 7)]])];
  const made = [b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape })];
  for (let i = 0; i < length; i++) {
    const x = r.next() < 0.85 ? made.at(-1)! : r.pick(made);
    const y = r.pick(STEPS)(x, g);
    if (y !== undefined && elements(b.type(y).shape) <= LIMIT) made.push(y);
  }
  b.output({ name: "y", value: made.at(-1)!, elementType: "float32" });
  if (r.next() < 0.3) b.output({ name: "z", value: r.pick(made), elementType: "float32" });
  return b.finish();
}

/** Input data for a graph of `randomGraph`. */
export const randomInputs = (g: Graph, seed: number): Map<string, Float32Array> =>
  new Map(g.inputs.map((p) => [p.name, new Random(seed).floats(elements(g.values.get(p.value)!.type.shape))]));
