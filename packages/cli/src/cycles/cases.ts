import {
  allocate,
  type DType,
  elements,
  type Graph,
  GraphBuilder,
  type OpAttrs,
  type OpName,
  type ValueId,
} from "@accelc/ir";

export const CASE_CLASSES = [
  "convolution",
  "matrix product",
  "fused tail",
  "element-wise",
  "window and reduction",
  "movement",
  "block after block",
] as const;
export type CaseClass = (typeof CASE_CLASSES)[number];

/** An integer graph small enough to step cycle by cycle. */
export interface CycleCase {
  readonly kind: CaseClass;
  readonly name: string;
  readonly graph: Graph;
}

const loc = { model: "cycles", node: "case", op: "Case" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

interface ConvOptions {
  readonly stride?: number;
  readonly pad?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly kernel?: readonly [number, number];
  readonly bias?: boolean;
}

/** Builds a graph; the numbers do not matter, only the shapes. */
class Draft {
  readonly b = new GraphBuilder("case");
  private inputs = 0;

  input(...shape: readonly number[]): ValueId {
    return this.b.input({ name: `x${this.inputs++}`, elementType: "int8" }, { dtype: "int8", shape, quant: grid });
  }

  constant(dtype: DType, shape: readonly number[], value = 3): ValueId {
    const data = allocate(dtype, elements(shape));
    for (let i = 0; i < data.length; i++) data[i] = value as never;
    return this.b.constant(dtype === "int8" ? { dtype, shape, quant: grid } : { dtype, shape }, data);
  }

  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    return this.b.add(op, inputs, attrs, loc);
  }

  shape(v: ValueId): readonly number[] {
    return this.b.type(v).shape;
  }

  conv(x: ValueId, oc: number, k: number, o: ConvOptions = {}): ValueId {
    const [kh, kw] = o.kernel ?? [k, k];
    const groups = o.groups ?? 1;
    const w = this.constant("int8", [oc, this.shape(x)[1]! / groups, kh, kw]);
    const bias = o.bias === false ? [] : [this.constant("int32", [oc])];
    const [ph, pw] = o.pad === undefined ? [kh >> 1, kw >> 1] : [o.pad, o.pad];
    const [s, d] = [o.stride ?? 1, o.dilation ?? 1];
    const pads = [ph, pw, ph, pw];
    return this.add("conv", [x, w, ...bias], { strides: [s, s], dilations: [d, d], pads, groups, fill: 0 });
  }

  matmul(x: ValueId, n: number, bias = true): ValueId {
    const k = this.shape(x).at(-1)!;
    return this.add("matmul", [x, this.constant("int8", [k, n]), ...(bias ? [this.constant("int32", [n])] : [])], {});
  }

  scalar(value: number): ValueId {
    return this.constant("int32", [], value);
  }

  /** Per-channel multiplication, ahead of what is fused and the narrowing. */
  scaled(acc: ValueId): ValueId {
    const shape = this.shape(acc);
    const axis = shape.length === 4 ? 1 : shape.length - 1;
    const m = this.constant(
      "int32",
      shape.map((n, i) => (i === axis ? n : 1)),
      1 << 20,
    );
    return this.add("imul", [acc, m], { shift: 28 });
  }

  narrow(x: ValueId): ValueId {
    return this.b.add("narrow", [x], { shift: 4, bits: 8 }, loc, { quant: grid });
  }

  window(x: ValueId, kind: "max" | "min" | "sum", k: number, stride: number, pad = 0): ValueId {
    const pads = [pad, pad, pad, pad];
    return this.add("iwindow", [x], {
      kind,
      kernel: [k, k],
      strides: [stride, stride],
      dilations: [1, 1],
      pads,
      fill: 0,
    });
  }
}

type Build = (d: Draft) => ValueId;
const requantized =
  (acc: Build): Build =>
  (d) =>
    d.narrow(d.scaled(acc(d)));

