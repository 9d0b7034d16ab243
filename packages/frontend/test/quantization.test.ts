import { describe, expect, it } from "vitest";
import type { ModelText, NewTensor } from "../src/index.js";
import { f, i, ints, type OneNode, oneNode, outcome, ramp, s, scalar } from "./import-text.js";

const list = (type: string, ...data: number[]): NewTensor => ({ type, shape: [data.length], data });
const tensor = (type: string, shape: readonly number[], ...data: number[]): NewTensor => ({ type, shape, data });
const brevitas = "onnx.brevitas";
const general = "qonnx.custom_op.general";

const NODES: Readonly<Record<string, OneNode>> = {
  "QuantizeLinear 10: uint8 by default": { op: "QuantizeLinear", opset: 10, inputs: [[2, 3], scalar(0.5)] },
  "QuantizeLinear: per axis, int8": {
    op: "QuantizeLinear",
    inputs: [[2, 3], list("float32", 0.5, 0.25, 1), list("int8", 0, 1, -1)],
    attributes: { axis: i(-1) },
  },
  "QuantizeLinear 21: int4 by attribute": {
    op: "QuantizeLinear",
    opset: 21,
    inputs: [[2, 3], scalar(0.5)],
    attributes: { output_dtype: i(22) },
  },
  "QuantizeLinear 21: blocks of 2, of which the last is short": {
    op: "QuantizeLinear",
    opset: 21,
    inputs: [[1, 3], tensor("float32", [1, 2], 0.5, 2), tensor("int16", [1, 2], 0, 3)],
    attributes: { axis: i(1), block_size: i(2) },
  },
  "QuantizeLinear 19: float8": {
    op: "QuantizeLinear",
    opset: 19,
    inputs: [[2, 3], scalar(0.5), tensor("float8e4m3fn", [], 0)],
  },
  "DequantizeLinear: a graph input": {
    op: "DequantizeLinear",
    inputs: [[2, 3], scalar(0.5), scalar(3, "uint8")],
    types: ["uint8"],
  },
  "DequantizeLinear: a constant keeps its grid": {
    op: "DequantizeLinear",
    inputs: [tensor("int8", [2, 2], -128, 127, 5, 0), list("float32", 0.5, 0.25), list("int8", 0, 0)],
    attributes: { axis: i(0) },
  },
  QLinearConv: {
    op: "QLinearConv",
    inputs: [
      [1, 1, 3, 3],
      scalar(0.5),
      scalar(128, "uint8"),
      tensor("int8", [2, 1, 1, 1], 3, -4),
      list("float32", 0.5, 0.25),
      list("int8", 0, 0),
    ],
    types: ["uint8"],
  },
  ConvInteger: {
    op: "ConvInteger",
    inputs: [[1, 1, 3, 3], tensor("uint8", [1, 1, 2, 2], 1, 2, 3, 4), scalar(1, "uint8")],
    types: ["uint8"],
  },
  MatMulInteger: {
    op: "MatMulInteger",
    inputs: [[2, 2], tensor("int8", [2, 1], 3, -4), scalar(1, "uint8")],
    types: ["uint8"],
  },
  DynamicQuantizeLinear: { op: "DynamicQuantizeLinear", inputs: [[2, 3]], outputs: 3 },
  "Quant: 4 bits, narrow, per channel": {
    op: "Quant",
    domain: brevitas,
    inputs: [[1, 2, 1, 1], tensor("float32", [1, 2, 1, 1], 0.5, 0.25), scalar(0), scalar(4)],
    attributes: { narrow: i(1), signed: i(1), rounding_mode: s("ROUND") },
  },
  "Quant: ties under an odd zero point": {
    op: "Quant",
    domain: general,
    inputs: [[3], scalar(0.5), scalar(3), scalar(3)],
    attributes: { narrow: i(0), signed: i(0), rounding_mode: s("round") },
  },
  "Quant: one signed bit": {
    op: "Quant",
    domain: general,
    inputs: [[3], scalar(0.5), scalar(0), scalar(1)],
    attributes: { narrow: i(0), signed: i(1) },
  },
  BipolarQuant: { op: "BipolarQuant", domain: brevitas, inputs: [[3], scalar(0.5)] },
  "Trunc of five inputs": {
    op: "Trunc",
    domain: brevitas,
    inputs: [[3], scalar(0.25), scalar(0), scalar(6), scalar(4)],
    attributes: { rounding_mode: s("FLOOR") },
  },
};

