import { describe, expect, it } from "vitest";
import { f, i, int64, ints, type OneNode, oneNode, outcome, ramp, s, scalar } from "./import-text.js";

type Cases = Readonly<Record<string, OneNode>>;
const image = [1, 2, 7, 6];

const CONV: Cases = {
  "explicit pads, strides, bias": {
    op: "Conv",
    inputs: [image, ramp(4, 2, 3, 3), ramp(4)],
    attributes: { pads: ints(1, 0, 1, 2), strides: ints(2, 1), kernel_shape: ints(3, 3) },
  },
  "groups and dilations": {
    op: "Conv",
    inputs: [[1, 4, 9, 9], ramp(4, 2, 3, 3)],
    attributes: { group: i(2), dilations: ints(2, 3) },
  },
  "SAME_UPPER: the odd pad at the end": {
    op: "Conv",
    inputs: [image, ramp(3, 2, 2, 4)],
    attributes: { auto_pad: s("SAME_UPPER"), strides: ints(1, 3) },
  },
  "SAME_LOWER: the odd pad at the beginning": {
    op: "Conv",
    inputs: [image, ramp(3, 2, 2, 4)],
    attributes: { auto_pad: s("SAME_LOWER"), strides: ints(1, 3) },
  },
  VALID: { op: "Conv", inputs: [image, ramp(3, 2, 2, 4)], attributes: { auto_pad: s("VALID") } },
  "one axis": { op: "Conv", inputs: [[2, 3, 10], ramp(5, 3, 3)], attributes: { pads: ints(1, 1) } },
  "three axes": { op: "Conv", inputs: [[1, 1, 4, 5, 6], ramp(2, 1, 2, 2, 2)] },
};

const GEMM: Cases = {
  "bias per column": { op: "Gemm", inputs: [[3, 4], ramp(4, 2), ramp(2)] },
  "transposed constant, scaled": {
    op: "Gemm",
    inputs: [[3, 4], ramp(2, 4), ramp(1, 2)],
    attributes: { transB: i(1), alpha: f(0.5), beta: f(2) },
  },
  "C per row": { op: "Gemm", inputs: [[3, 4], ramp(4, 2), ramp(3, 1)] },
  "two run-time operands, alpha and beta": {
    op: "Gemm",
    inputs: [
      [4, 3],
      [4, 2],
      [3, 2],
    ],
    attributes: { transA: i(1), alpha: f(0.5), beta: f(2) },
  },
  "without C": { op: "Gemm", inputs: [[3, 4], ramp(4, 2)] },
  "without C, run-time alpha": {
    op: "Gemm",
    inputs: [
      [3, 4],
      [4, 2],
    ],
    attributes: { alpha: f(3) },
  },
  "beta 0": { op: "Gemm", opset: 9, inputs: [[3, 4], ramp(4, 2), ramp(2)], attributes: { beta: f(0) } },
  "MatMul, batched": { op: "MatMul", inputs: [[2, 1, 3, 4], ramp(5, 4, 2)] },
  "MatMul, vector left": { op: "MatMul", inputs: [[4], ramp(5, 4, 2)] },
  "MatMul, vector right": { op: "MatMul", inputs: [[3, 4], ramp(4)] },
  "MatMul of integers": { op: "MatMul", inputs: [[2, 3], [3]], types: ["int32", "int32"] },
  "MatMul, two vectors": { op: "MatMul", inputs: [[4], ramp(4)] },
};