const CONVOLUTIONS: Readonly<Record<string, Build>> = {
  "1x1, 16 to 16 channels, 14x14": (d) => d.conv(d.input(1, 16, 14, 14), 16, 1),
  "1x1, 64 to 64, 7x7": (d) => d.conv(d.input(1, 64, 7, 7), 64, 1),
  "1x1, 8 to 128, 14x14": (d) => d.conv(d.input(1, 8, 14, 14), 128, 1),
  "3x3, 16 to 16, 14x14": (d) => d.conv(d.input(1, 16, 14, 14), 16, 3),
  "3x3, 32 to 32, 28x28": (d) => d.conv(d.input(1, 32, 28, 28), 32, 3),
  "3x3, 3 to 16, 32x32": (d) => d.conv(d.input(1, 3, 32, 32), 16, 3),
  "3x3, stride 2": (d) => d.conv(d.input(1, 16, 28, 28), 32, 3, { stride: 2 }),
  "3x3, dilation 2": (d) => d.conv(d.input(1, 16, 14, 14), 16, 3, { dilation: 2, pad: 2 }),
  "3x3, no padding": (d) => d.conv(d.input(1, 16, 14, 14), 16, 3, { pad: 0 }),
  "3x3, no bias": (d) => d.conv(d.input(1, 16, 14, 14), 16, 3, { bias: false }),
  "5x5, 8 to 16": (d) => d.conv(d.input(1, 8, 14, 14), 16, 5),
  "7x7, stride 2, 3 channels": (d) => d.conv(d.input(1, 3, 32, 32), 16, 7, { stride: 2 }),
  "1x7": (d) => d.conv(d.input(1, 16, 12, 12), 16, 7, { kernel: [1, 7] }),
  "13 to 17 channels": (d) => d.conv(d.input(1, 13, 11, 9), 17, 3),
  "4 groups": (d) => d.conv(d.input(1, 32, 10, 10), 32, 3, { groups: 4 }),
  "depthwise 3x3": (d) => d.conv(d.input(1, 16, 12, 12), 16, 3, { groups: 16 }),
};

const PRODUCTS: Readonly<Record<string, Build>> = {
  "1x64x64": (d) => d.matmul(d.input(1, 64), 64),
  "1x256x40": (d) => d.matmul(d.input(1, 256), 40),
  "16x64x64": (d) => d.matmul(d.input(16, 64), 64),
  "40x72x16": (d) => d.matmul(d.input(40, 72), 16),
  "128x128x128": (d) => d.matmul(d.input(128, 128), 128),
  "33x17x19": (d) => d.matmul(d.input(33, 17), 19),
  "16x64x64, no bias": (d) => d.matmul(d.input(16, 64), 64, false),
  "batch of 4, 16x32x24": (d) => d.matmul(d.input(4, 16, 32), 24),
  "two activations, 24x32x24": (d) => d.add("matmul", [d.input(24, 32), d.input(32, 24)], {}),
  "two activations, 3 heads of 16x16x16": (d) => d.add("matmul", [d.input(3, 16, 16), d.input(3, 16, 16)], {}),
  "queries and keys, 2 heads of 16x16x16": (d) => {
    const x = d.input(16, 32);
    const heads = (perm: readonly number[]) => {
      const projected = d.narrow(d.scaled(d.matmul(x, 32)));
      return d.add("transpose", [d.add("reshape", [projected], { shape: [16, 2, 16] })], { perm });
    };
    return d.add("matmul", [heads([1, 0, 2]), heads([1, 2, 0])], {});
  },
};

const small: Build = (d) => d.conv(d.input(1, 16, 14, 14), 16, 3);
const residual = (d: Draft): ValueId => {
  const x = d.input(1, 16, 14, 14);
  return d.add("imacc", [d.scaled(d.conv(x, 16, 3)), x, d.scalar(96)], {});
};

const TAILS: Readonly<Record<string, Build>> = {
  requantize: requantized(small),
  "requantize, ReLU": (d) => d.narrow(d.add("imax", [d.scaled(small(d)), d.scalar(0)], {})),
  "requantize, clip": (d) =>
    d.narrow(d.add("imin", [d.add("imax", [d.scaled(small(d)), d.scalar(0)], {}), d.scalar(96)], {})),
  "leaky ReLU": (d) => {
    const s = d.scaled(small(d));
    return d.narrow(d.add("imax", [s, d.add("ishr", [s, d.scalar(3)], {})], {}));
  },
  "residual add": (d) => d.narrow(residual(d)),
  "residual add, ReLU": (d) => d.narrow(d.add("imax", [residual(d), d.scalar(0)], {})),
  "gate by another tensor": (d) => d.narrow(d.add("imul", [d.scaled(small(d)), d.input(1, 16, 14, 14)], { shift: 6 })),
  "gate per channel": (d) => d.narrow(d.add("imul", [d.scaled(small(d)), d.input(1, 16, 1, 1)], { shift: 6 })),
  "hard swish": (d) => {
    const s = d.scaled(small(d));
    const gate = d.add(
      "imin",
      [d.add("imax", [d.add("iadd", [s, d.scalar(48)], {}), d.scalar(0)], {}), d.scalar(96)],
      {},
    );
    return d.narrow(d.add("imul", [s, gate], { shift: 7 }));
  },
  select: (d) => {
    const s = d.scaled(small(d));
    return d.narrow(d.add("select", [d.add("icmp", [s, d.scalar(5)], { kind: "gt" }), s, d.scalar(0)], {}));
  },
  "max pool 2x2": (d) => d.window(requantized(small)(d), "max", 2, 2),
  "max pool 3x3, stride 2": (d) => d.window(requantized(small)(d), "max", 3, 2),
  "global average pool": (d) => d.narrow(d.add("ireduce", [requantized(small)(d)], { kind: "sum", axes: [2, 3] })),
  "depthwise after pointwise": (d) =>
    requantized((e) => e.conv(requantized((f) => f.conv(f.input(1, 16, 12, 12), 16, 1))(e), 16, 3, { groups: 16 }))(d),
  "requantized product": requantized((d) => d.matmul(d.input(32, 64), 48)),
  "softmax-like tail of a product": (d) => {
    const s = d.scaled(d.matmul(d.input(16, 32), 24));
    return d.add("isub", [s, d.add("ireduce", [s], { kind: "max", axes: [1] })], {});
  },
};

