import { elements, type Graph, GraphBuilder, type ValueId } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { fuseActivations } from "../src/index.js";
import { floatValues, relativeError } from "./float-reference.js";
import { golden, goldensOf } from "./golden.js";

const ctx = { machine: machinePreset("tandem-32x32") };
const SHAPE = [2, 8];

interface Draw {
  op(op: Parameters<GraphBuilder["add"]>[0], inputs: readonly ValueId[], attrs?: object): ValueId;
  fn(fn: string, x: ValueId, a?: number, b?: number): ValueId;
  number(x: number, shape?: readonly number[]): ValueId;
}

function draw(body: (d: Draw, x: ValueId) => ValueId): Graph {
  const b = new GraphBuilder("g");
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: SHAPE });
  const loc = { model: "m.onnx", node: "n", op: "N" };
  const op: Draw["op"] = (name, inputs, attrs = {}) => b.add(name, inputs, attrs as never, loc, { id: name });
  const d: Draw = {
    op,
    fn: (fn, v, a = 0, c = 0) => op("unary", [v], { fn, a, b: c }),
    number: (v, shape = []) => b.constant({ dtype: "float32", shape }, Float32Array.of(v), { id: "c" }),
  };
  b.output({ name: "y", value: body(d, x), elementType: "float32" });
  return b.finish();
}

const axis = { axes: [1] };
const cube = (d: Draw, x: ValueId) => d.op("pow", [x, d.number(3)]);

const FUSED: Readonly<Record<string, readonly [string, (d: Draw, x: ValueId) => ValueId]>> = {
  "gelu-scaled-last": [
    "gelu",
    (d, x) => {
      const open = d.op("add", [d.fn("erf", d.op("div", [x, d.number(Math.SQRT2)])), d.number(1)]);
      return d.op("mul", [d.op("mul", [x, open]), d.number(0.5)]);
    },
  ],
  "gelu-scaled-first": [
    "gelu",
    (d, x) => {
      const open = d.op("add", [d.number(1), d.fn("erf", d.op("mul", [d.number(0.70703125), x]))]);
      return d.op("mul", [d.op("mul", [d.number(0.5), x]), open]);
    },
  ],
  "gelu-tanh": [
    "geluTanh",
    (d, x) => {
      const inner = d.op("add", [x, d.op("mul", [cube(d, x), d.number(0.044715)])]);
      const open = d.op("add", [d.fn("tanh", d.op("mul", [inner, d.number(0.7978846)])), d.number(1)]);
      return d.op("mul", [d.op("mul", [x, d.number(0.5)]), open]);
    },
  ],
  "gelu-tanh-factored": [
    "geluTanh",
    (d, x) => {
      const square = d.op("mul", [d.op("mul", [x, d.number(0.044715)]), x]);
      const inner = d.op("mul", [d.op("mul", [x, d.number(0.7978846)]), d.op("add", [square, d.number(1)])]);
      return d.op("mul", [d.op("mul", [d.op("add", [d.fn("tanh", inner), d.number(1)]), x]), d.number(0.5)]);
    },
  ],
  swish: ["swish", (d, x) => d.op("mul", [d.fn("sigmoid", x), x])],
  "swish-scaled": ["swish", (d, x) => d.op("mul", [x, d.fn("sigmoid", d.op("mul", [x, d.number(1.702)]))])],
  "hard-swish": [
    "hardSwish",
    (d, x) => {
      const gate = d.op("clip", [d.op("add", [x, d.number(3)])], { min: 0, max: 6 });
      return d.op("div", [d.op("mul", [x, gate]), d.number(6)]);
    },
  ],
  "hard-swish-of-sigmoid": ["hardSwish", (d, x) => d.op("mul", [x, d.fn("hardSigmoid", x, Math.fround(1 / 6), 0.5)])],
  mish: ["mish", (d, x) => d.op("mul", [x, d.fn("tanh", d.fn("softplus", x))])],
  softplus: ["softplus", (d, x) => d.fn("log", d.op("add", [d.fn("exp", x), d.number(1)]))],
  square: ["square", (d, x) => d.op("mul", [x, x])],
  softmax: [
    "softmax",
    (d, x) => {
      const e = d.fn("exp", d.op("sub", [x, d.op("reduce", [x], { kind: "max", ...axis })]));
      return d.op("div", [e, d.op("reduce", [e], { kind: "sum", ...axis })]);
    },
  ],
};

const KEPT: Readonly<Record<string, (d: Draw, x: ValueId) => ValueId>> = {
  "another factor": (d, x) => {
    const open = d.op("add", [d.fn("erf", d.op("div", [x, d.number(2)])), d.number(1)]);
    return d.op("mul", [d.op("mul", [x, open]), d.number(0.5)]);
  },
  "a wider constant": (d, x) => d.op("mul", [d.fn("tanh", x), d.number(2, [1, 1, 1])]),
  "a clip of other bounds": (d, x) => {
    const gate = d.op("clip", [d.op("add", [x, d.number(3)])], { min: 0, max: 5 });
    return d.op("div", [d.op("mul", [x, gate]), d.number(6)]);
  },
};

describe("fuse-activations", () => {
  const input = Float32Array.from({ length: elements(SHAPE) }, (_, i) => (i - 7) / 2.5);
  for (const [name, [fn, body]] of Object.entries(FUSED))
    it(`${name} becomes one operation of the same value`, () => {
      const before = draw(body);
      const after = golden(fuseActivations, name, before, ctx);
      expect(after.nodes.map((n) => (n.op === "unary" ? n.attrs.fn : n.op))).toEqual([fn]);
      const [want, got] = [before, after].map((g) => {
        const values = floatValues(g, new Map([["x", input]]));
        return values.get(g.outputs[0]!.value) as Float32Array;
      }) as [Float32Array, Float32Array];
      expect(relativeError(want, got)).toBeLessThan(1e-3);
    });

  for (const [name, body] of Object.entries(KEPT))
    it(`${name} keeps its operations`, () => {
      const before = draw(body);
      expect(fuseActivations.run(before, ctx).nodes).toHaveLength(before.nodes.length);
    });

  it("has no golden without a test", () => {
    expect(goldensOf("fuse-activations").sort()).toEqual(Object.keys(FUSED).sort());
  });
});
