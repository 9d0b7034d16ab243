import { elements, type Graph, GraphBuilder, type ValueId } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import {
  absorbPad,
  addBias,
  convRank,
  FLOAT_PASSES,
  flattenMatmul,
  foldBatchNorm,
  foldConstants,
  foldIntegers,
  fuseStatistics,
  gatherToSlice,
  INTEGER_PASSES,
  matmulConstantLeft,
  mergeActivations,
  mergeMovement,
  type Pass,
  raiseQuantizers,
  removeIdentities,
  sinkMovement,
  splitReductions,
  splitWindows,
} from "../src/index.js";
import { golden, goldensOf } from "./golden.js";

const ctx = { machine: machinePreset("tandem-32x32") };
const INF = Number.POSITIVE_INFINITY;

/** Shorthand for small graphs: every value is named and sourced by its identifier. */
function draw(shape: readonly number[], body: (g: Draw) => readonly ValueId[]): Graph {
  const b = new GraphBuilder("g");
  b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape });
  const add: Draw["add"] = (id, op, inputs, attrs) =>
    b.add(op, inputs, attrs as never, { model: "m.onnx", node: `node_${id}`, op }, { id, source: id });
  const constant: Draw["constant"] = (id, s, f = (i) => i + 1) =>
    b.constant(
      { dtype: "float32", shape: s },
      Float32Array.from({ length: elements(s) }, (_, i) => f(i)),
      {
        id,
        source: id,
      },
    );
  const index: Draw["index"] = (id, s, ...at) =>
    b.constant({ dtype: "int64", shape: s }, BigInt64Array.from(at, BigInt), { id, source: id });
  for (const value of body({ add, constant, index })) b.output({ name: value, value, elementType: "float32" });
  return b.finish();
}

interface Draw {
  add(id: string, op: Parameters<GraphBuilder["add"]>[0], inputs: readonly ValueId[], attrs?: object): ValueId;
  constant(id: string, shape: readonly number[], f?: (i: number) => number): ValueId;
  index(id: string, shape: readonly number[], ...at: readonly number[]): ValueId;
}

const eighths = (scale: number) => ({ shape: [], scale: [scale], zero: [0], codes: [-8, 7], rounding: "even" });

const conv1 = (spatial: number) => ({
  strides: new Array(spatial).fill(1),
  dilations: new Array(spatial).fill(1),
  pads: new Array(2 * spatial).fill(0),
  groups: 1,
  fill: 0,
});