const binary =
  (op: "iadd" | "isub" | "idiv" | "imax" | "imin" | "ishr" | "ishl" | "iand" | "ior"): Build =>
  (d) =>
    d.add(op, [d.input(1, 24, 16, 16), d.input(1, 24, 16, 16)], {});
const unary =
  (op: "inot" | "iabs" | "isign"): Build =>
  (d) =>
    d.add(op, [d.input(1, 24, 16, 16)], {});

const ELEMENTWISE: Readonly<Record<string, Build>> = {
  add: binary("iadd"),
  subtract: binary("isub"),
  divide: binary("idiv"),
  maximum: binary("imax"),
  minimum: binary("imin"),
  "shift right": binary("ishr"),
  "shift left": binary("ishl"),
  and: binary("iand"),
  or: binary("ior"),
  not: unary("inot"),
  absolute: unary("iabs"),
  sign: unary("isign"),
  multiply: (d) => d.add("imul", [d.input(1, 24, 16, 16), d.input(1, 24, 16, 16)], { shift: 4 }),
  "multiply-accumulate": (d) =>
    d.add("imacc", [d.input(1, 24, 16, 16), d.input(1, 24, 16, 16), d.constant("int32", [1, 24, 1, 1])], {}),
  compare: (d) => d.add("icmp", [d.input(1, 24, 16, 16), d.scalar(0)], { kind: "lt" }),
  select: (d) => d.add("select", [d.input(1, 24, 16, 16), d.input(1, 24, 16, 16), d.scalar(0)], {}),
  narrow: (d) => d.narrow(d.add("iadd", [d.input(1, 24, 16, 16), d.scalar(9)], {})),
  "matrix plus row": (d) => d.add("iadd", [d.input(48, 40), d.constant("int32", [40])], {}),
  "chain of ten": (d) => {
    let x = d.input(1, 16, 16, 16);
    for (let i = 0; i < 10; i++) x = d.add(i % 2 === 0 ? "iadd" : "imax", [x, d.scalar(i)], {});
    return x;
  },
};

const REDUCTIONS: Readonly<Record<string, Build>> = {
  "max pool 3x3, padded": (d) => d.window(d.input(1, 16, 16, 16), "max", 3, 2, 1),
  "min pool 2x2": (d) => d.window(d.input(1, 16, 16, 16), "min", 2, 2),
  "sum pool 3x3": (d) => d.window(d.input(1, 16, 16, 16), "sum", 3, 1, 1),
  "sum over height and width": (d) => d.add("ireduce", [d.input(1, 24, 12, 12)], { kind: "sum", axes: [2, 3] }),
  "maximum over lanes": (d) => d.add("ireduce", [d.input(32, 40)], { kind: "max", axes: [1] }),
  "sum over rows": (d) => d.add("ireduce", [d.input(32, 40)], { kind: "sum", axes: [0] }),
  "maximum subtracted": (d) => {
    const x = d.input(32, 40);
    return d.add("isub", [x, d.add("ireduce", [x], { kind: "max", axes: [1] })], {});
  },
};

