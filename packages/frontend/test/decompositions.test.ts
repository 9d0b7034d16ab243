import { describe, expect, it } from "vitest";
import { buildModel, importProto, type ModelText } from "../src/index.js";
import { f, i, int64, ints, type OneNode, oneNode, outcome, printed, ramp, s, scalar } from "./import-text.js";

type Cases = Readonly<Record<string, OneNode>>;
const image = [1, 2, 4, 6];
const strings = (...list: string[]) => ({ strings: list });

const ACTIVATION: Cases = {
  Sigmoid: { op: "Sigmoid", inputs: [[3]] },
  Elu: { op: "Elu", inputs: [[3]], attributes: { alpha: f(0.5) } },
  Selu: { op: "Selu", inputs: [[3]] },
  HardSigmoid: { op: "HardSigmoid", inputs: [[3]] },
  "Gelu, tanh": { op: "Gelu", opset: 20, inputs: [[3]], attributes: { approximate: s("tanh") } },
  Swish: { op: "Swish", opset: 24, inputs: [[3]] },
  "PRelu, one slope": { op: "PRelu", inputs: [image, scalar(0.25)] },
  "PRelu, slope per channel": { op: "PRelu", inputs: [image, ramp(2, 1, 1)] },
  "Clip, bounds at run time": { op: "Clip", inputs: [[3], [], []] },
  "Abs of integers": { op: "Abs", inputs: [[3]], types: ["int32"] },
};

const LOGIC: Cases = {
  "Less of int64": { op: "Less", inputs: [[3], [3]], types: ["int64", "int64"] },
  Xor: { op: "Xor", inputs: [[3], [3]], types: ["bool", "bool"] },
  Not: { op: "Not", inputs: [[3]], types: ["bool"] },
  Where: { op: "Where", inputs: [[3], [2, 1], scalar(-1)], types: ["bool"] },
  BitShift: { op: "BitShift", inputs: [[3], [3]], types: ["uint8", "uint8"], attributes: { direction: s("RIGHT") } },
  BitwiseNot: { op: "BitwiseNot", opset: 18, inputs: [[3]], types: ["int32"] },
  "Pow: square": { op: "Pow", inputs: [[3], scalar(2)] },
  "Pow of integers by floats": { op: "Pow", inputs: [[3], scalar(2.5)], types: ["int32"] },
  "Pow of integers by natural floats": { op: "Pow", inputs: [[3], scalar(3)], types: ["int32"] },
  "Mod of floats": { op: "Mod", inputs: [[3], [3]], attributes: { fmod: i(1) } },
  Mean: { op: "Mean", inputs: [[3], [3]] },
};

const REDUCE: Cases = {
  "ReduceMean 13": { op: "ReduceMean", inputs: [[2, 3, 4]], attributes: { axes: ints(-1), keepdims: i(0) } },
  "ReduceMean 18": { op: "ReduceMean", opset: 18, inputs: [[2, 3, 4], int64(1, 2)] },
  "ReduceSum, no axes, no operation": {
    op: "ReduceSum",
    inputs: [[2, 3], int64()],
    attributes: { noop_with_empty_axes: i(1) },
  },
  ReduceLogSumExp: { op: "ReduceLogSumExp", inputs: [[2, 3]] },
  "ArgMax, last": { op: "ArgMax", inputs: [[2, 3]], attributes: { axis: i(1), select_last_index: i(1) } },
  CumSum: { op: "CumSum", inputs: [[2, 3], int64(-1)], attributes: { exclusive: i(1) } },
  "TopK of two": { op: "TopK", inputs: [[2, 5], int64(2)], outputs: 2 },
  "Softmax 11: all axes behind": { op: "Softmax", opset: 11, inputs: [[2, 3, 4]], attributes: { axis: i(1) } },
  "LogSoftmax 13": { op: "LogSoftmax", inputs: [[2, 3, 4]] },
};

const NORMALIZATION: Cases = {
  LayerNormalization: { op: "LayerNormalization", opset: 17, inputs: [[2, 3, 4], ramp(4), ramp(4)], outputs: 3 },
  RMSNormalization: { op: "RMSNormalization", opset: 23, inputs: [[2, 4], ramp(4)] },
  InstanceNormalization: { op: "InstanceNormalization", inputs: [image, ramp(2), ramp(2)] },
  "GroupNormalization 18": {
    op: "GroupNormalization",
    opset: 18,
    inputs: [[1, 4, 3], ramp(2), ramp(2)],
    attributes: { num_groups: i(2) },
  },
  LRN: { op: "LRN", inputs: [image], attributes: { size: i(2) } },
  LpNormalization: { op: "LpNormalization", inputs: [[2, 3]], attributes: { p: i(1) } },
  MeanVarianceNormalization: { op: "MeanVarianceNormalization", inputs: [image] },
};