const CASES: readonly (readonly [Pass, Readonly<Record<string, () => Graph>>])[] = [
  [
    removeIdentities,
    {
      chain: () =>
        draw([1, 4], ({ add, constant }) => {
          add("a", "relu", ["x"], {});
          add("b", "identity", ["a"], {});
          add("c", "cast", ["b"], { to: "float32" });
          add("d", "reshape", ["c"], { shape: [1, 4] });
          add("e", "slice", ["d"], { starts: [0, 0], steps: [1, 1], sizes: [1, 4] });
          add("f", "add", ["e", constant("zero", [], () => 0)], {});
          add("g", "mul", [constant("one", [1], () => 1), "f"], {});
          add("h", "expand", ["g"], { shape: [1, 4] });
          add("i", "concat", ["h"], { axis: 1 });
          return [add("y", "pad", ["i"], { pads: [0, 0, 0, 0], value: 0 })];
        }),
      "changes-shape": () =>
        draw([4], ({ add, constant }) => [
          add("y", "add", ["x", constant("zero", [1, 1], () => 0)], {}),
          add("z", "reshape", ["x"], { shape: [2, 2] }),
        ]),
      "input-is-output": () =>
        draw([2], ({ add }) => {
          add("a", "identity", ["x"], {});
          return [add("y", "identity", ["a"], {})];
        }),
    },
  ],
  [
    mergeMovement,
    {
      transposes: () =>
        draw([1, 2, 3, 4], ({ add }) => {
          add("a", "transpose", ["x"], { perm: [0, 2, 3, 1] });
          add("b", "relu", ["a"], {});
          add("c", "transpose", ["b"], { perm: [0, 3, 1, 2] });
          return [add("y", "transpose", ["c"], { perm: [0, 3, 2, 1] })];
        }),
      "unit-axes": () => draw([1, 1, 5, 4], ({ add }) => [add("y", "transpose", ["x"], { perm: [2, 0, 3, 1] })]),
      slices: () =>
        draw([10, 6], ({ add }) => {
          add("a", "slice", ["x"], { starts: [9, 1], steps: [-2, 1], sizes: [5, 4] });
          return [add("y", "slice", ["a"], { starts: [1, 3], steps: [2, -1], sizes: [2, 3] })];
        }),
      "slice-of-concat": () =>
        draw([2, 6], ({ add }) => {
          add("a", "relu", ["x"], {});
          add("b", "concat", ["x", "a"], { axis: 1 });
          return [
            add("y", "slice", ["b"], { starts: [0, 10], steps: [1, -2], sizes: [2, 3] }),
            add("z", "slice", ["b"], { starts: [0, 5], steps: [1, 1], sizes: [2, 2] }),
          ];
        }),
      "reshape-pad-concat": () =>
        draw([2, 6], ({ add }) => {
          add("a", "reshape", ["x"], { shape: [3, 4] });
          add("b", "reshape", ["a"], { shape: [4, 3] });
          add("c", "pad", ["b"], { pads: [0, 1, 0, 0], value: 0 });
          add("d", "pad", ["c"], { pads: [1, 0, 0, 0], value: 0 });
          add("e", "concat", ["d", "d"], { axis: 0 });
          return [add("y", "concat", ["e", "d"], { axis: 0 })];
        }),
    },
  ],
  [
    raiseQuantizers,
    {
      "pool-and-movement": () =>
        draw([1, 4, 4, 2], ({ add }) => {
          add("a", "maxPool", ["x"], { kernel: [2, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] });
          add("b", "transpose", ["a"], { perm: [0, 3, 1, 2] });
          return [add("y", "fakeQuant", ["b"], eighths(0.5))];
        }),
      concat: () =>
        draw([1, 4], ({ add }) => {
          add("a", "relu", ["x"], {});
          add("b", "concat", ["a", "x"], { axis: 1 });
          return [add("y", "fakeQuant", ["b"], eighths(0.5))];
        }),
      "equal-ones-joined": () =>
        draw([1, 4], ({ add }) => {
          add("a", "fakeQuant", ["x"], eighths(0.5));
          add("b", "fakeQuant", ["x"], eighths(0.5));
          add("c", "fakeQuant", ["x"], eighths(0.25));
          add("d", "add", ["a", "b"], {});
          return [add("y", "add", ["d", "c"], {})];
        }),
      "on-its-grid": () =>
        draw([1, 4], ({ add }) => {
          add("a", "fakeQuant", ["x"], eighths(0.5));
          add("b", "reshape", ["a"], { shape: [4] });
          add("c", "fakeQuant", ["b"], eighths(0.5));
          return [add("y", "relu", ["c"], {})];
        }),
      "scales-per-channel-stay": () =>
        draw([1, 2, 2], ({ add }) => {
          add("a", "transpose", ["x"], { perm: [0, 2, 1] });
          const attrs = { ...eighths(0.5), shape: [2, 1], scale: [0.5, 0.25], zero: [0, 0] };
          return [add("y", "fakeQuant", ["a"], attrs)];
        }),
      "read-twice-stays": () =>
        draw([1, 4], ({ add }) => {
          add("a", "reshape", ["x"], { shape: [2, 2] });
          add("b", "fakeQuant", ["a"], eighths(0.5));
          return [add("y", "add", ["a", "b"], {})];
        }),
    },
  ],
  [
    sinkMovement,
    {
      residual: () =>
        draw([1, 3, 8], ({ add, constant }) => {
          add("a", "reshape", ["x"], { shape: [1, 3, 1, 8] });
          add("b", "relu", ["a"], {});
          add("c", "reshape", ["x"], { shape: [1, 3, 1, 8] });
          add("d", "add", ["b", "c"], {});
          return [add("y", "mul", ["d", constant("k", [3, 1, 1])], {})];
        }),
      product: () =>
        draw([1, 4, 6], ({ add, constant }) => {
          add("a", "reshape", ["x"], { shape: [4, 6] });
          add("b", "matmul", ["a", constant("w", [6, 3]), constant("c", [3])], {});
          add("d", "reshape", ["b"], { shape: [1, 4, 3] });
          return [add("y", "unary", ["d"], { fn: "gelu", a: 0, b: 0 })];
        }),
      "constant-enlarges": () =>
        draw([6], ({ add, constant }) => {
          add("a", "reshape", ["x"], { shape: [1, 6] });
          return [add("y", "add", ["a", constant("k", [4, 6])], {})];
        }),
      transpose: () =>
        draw([1, 4, 4, 2], ({ add, constant }) => {
          add("a", "transpose", ["x"], { perm: [0, 3, 1, 2] });
          return [add("y", "add", [constant("k", [2, 1, 1]), "a"], {})];
        }),
    },
  ],
  [
    mergeActivations,
    {
      relu6: () =>
        draw([4], ({ add }) => {
          add("a", "relu", ["x"], {});
          return [add("y", "clip", ["a"], { min: -1, max: 6 })];
        }),
      "clip-to-relu": () =>
        draw([4], ({ add }) => {
          add("a", "clip", ["x"], { min: -1, max: INF });
          return [add("y", "clip", ["a"], { min: 0, max: 3.4028234663852886e38 })];
        }),
    },
  ],
  [
    foldBatchNorm,
    {
      conv: () =>
        draw([1, 1, 2, 2], ({ add, constant }) => {
          const parameters = [
            constant("gamma", [2]),
            constant("beta", [2], () => 10),
            constant("mean", [2], () => 2),
            constant("variance", [2], () => 4),
          ];
          add("a", "conv", ["x", constant("w", [2, 1, 1, 1]), constant("b", [2])], conv1(2));
          return [add("y", "batchNorm", ["a", ...parameters], { epsilon: 0 })];
        }),
      "read-twice": () =>
        draw([1, 1, 2, 2], ({ add, constant }) => {
          const p = constant("p", [2]);
          add("a", "conv", ["x", constant("w", [2, 1, 1, 1])], conv1(2));
          add("b", "batchNorm", ["a", p, p, p, p], { epsilon: 1e-5 });
          return [add("y", "add", ["a", "b"], {})];
        }),
    },
  ],
  [
    absorbPad,
    {
      conv: () =>
        draw([1, 1, 4, 4], ({ add, constant }) => {
          add("a", "pad", ["x"], { pads: [0, 0, 1, 0, 0, 0, 2, 1], value: 0 });
          return [add("y", "conv", ["a", constant("w", [1, 1, 2, 2])], conv1(2))];
        }),
      "max-pool-behind-relu": () =>
        draw([1, 1, 6, 6], ({ add }) => {
          add("a", "relu", ["x"], {});
          add("b", "pad", ["a"], { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: 0 });
          const attrs = { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };
          return [add("y", "maxPool", ["b"], attrs)];
        }),
      "average-pool-counts": () =>
        draw([1, 1, 6], ({ add }) => {
          add("a", "pad", ["x"], { pads: [0, 0, 1, 0, 0, 1], value: 0 });
          const attrs = { kernel: [3], strides: [1], dilations: [1], pads: [1, 1], countedPads: [0, 0] };
          return [add("y", "averagePool", ["a"], attrs)];
        }),
      stays: () =>
        draw([1, 1, 6], ({ add }) => {
          add("a", "pad", ["x"], { pads: [0, 0, 3, 0, 0, 0], value: 0 });
          const attrs = { kernel: [2], strides: [1], dilations: [1], pads: [0, 0] };
          return [add("y", "maxPool", ["a"], attrs)];
        }),
    },
  ],
  [
    fuseStatistics,
    {
      "layer-norm": () =>
        draw([2, 8], ({ add, constant }) => {
          add("m", "reduce", ["x"], { kind: "mean", axes: [1] });
          add("d", "sub", ["x", "m"], {});
          add("s", "unary", ["d"], { fn: "square", a: 0, b: 0 });
          add("v", "reduce", ["s"], { kind: "mean", axes: [1] });
          add("w", "add", ["v", constant("epsilon", [])], {});
          add("q", "unary", ["w"], { fn: "sqrt", a: 0, b: 0 });
          return [add("y", "div", ["d", "q"], {})];
        }),
      "inverse-deviation": () =>
        draw([2, 8], ({ add }) => {
          add("s", "unary", ["x"], { fn: "square", a: 0, b: 0 });
          add("v", "reduce", ["s"], { kind: "sum", axes: [1] });
          add("q", "unary", ["v"], { fn: "sqrt", a: 0, b: 0 });
          return [add("y", "unary", ["q"], { fn: "reciprocal", a: 0, b: 0 })];
        }),
      "read-twice": () =>
        draw([2, 8], ({ add }) => {
          add("s", "unary", ["x"], { fn: "square", a: 0, b: 0 });
          add("v", "reduce", ["s"], { kind: "mean", axes: [1] });
          add("q", "unary", ["v"], { fn: "sqrt", a: 0, b: 0 });
          return [add("y", "div", ["s", "q"], {}), add("z", "add", ["q", "v"], {})];
        }),
    },
  ],
  [
    flattenMatmul,
    {
      plane: () =>
        draw([1, 2, 2, 2], ({ add, constant }) => {
          add("a", "reshape", ["x"], { shape: [1, 8] });
          return [add("y", "matmul", ["a", constant("w", [8, 3]), constant("b", [3])], {})];
        }),
      "channels-last": () =>
        draw([1, 2, 2, 2], ({ add, constant }) => {
          add("a", "transpose", ["x"], { perm: [0, 2, 3, 1] });
          add("b", "reshape", ["a"], { shape: [1, 8] });
          return [add("y", "matmul", ["b", constant("w", [8, 2])], {})];
        }),
      "few-channels": () =>
        draw([1, 1, 3, 3], ({ add, constant }) => {
          add("a", "reshape", ["x"], { shape: [1, 9] });
          return [add("y", "matmul", ["a", constant("w", [9, 2])], {})];
        }),
      line: () =>
        draw([2, 2, 4], ({ add, constant }) => {
          add("a", "reshape", ["x"], { shape: [2, 8] });
          return [add("y", "matmul", ["a", constant("w", [8, 3])], {})];
        }),
    },
  ],
  [
    matmulConstantLeft,
    {
      bias: () =>
        draw([3, 2], ({ add, constant }) => [add("y", "matmul", [constant("A", [4, 3]), "x", constant("b", [2])], {})]),
    },
  ],
  [
    addBias,
    {
      conv: () =>
        draw([1, 1, 2, 2], ({ add, constant }) => {
          add("a", "conv", ["x", constant("w", [2, 1, 1, 1])], conv1(2));
          return [add("y", "add", [constant("c", [2, 1, 1]), "a"], {})];
        }),
      "matmul-minus-scalar": () =>
        draw([1, 2], ({ add, constant }) => {
          add("a", "matmul", ["x", constant("w", [2, 2]), constant("b", [2])], {});
          return [add("y", "sub", ["a", constant("c", [])], {})];
        }),
      "not-per-channel": () =>
        draw([1, 1, 2, 2], ({ add, constant }) => {
          add("a", "conv", ["x", constant("w", [2, 1, 1, 1])], conv1(2));
          return [add("y", "add", ["a", constant("c", [2])], {})];
        }),
    },
  ],
  [
    convRank,
    {
      line: () =>
        draw([1, 2, 8], ({ add, constant }) => {
          add("a", "conv", ["x", constant("w", [3, 2, 3])], { ...conv1(1), pads: [1, 1] });
          add("b", "maxPool", ["a"], { kernel: [2], strides: [2], dilations: [1], pads: [0, 0] });
          const attrs = { kernel: [4], strides: [1], dilations: [1], pads: [0, 0], countedPads: [0, 0] };
          return [add("y", "averagePool", ["b"], attrs)];
        }),
    },
  ],
  [
    gatherToSlice,
    {
      indices: () =>
        draw([2, 6], ({ add, index }) => [
          add("first", "gather", ["x", index("a", [], 0)], { axis: 1 }),
          add("last", "gather", ["x", index("b", [1], -1)], { axis: 0 }),
          add("backwards", "gather", ["x", index("c", [3], 5, 3, 1)], { axis: 1 }),
          add("uneven", "gather", ["x", index("d", [3], 0, 1, 3)], { axis: 1 }),
          add("repeated", "gather", ["x", index("e", [2], 1, 1)], { axis: 1 }),
        ]),
    },
  ],
  [
    foldConstants,
    {
      weights: () =>
        draw([1, 4], ({ add, constant }) => {
          add("w2", "reshape", [constant("w", [2, 2, 3])], { shape: [4, 3] });
          add("w3", "add", ["w2", constant("c", [])], {});
          return [add("y", "matmul", ["x", "w3"], {}), "w3"];
        }),
    },
  ],
  [
    foldIntegers,
    {
      chain: () => constants([1, 4], "isub"),
      spread: () => constants([3, 4], "iadd"),
      nothing,
    },
  ],
  [
    splitWindows,
    {
      global: () => window([1, 2, 56, 56], { kernel: [56, 56], pads: [0, 0, 0, 0], fill: 0 }),
      "padded-sum": () => window([1, 2, 40, 40], { kernel: [20, 20], pads: [1, 2, 1, 2], fill: -3, strides: [2, 4] }),
      "long-axis": () => window([1, 2, 1, 1021], { kernel: [1, 1021], pads: [0, 0, 0, 0], fill: 0 }),
      small: () => window([1, 2, 8, 8], { kernel: [8, 8], pads: [0, 0, 0, 0], fill: 0 }),
    },
  ],
  [
    splitReductions,
    {
      axes: () => reduction([4, 70, 64], "sum", [0, 1, 2]),
      chunks: () => reduction([2, 8192], "max", [1]),
      prime: () => reduction([2, 8191], "sum", [1]),
      small: () => reduction([2, 4096], "min", [1]),
    },
  ],
];