const MOVEMENTS: Readonly<Record<string, Build>> = {
  "a matrix and its transpose": (d) => {
    const x = d.input(48, 40);
    return d.add("matmul", [d.add("transpose", [x], { perm: [1, 0] }), d.narrow(d.scaled(d.matmul(x, 24)))], {});
  },
  "an image and its transpose": (d) => {
    const x = d.input(1, 12, 12, 12);
    return d.add(
      "iadd",
      [d.window(x, "max", 2, 2), d.window(d.add("transpose", [x], { perm: [0, 2, 1, 3] }), "max", 2, 2)],
      {},
    );
  },
  slice: (d) =>
    d.add("slice", [d.input(2, 24, 12, 12)], { starts: [1, 4, 1, 1], steps: [1, 1, 2, 2], sizes: [1, 16, 5, 5] }),
  pad: (d) => d.add("pad", [d.input(1, 16, 10, 10)], { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: 0 }),
  concat: (d) => d.add("concat", [d.input(1, 16, 10, 10), d.input(1, 12, 10, 10)], { axis: 1 }),
  expand: (d) => d.add("expand", [d.input(1, 40)], { shape: [24, 40] }),
  "rows by constant indices": (d) => d.add("gather", [d.input(40, 24), d.constant("int32", [12], 7)], { axis: 0 }),
  "rows by computed indices": (d) => {
    const list = d.add("imin", [d.add("iabs", [d.input(40)], {}), d.scalar(29)], {});
    return d.add("gather", [d.input(30, 24), list], { axis: 0 });
  },
};

const normalized = (d: Draft, x: ValueId): ValueId => {
  const { b } = d;
  const centered = d.add("isub", [x, d.add("ireduce", [x], { kind: "max", axes: [b.type(x).shape.length - 1] })], {});
  return d.narrow(centered);
};
const product =
  (n: number): ((d: Draft, x: ValueId) => ValueId) =>
  (d, x) =>
    d.narrow(d.scaled(d.matmul(x, n)));
const convolved =
  (oc: number, k: number, o: ConvOptions = {}) =>
  (d: Draft, x: ValueId): ValueId =>
    d.narrow(d.scaled(d.conv(x, oc, k, o)));
/** One step after another, each at least a block of its own. */
const chain =
  (shape: readonly number[], ...steps: readonly ((d: Draft, x: ValueId) => ValueId)[]): Build =>
  (d) =>
    steps.reduce((x, step) => step(d, x), d.input(...shape));

const SEQUENCES: Readonly<Record<string, Build>> = {
  "two convolutions": chain([1, 16, 14, 14], convolved(16, 3), convolved(32, 3)),
  "1x1 and 3x3, three times": chain(
    [1, 16, 14, 14],
    ...[1, 2, 3].flatMap(() => [convolved(32, 1), convolved(16, 3, { stride: 1 })]),
  ),
  "many weights after few": chain([1, 8, 14, 14], convolved(8, 1), convolved(128, 1), convolved(64, 1)),
  "pointwise, depthwise, pointwise": chain(
    [1, 16, 12, 12],
    convolved(32, 1),
    convolved(32, 3, { groups: 32 }),
    convolved(16, 1),
  ),
  "products bound by their weights": chain([1, 256], product(128), product(96), product(64)),
  "products in one step each": chain([8, 16], product(16), product(8), product(16)),
  "products, 40 rows": chain([40, 64], product(48), product(64), product(24)),
  "maximum subtracted, product": chain([16, 48], normalized, product(64)),
  "product, maximum subtracted, product": chain([24, 32], product(40), normalized, product(32)),
  "product with another input, then with weights": chain(
    [24, 32],
    product(32),
    (d, x) => d.narrow(d.add("matmul", [x, d.input(32, 24)], {})),
    product(32),
  ),
  "pool between convolutions": chain(
    [1, 16, 16, 16],
    convolved(16, 3),
    (d, x) => d.window(x, "max", 3, 2, 1),
    convolved(24, 3),
  ),
};

const TABLE: readonly (readonly [CaseClass, Readonly<Record<string, Build>>])[] = [
  ["convolution", CONVOLUTIONS],
  ["matrix product", PRODUCTS],
  ["fused tail", TAILS],
  ["element-wise", ELEMENTWISE],
  ["window and reduction", REDUCTIONS],
  ["movement", MOVEMENTS],
  ["block after block", SEQUENCES],
];

function graphOf(build: Build): Graph {
  const d = new Draft();
  const y = build(d);
  const { dtype } = d.b.type(y);
  d.b.output({ name: "y", value: y, elementType: dtype });
  return d.b.finish();
}

/** Convolutions, matrix products, every fused tail, every class of operation without a GEMM, and several blocks in a row. */
export const cycleCases = (): readonly CycleCase[] =>
  TABLE.flatMap(([kind, rows]) => Object.entries(rows).map(([name, build]) => ({ kind, name, graph: graphOf(build) })));