const RESIZE: Cases = {
  "Upsample, nearest": { op: "Upsample", opset: 9, inputs: [image, { shape: [4], data: [1, 1, 2, 2] }] },
  "Resize, linear": {
    op: "Resize",
    inputs: [[1, 1, 2, 2], null, { shape: [4], data: [1, 1, 2, 1] }],
    attributes: { mode: s("linear") },
  },
  "Resize, sizes of two axes": {
    op: "Resize",
    opset: 18,
    inputs: [image, null, null, int64(3, 4)],
    attributes: { axes: ints(2, 3), nearest_mode: s("floor"), coordinate_transformation_mode: s("align_corners") },
  },
};

const LAYOUT: Cases = {
  DepthToSpace: { op: "DepthToSpace", inputs: [[1, 8, 2, 3]], attributes: { blocksize: i(2), mode: s("CRD") } },
  SpaceToDepth: { op: "SpaceToDepth", inputs: [image], attributes: { blocksize: i(2) } },
  Tile: { op: "Tile", inputs: [[2, 3], int64(2, 1)] },
  Trilu: { op: "Trilu", opset: 14, inputs: [[2, 3]], attributes: { upper: i(0) } },
  EyeLike: { op: "EyeLike", inputs: [[2, 2]] },
  OneHot: { op: "OneHot", inputs: [[2], int64(3), ramp(2)], types: ["int64"] },
  "Pad, reflected": { op: "Pad", inputs: [[4], int64(2, 1)], attributes: { mode: s("reflect") } },
  "Pad, wrapped and cut": { op: "Pad", opset: 19, inputs: [[4], int64(2, -1)], attributes: { mode: s("wrap") } },
};

const INDEXING: Cases = {
  "Gather at run time": { op: "Gather", inputs: [[5, 2], [3]], types: ["float32", "int64"] },
  GatherElements: { op: "GatherElements", inputs: [[5], int64(-1, 0)] },
  "GatherND at run time": {
    op: "GatherND",
    inputs: [
      [5, 2],
      [3, 1],
    ],
    types: ["float32", "int64"],
  },
  "ScatterElements, last wins": { op: "ScatterElements", inputs: [[4], int64(1, 1), [2]] },
  "ScatterND, added": {
    op: "ScatterND",
    opset: 16,
    inputs: [[4, 2], { type: "int64", shape: [2, 1], data: [1, 1] }, [2, 2]],
    attributes: { reduction: s("add") },
  },
};

const CONV_TRANSPOSE: Cases = {
  "strides, pads, output padding": {
    op: "ConvTranspose",
    inputs: [image, ramp(2, 3, 3, 3)],
    attributes: { strides: ints(2, 2), pads: ints(1, 1, 1, 1), output_padding: ints(1, 1) },
  },
  groups: { op: "ConvTranspose", inputs: [image, ramp(2, 1, 2, 2), ramp(2)], attributes: { group: i(2) } },
};

const EINSUM: Cases = {
  product: {
    op: "Einsum",
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    attributes: { equation: s("bij,bjk->bik") },
  },
  "ellipsis and sum": { op: "Einsum", inputs: [[2, 3, 4]], attributes: { equation: s("...i->...") } },
  diagonal: { op: "Einsum", inputs: [[3, 3]], attributes: { equation: s("ii->i") } },
};

const ATTENTION: Cases = {
  "causal, three axes": {
    op: "Attention",
    opset: 23,
    inputs: [
      [1, 2, 8],
      [1, 2, 4],
      [1, 2, 4],
    ],
    attributes: { is_causal: i(1), q_num_heads: i(2), kv_num_heads: i(1) },
  },
  RotaryEmbedding: {
    op: "RotaryEmbedding",
    opset: 23,
    inputs: [[1, 2, 3, 4], ramp(1, 3, 2), ramp(1, 3, 2)],
  },
};