/** A chain of constants, the last of which has shape `shape`, subtracted from an input. */
function constants(shape: readonly number[], op: "iadd" | "isub"): Graph {
  const b = new GraphBuilder("g");
  const loc = { model: "m.onnx", node: "where", op: "Where" };
  const x = b.input({ name: "x", elementType: "int32" }, { dtype: "int32", shape: [3, 4] });
  const int = (id: string, of: readonly number[], first: number) =>
    b.constant(
      { dtype: "int32", shape: of },
      Int32Array.from({ length: of.reduce((n, d) => n * d, 1) }, (_, i) => first + i),
      {
        id,
      },
    );
  const low = b.add("ishl", [int("one", [], -1), int("bits", [], 31)], {}, loc, { id: "low" });
  const row = b.add("imax", [int("row", [1, 4], 5), low], {}, loc, { id: "top" });
  const wide = shape[0] === 1 ? row : b.add("expand", [row], { shape }, loc, { id: "wide" });
  b.output({ name: "y", value: b.add(op, [x, wide], {}, loc, { id: "y" }), elementType: "int32" });
  return b.finish();
}

/** Rows cut to none and padded to one again, added to an input. */
function nothing(): Graph {
  const b = new GraphBuilder("g");
  const loc = { model: "m.onnx", node: "sum", op: "CumSum" };
  const x = b.input({ name: "x", elementType: "int32" }, { dtype: "int32", shape: [1, 4] });
  const none = b.add("slice", [x], { starts: [0, 0], steps: [1, 1], sizes: [0, 4] }, loc, { id: "none" });
  const row = b.add("pad", [none], { pads: [1, 0, 0, 0], value: 7 }, loc, { id: "row" });
  b.output({ name: "y", value: b.add("iadd", [x, row], {}, loc, { id: "y" }), elementType: "int32" });
  return b.finish();
}