const ARITHMETIC: Cases = {
  Add: { op: "Add", inputs: [[2, 3], ramp(3)] },
  Sub: { op: "Sub", inputs: [[3], [2, 1]] },
  Mul: {
    op: "Mul",
    inputs: [
      [2, 3],
      [2, 3],
    ],
  },
  Div: { op: "Div", inputs: [[2, 3], scalar(4)] },
  "Sum of one": { op: "Sum", inputs: [[2, 3]] },
  "Sum of four": { op: "Sum", inputs: [[2, 3], [3], [2, 1], scalar(1)] },
  Neg: { op: "Neg", inputs: [[2, 3]] },
  "Neg of int64": { op: "Neg", inputs: [int64(1, -2)] },
  Relu: { op: "Relu", inputs: [[2, 3]] },
  "LeakyRelu default": { op: "LeakyRelu", inputs: [[2, 3]] },
  LeakyRelu: { op: "LeakyRelu", inputs: [[2, 3]], attributes: { alpha: f(0.25) } },
  "Clip 6": { op: "Clip", opset: 7, inputs: [[3]], attributes: { min: f(0), max: f(6) } },
  "Clip 11": { op: "Clip", inputs: [[3], scalar(0), scalar(6)] },
  "Clip 11, no bounds": { op: "Clip", inputs: [[3]] },
  "Clip 11, max only": { op: "Clip", inputs: [[3], null, scalar(6)] },
};

const POOL: Cases = {
  MaxPool: { op: "MaxPool", opset: 7, inputs: [image], attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2) } },
  "MaxPool 8": {
    op: "MaxPool",
    opset: 8,
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), storage_order: i(0) },
  },
  "MaxPool, rounded up": {
    op: "MaxPool",
    inputs: [image],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), ceil_mode: i(1) },
  },
  "MaxPool, rounded up, the last window beyond the input": {
    op: "MaxPool",
    inputs: [[1, 1, 4, 4]],
    attributes: { kernel_shape: ints(1, 1), strides: ints(2, 2), ceil_mode: i(1) },
  },
  "MaxPool, rounded up, declared pads not reached": {
    op: "MaxPool",
    inputs: [[1, 1, 4]],
    attributes: { kernel_shape: ints(3), strides: ints(3), pads: ints(1, 2), ceil_mode: i(1) },
  },
  "MaxPool, dilated": {
    op: "MaxPool",
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), dilations: ints(3, 2) },
  },
  "MaxPool, SAME_LOWER": {
    op: "MaxPool",
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), auto_pad: s("SAME_LOWER") },
  },
  "AveragePool 7": {
    op: "AveragePool",
    opset: 7,
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), pads: ints(1, 0, 0, 1) },
  },
  "AveragePool, pads counted": {
    op: "AveragePool",
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), pads: ints(1, 0, 0, 1), count_include_pad: i(1) },
  },
  "AveragePool, rounded up, only declared pads counted": {
    op: "AveragePool",
    inputs: [[1, 1, 6, 6]],
    attributes: {
      kernel_shape: ints(3, 3),
      strides: ints(2, 2),
      pads: ints(0, 1, 0, 0),
      count_include_pad: i(1),
      ceil_mode: i(1),
    },
  },
  "AveragePool 19, dilated": {
    op: "AveragePool",
    opset: 19,
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), dilations: ints(2, 2) },
  },
  GlobalAveragePool: { op: "GlobalAveragePool", inputs: [image] },
  GlobalMaxPool: { op: "GlobalMaxPool", inputs: [[1, 2, 5]] },
  "BatchNormalization 7": {
    op: "BatchNormalization",
    opset: 7,
    inputs: [image, ramp(2), ramp(2), ramp(2), ramp(2)],
    attributes: { spatial: i(1), epsilon: f(0.5), momentum: f(0.9) },
  },
  "BatchNormalization 9": { op: "BatchNormalization", opset: 9, inputs: [image, ramp(2), ramp(2), ramp(2), ramp(2)] },
  "BatchNormalization 15": {
    op: "BatchNormalization",
    opset: 15,
    inputs: [image, ramp(2), ramp(2), ramp(2), ramp(2)],
    attributes: { training_mode: i(0) },
  },
};