const RECURRENT: Cases = {
  LSTM: { op: "LSTM", inputs: [[2, 1, 3], ramp(1, 8, 3), ramp(1, 8, 2), ramp(1, 16)], outputs: 3 },
  "GRU, backwards": {
    op: "GRU",
    inputs: [[1, 1, 3], ramp(1, 6, 3), ramp(1, 6, 2), ramp(1, 12), null, [1, 1, 2]],
    attributes: { direction: s("reverse"), linear_before_reset: i(1) },
  },
  "RNN, both ways": {
    op: "RNN",
    inputs: [[2, 1, 3], ramp(2, 2, 3), ramp(2, 2, 2)],
    attributes: {
      direction: s("bidirectional"),
      activations: strings("Relu", "Affine"),
      activation_alpha: { floats: [2] },
    },
    outputs: 2,
  },
};

const FAMILIES = {
  activation: ACTIVATION,
  logic: LOGIC,
  reduce: REDUCE,
  normalization: NORMALIZATION,
  resize: RESIZE,
  layout: LAYOUT,
  indexing: INDEXING,
  "conv-transpose": CONV_TRANSPOSE,
  einsum: EINSUM,
  attention: ATTENTION,
  recurrent: RECURRENT,
};

const scale = (inputs: string[], outputs: string[]) => ({ op: "Scale", domain: "my", name: "call", inputs, outputs });
const x = { name: "x", shape: [2] };
const flag = { name: "c", type: "bool", shape: [], data: [1] };
const branch = (op: string) => ({
  graph: { inputs: [], outputs: [{ name: "r" }], nodes: [{ op, inputs: ["x"], outputs: ["r"] }] },
});

const MODELS: Readonly<Record<string, ModelText>> = {
  "a function with an attribute, called twice": {
    domains: { my: 1 },
    inputs: [x],
    outputs: [{ name: "y" }],
    nodes: [{ ...scale(["x"], ["t"]), attributes: { by: f(0.5) } }, scale(["t"], ["y"])],
    functions: [
      {
        name: "Scale",
        domain: "my",
        inputs: ["a"],
        outputs: ["b"],
        defaults: { by: f(3) },
        nodes: [
          { op: "Constant", inputs: [], outputs: ["k"], attributes: { value_float: { ref: "by", type: 1 } } },
          { op: "Mul", inputs: ["a", "k"], outputs: ["b"] },
        ],
      },
    ],
  },
  "a function that calls itself": {
    domains: { my: 1 },
    inputs: [x],
    outputs: [{ name: "y" }],
    nodes: [scale(["x"], ["y"])],
    functions: [{ name: "Scale", domain: "my", inputs: ["a"], outputs: ["b"], nodes: [scale(["a"], ["b"])] }],
  },
  "If: one branch is kept, which reads a tensor around it": {
    inputs: [x],
    outputs: [{ name: "y" }],
    initializers: [flag],
    nodes: [
      {
        op: "If",
        inputs: ["c"],
        outputs: ["y"],
        attributes: { then_branch: branch("Relu"), else_branch: branch("Frobnicate") },
      },
    ],
  },
  "Loop: two iterations, carried and stacked": {
    inputs: [x],
    outputs: [{ name: "y" }, { name: "z" }],
    initializers: [{ name: "m", type: "int64", shape: [], data: [2] }],
    nodes: [
      {
        op: "Loop",
        name: "loop",
        inputs: ["m", "", "x"],
        outputs: ["y", "z"],
        attributes: {
          body: {
            graph: {
              inputs: [{ name: "t" }, { name: "on" }, { name: "v" }],
              outputs: [{ name: "on" }, { name: "w" }, { name: "w" }],
              nodes: [{ op: "Exp", name: "step", inputs: ["v"], outputs: ["w"] }],
            },
          },
        },
      },
    ],
  },
};

describe("decompositions", () => {
  for (const [family, cases] of Object.entries(FAMILIES))
    it(`${family} prints as in its golden`, async () => {
      const parts: string[] = [];
      for (const [title, c] of Object.entries(cases)) parts.push(`# ${c.op}: ${title}\n${await outcome(oneNode(c))}`);
      await expect(parts.join("\n")).toMatchFileSnapshot(`golden/${family}.txt`);
    });

  it("control prints as in its golden", async () => {
    const parts: string[] = [];
    for (const [title, m] of Object.entries(MODELS))
      parts.push(`# ${title}\n${await printed(importProto(buildModel(m), { modelName: "m.onnx" }))}`);
    await expect(parts.join("\n")).toMatchFileSnapshot("golden/control.txt");
  });
});