function reduction(shape: readonly number[], kind: "sum" | "max" | "min", axes: readonly number[]): Graph {
  const b = new GraphBuilder("g");
  const quant = { scale: [0.5], zeroPoint: 3, axis: null };
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "int8", shape, quant });
  const loc = { model: "m.onnx", node: "reduce", op: "ReduceSum" };
  const value = b.add("ireduce", [x], { kind, axes }, loc, { id: "y", source: "y" });
  b.output({ name: "y", value, elementType: "float32" });
  return b.finish();
}

function window(shape: readonly number[], attrs: object): Graph {
  const b = new GraphBuilder("g");
  const quant = { scale: [0.5], zeroPoint: 3, axis: null };
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "int8", shape, quant });
  const all = { kind: "sum", strides: [1, 1], dilations: [1, 1], ...attrs } as never;
  const value = b.add(
    "iwindow",
    [x],
    all,
    { model: "m.onnx", node: "pool", op: "AveragePool" },
    { id: "y", source: "y" },
  );
  b.output({ name: "y", value, elementType: "float32" });
  return b.finish();
}

for (const [pass, cases] of CASES)
  describe(pass.name, () => {
    for (const [name, graph] of Object.entries(cases))
      it(name, () => {
        golden(pass, name, graph(), ctx);
      });
    it("has no orphaned golden", () => expect(goldensOf(pass.name).sort()).toEqual(Object.keys(cases).sort()));
  });

it("every pass has goldens and a name of its own", () => {
  const passes = [...FLOAT_PASSES, ...INTEGER_PASSES];
  // fuse-activations has a test file of its own.
  const covered = [...CASES.map(([p]) => p.name), "fuse-activations"];
  expect(new Set(covered)).toEqual(new Set(passes.map((p) => p.name)));
  expect(new Set(passes.map((p) => p.name)).size).toBe(new Set(passes).size);
  for (const p of passes) expect(p.doc, p.name).toMatch(/^[A-Z].*\.$/);
});