const SHAPE: Cases = {
  "Reshape: 0 copies, -1 fits": { op: "Reshape", inputs: [[2, 3, 4], int64(0, -1)] },
  "Reshape 14": { op: "Reshape", opset: 14, inputs: [[2, 3, 4], int64(4, 0, 2)], attributes: { allowzero: i(0) } },
  Flatten: { op: "Flatten", inputs: [[2, 3, 4]] },
  "Flatten 0": { op: "Flatten", inputs: [[2, 3, 4]], attributes: { axis: i(0) } },
  "Flatten -1": { op: "Flatten", inputs: [[2, 3, 4]], attributes: { axis: i(-1) } },
  "Squeeze all": { op: "Squeeze", inputs: [[1, 3, 1]] },
  "Squeeze 11": { op: "Squeeze", opset: 11, inputs: [[1, 3, 1]], attributes: { axes: ints(-1) } },
  "Squeeze 13": { op: "Squeeze", inputs: [[1, 3, 1], int64(0)] },
  "Unsqueeze 11": { op: "Unsqueeze", opset: 11, inputs: [[3]], attributes: { axes: ints(0, 2) } },
  "Unsqueeze 13": { op: "Unsqueeze", inputs: [[3, 4], int64(-1, 1)] },
  Transpose: { op: "Transpose", inputs: [[2, 3, 4]] },
  "Transpose perm": { op: "Transpose", inputs: [[2, 3, 4, 5, 6]], attributes: { perm: ints(4, 0, 3, 1, 2) } },
  Expand: { op: "Expand", inputs: [[3, 1], int64(2, 1, 4)] },
  Concat: { op: "Concat", inputs: [[2, 3], ramp(2, 1), [2, 2]], attributes: { axis: i(-1) } },
  "Split 2, equal": { op: "Split", opset: 7, inputs: [[2, 6]], attributes: { axis: i(1) }, outputs: 3 },
  "Split 2": { op: "Split", opset: 7, inputs: [[5, 2]], attributes: { split: ints(1, 4) }, outputs: 2 },
  "Split 13": { op: "Split", inputs: [[5, 2], int64(2, 3)], outputs: 2 },
  "Split 18, the last smaller": {
    op: "Split",
    opset: 18,
    inputs: [[7]],
    attributes: { num_outputs: i(3) },
    outputs: 3,
  },
  "Slice 1": {
    op: "Slice",
    opset: 7,
    inputs: [[5, 6]],
    attributes: { starts: ints(1, -3), ends: ints(4, 1000), axes: ints(0, 1) },
  },
  "Slice 10": { op: "Slice", inputs: [[5, 6], int64(0), int64(9223372036854775807n), int64(-1), int64(2)] },
  "Slice, no axes": { op: "Slice", inputs: [[5, 6], int64(1, 2), int64(-1, -1)] },
  "Slice, reversed": {
    op: "Slice",
    inputs: [[5, 6], int64(-1, 4), int64(-9223372036854775808n, 0), int64(0, 1), int64(-1, -2)],
  },
  "Slice of nothing": { op: "Slice", inputs: [[5], int64(3), int64(3)] },
  "Concat with nothing": { op: "Concat", inputs: [[2, 3], ramp(2, 0), [2, 2]], attributes: { axis: i(1) } },
  "Pad 2": { op: "Pad", opset: 7, inputs: [[2, 3]], attributes: { pads: ints(0, 1, 2, 0), value: f(1.5) } },
  "Pad 11": { op: "Pad", inputs: [[2, 3], int64(0, 1, 2, 0), scalar(-1)], attributes: { mode: s("constant") } },
  "Pad 18, axes": { op: "Pad", opset: 18, inputs: [[2, 3, 4], int64(1, 2), null, int64(-1)] },
  "Pad, negative": { op: "Pad", inputs: [[5, 5], int64(-1, 0, -2, 0)] },
  "Pad, both signs": { op: "Pad", inputs: [[5, 5], int64(-1, 2, 0, -3)] },
  Gather: { op: "Gather", inputs: [[3, 4], int64(0, -1, 0)], attributes: { axis: i(1) } },
  "Gather, scalar index": { op: "Gather", inputs: [[3, 4], scalar(2, "int32")] },
};