/** QuantizeLinear, moved codes, DequantizeLinear. */
const PAIR: ModelText = {
  inputs: [{ name: "x", shape: [1, 1, 2, 2] }],
  outputs: [{ name: "y" }],
  initializers: [
    { name: "s", shape: [], data: [0.5] },
    { name: "z", type: "uint8", shape: [], data: [7] },
  ],
  nodes: [
    { op: "QuantizeLinear", name: "q", inputs: ["x", "s", "z"], outputs: ["a"] },
    { op: "MaxPool", name: "m", inputs: ["a"], outputs: ["b"], attributes: { kernel_shape: ints(2, 1) } },
    { op: "Flatten", name: "f", inputs: ["b"], outputs: ["c"] },
    { op: "DequantizeLinear", name: "d", inputs: ["c", "s", "z"], outputs: ["y"] },
  ],
};

describe("operators of quantized models", () => {
  it("print as in their golden", async () => {
    const parts: string[] = [];
    for (const [title, c] of Object.entries(NODES)) {
      // QLinearConv has more inputs than a node here has names for.
      const m = oneNode(c.op === "QLinearConv" ? { ...c, inputs: c.inputs.slice(0, 6) } : c);
      const whole = c.op === "QLinearConv" ? withResult(m) : m;
      parts.push(`# ${c.op}: ${title}\n${await outcome(whole)}`);
    }
    await expect(parts.join("\n")).toMatchFileSnapshot("golden/quantization.txt");
  });

  it("a pair is one quantizer, whatever moves or selects the codes between", async () => {
    expect(await outcome(PAIR)).toMatchInlineSnapshot(`
      "graph "graph"(%x: float32[1,1,2,2]) {
        %a/fakeQuant = fakeQuant(%x) {scale 0.5000000, zero 7, codes 0..255, rounding=even} : float32[1,1,2,2]  loc "q"
        %b/maxPool = maxPool(%a/fakeQuant) {kernel=[2,1], strides=[1,1], dilations=[1,1], pads=[0,0,0,0]} : float32[1,1,1,2]  loc "m"
        %c/reshape = reshape(%b/maxPool) {shape=[1,2]} : float32[1,2]  loc "f"
        %y = identity(%c/reshape) : float32[1,2]  loc "d"
        return %y as "y"
      }
      "
    `);
  });
});

/** Scale and zero point of the result of a QLinearConv, and an int32 bias. */
function withResult(m: ModelText): ModelText {
  const [n] = m.nodes;
  return {
    ...m,
    initializers: [
      ...(m.initializers ?? []),
      { name: "ys", shape: [], data: [0.25] },
      { name: "yz", type: "int8", shape: [], data: [-3] },
      { name: "bias", type: "int32", shape: [2], data: [10, -20] },
    ],
    nodes: [{ ...n!, inputs: [...n!.inputs, "ys", "yz", "bias"] }],
  };
}