const PASS: Cases = {
  Identity: { op: "Identity", inputs: [[2]] },
  "Dropout 7": { op: "Dropout", opset: 7, inputs: [[2]], attributes: { ratio: f(0.3) } },
  "Dropout 12": { op: "Dropout", inputs: [[2], scalar(0.5), scalar(0, "bool")], attributes: { seed: i(3) } },
  "Dropout mask": { op: "Dropout", inputs: [[2]], outputs: 2 },
  "Cast, float to float": { op: "Cast", inputs: [[2]], attributes: { to: i(10) } },
  "Cast, float to int64": { op: "Cast", inputs: [[2]], attributes: { to: i(7) } },
  "Cast 19": { op: "Cast", opset: 19, inputs: [[2]], attributes: { to: i(1), saturate: i(0) } },
  "Cast of a constant": { op: "Cast", inputs: [{ shape: [3], data: [1.5, -1.5, 300] }], attributes: { to: i(3) } },
};

const CONSTANT: Cases = {
  "Constant value": { op: "Constant", inputs: [], attributes: { value: { t: ramp(2, 2) } } },
  "Constant value_float": { op: "Constant", inputs: [], attributes: { value_float: f(1.5) } },
  "Constant value_floats": { op: "Constant", inputs: [], attributes: { value_floats: { floats: [1, 2.5] } } },
  "Constant value_int": { op: "Constant", inputs: [], attributes: { value_int: { i: 9007199254740993n } } },
  "Constant value_ints": {
    op: "Constant",
    inputs: [],
    attributes: { value_ints: { ints: [1, -9223372036854775808n] } },
  },
  ConstantOfShape: {
    op: "ConstantOfShape",
    inputs: [int64(2, 3)],
    attributes: { value: { t: { shape: [1], data: [0.5] } } },
  },
  "ConstantOfShape, zeros": { op: "ConstantOfShape", inputs: [int64(2)] },
  Shape: { op: "Shape", inputs: [[2, 3, 4]] },
  "Shape 15": { op: "Shape", opset: 15, inputs: [[2, 3, 4]], attributes: { start: i(-2), end: i(3) } },
  Size: { op: "Size", inputs: [[2, 3, 4]] },
  Range: { op: "Range", inputs: [scalar(5, "int64"), scalar(-1, "int64"), scalar(-2, "int64")] },
  "int64 beyond 2^53": { op: "Add", inputs: [int64(9007199254740993n), int64(2)] },
  "int64 wraps": { op: "Mul", inputs: [int64(9223372036854775807n), int64(2)] },
  "Div truncates": { op: "Div", inputs: [int64(-7, 7), int64(2)] },
  "float32 rounds": { op: "Add", inputs: [scalar(16777216), scalar(1)] },
  Floor: { op: "Floor", inputs: [ramp(3)] },
  Ceil: { op: "Ceil", inputs: [ramp(3)] },
  Equal: { op: "Equal", inputs: [int64(1, 2), int64(1)] },
  Where: { op: "Where", inputs: [{ type: "bool", shape: [2], data: [1, 0] }, int64(1, 2), int64(-1)] },
  Min: { op: "Min", inputs: [int64(1, 5), int64(3)] },
  Max: { op: "Max", inputs: [ramp(2), scalar(0)] },
  "ReduceProd 11": {
    op: "ReduceProd",
    opset: 11,
    inputs: [int64(2, 3, 4)],
    attributes: { axes: ints(0), keepdims: i(0) },
  },
  "ReduceProd 18": { op: "ReduceProd", opset: 18, inputs: [int64(2, 3, 4)] },
};

const FAMILIES = {
  conv: CONV,
  gemm: GEMM,
  arithmetic: ARITHMETIC,
  pool: POOL,
  shape: SHAPE,
  pass: PASS,
  constant: CONSTANT,
};

describe("operators", () => {
  for (const [family, cases] of Object.entries(FAMILIES))
    it(`${family} prints as in its golden`, async () => {
      const parts: string[] = [];
      for (const [title, c] of Object.entries(cases)) parts.push(`# ${c.op}: ${title}\n${await outcome(oneNode(c))}`);
      await expect(parts.join("\n")).toMatchFileSnapshot(`golden/${family}.txt`);
    });
});