describe("what is refused, with the actual value", () => {
  const first = async (n: OneNode) => (await outcome(oneNode(n))).split("\n")[0];
  const q = (...inputs: OneNode["inputs"]): OneNode => ({ op: "QuantizeLinear", inputs });
  const quant = (inputs: OneNode["inputs"], mode = "ROUND", signed = 1): OneNode => ({
    op: "Quant",
    domain: brevitas,
    inputs,
    attributes: { narrow: i(0), signed: i(signed), rounding_mode: s(mode) },
  });

  it("scales", async () => {
    const lines = [
      await first(q([2, 3], [])),
      await first(q([2, 3], scalar(0))),
      await first(q([2, 3], list("float32", 1, -1, 1))),
      await first(q([2, 3], list("float32", 1, 1))),
      await first(q([2, 3], ramp(2, 3))),
      await first(q([2, 3], list("float32", 1, 1, 1), list("int8", 0, 0))),
      await first({ ...q([2, 3], list("float32", 1, 1, 1)), attributes: { axis: i(2) } }),
      await first({
        ...q([4, 3], tensor("float32", [4, 2], 1, 1, 1, 1, 1, 1, 1, 1)),
        opset: 21,
        attributes: { axis: i(0), block_size: i(2) },
      }),
      await first({ ...q([2, 3], scalar(1), scalar(0, "int8")), opset: 21, attributes: { output_dtype: i(2) } }),
      await first(quant([[2, 3], list("float32", 1, 1), scalar(0), scalar(4)])),
      await first(quant([[2, 3], scalar(0), scalar(0), scalar(4)])),
    ];
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "m.onnx: node "n" (QuantizeLinear): FE1003: input b of QuantizeLinear is computed at run time: QuantizeLinear needs it as a constant
      m.onnx: node "n" (QuantizeLinear): FE1003: input b of QuantizeLinear is 0 at element 0: scales must be positive and finite
      m.onnx: node "n" (QuantizeLinear): FE1003: input b of QuantizeLinear is -1 at element 1: scales must be positive and finite
      m.onnx: node "n" (QuantizeLinear): FE1003: input b of QuantizeLinear is of shape [2]: axis 1 of the tensor, whose shape is [2,3], has extent 3
      m.onnx: node "n" (QuantizeLinear): FE1003: input b of QuantizeLinear is of shape [2,3]: it must be one number, or a list of them along one axis
      m.onnx: node "n" (QuantizeLinear): FE1003: input c of QuantizeLinear is of shape [2]: there are 3 scales
      m.onnx: node "n" (QuantizeLinear): FE1002: attribute axis of QuantizeLinear is 2: the tensor has rank 2
      m.onnx: node "n" (QuantizeLinear): FE1003: input b of QuantizeLinear is of shape [4,2]: in blocks of 2 along axis 0 the tensor has [2,3] scales
      m.onnx: node "n" (QuantizeLinear): FE1002: attribute output_dtype of QuantizeLinear is uint8: the zero point is int8
      m.onnx: node "n" (Quant): FE1003: input b of Quant is of shape [2]: it does not broadcast to the tensor's [2,3]
      m.onnx: node "n" (Quant): FE1003: input b of Quant is 0 at element 0: scales must be positive and finite"
    `);
  });

  it("bit widths, zero points, rounding modes", async () => {
    const lines = [
      await first(quant([[3], scalar(1), scalar(0), scalar(2.5)])),
      await first(quant([[3], scalar(1), scalar(0), scalar(40)])),
      await first(quant([[3], scalar(1), scalar(0), []])),
      await first(quant([[3], scalar(1), scalar(0.5), scalar(4)])),
      await first(quant([[3], scalar(1), scalar(0), scalar(4)], "STOCHASTIC")),
      await first(quant([[3], scalar(1), scalar(3), scalar(4)], "HALF_UP", 0)),
      await first(quant([[3], scalar(1), scalar(1), scalar(1)])),
      await first({ op: "Trunc", domain: general, inputs: [[3], scalar(1), scalar(0), scalar(2), scalar(4)] }),
      await first({
        op: "Quant",
        domain: brevitas,
        inputs: [[3], scalar(1), scalar(0), scalar(4)],
        attributes: { gain: f(1) },
      }),
    ];
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "m.onnx: node "n" (Quant): FE1003: input d of Quant is 2.5: a bit width is an integer from 1 to 32
      m.onnx: node "n" (Quant): FE1003: input d of Quant is 40: a bit width is an integer from 1 to 32
      m.onnx: node "n" (Quant): FE1003: input d of Quant is computed at run time: Quant needs it as a constant
      m.onnx: node "n" (Quant): FE1003: input c of Quant is 0.5: a zero point must be an integer
      m.onnx: node "n" (Quant): FE1002: attribute rounding_mode of Quant is "STOCHASTIC": it must be one of ROUND, HALF_EVEN, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN
      m.onnx: node "n" (Quant): FE1002: attribute rounding_mode of Quant is halfAway: with this zero point its rounding depends on the sign of the code; use ROUND, FLOOR or CEIL
      m.onnx: node "n" (Quant): FE1003: input c of Quant is 1: 1-bit signed codes are -1 and 1 about a zero point of 0
      m.onnx: node "n" (Trunc): FE1003: input e of Trunc is 4: the output must be coarser than the input
      m.onnx: node "n" (Quant): FE1004: Quant has no attribute "gain" in opset 1"
    `);
  });
});
