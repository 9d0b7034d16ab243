import { describe, expect, it } from "vitest";
import { buildModel, encodeModel, importModel, importProto, type ModelText, type NewNode } from "../src/index.js";
import { f, i, int64, ints, type OneNode, oneNode, outcome, printed, ramp, s, scalar } from "./import-text.js";

const image = [1, 2, 7, 6];
const relu = (x: string, y: string, name = ""): NewNode => ({ op: "Relu", inputs: [x], outputs: [y], name });
const chain = (m: Partial<ModelText>): ModelText => ({
  inputs: [{ name: "x", shape: [1, 3] }],
  outputs: [{ name: "y" }],
  nodes: [relu("x", "y")],
  ...m,
});

describe("structure of the model", () => {
  it("FE1001: all unsupported operators at once, before other reasons, each with its node", async () => {
    const model = chain({
      domains: { "com.example": 2 },
      nodes: [
        { op: "Gemm", name: "g", inputs: ["x", "x"], outputs: ["a"], attributes: { gamma: f(1) } },
        { op: "Frobnicate", name: "first", inputs: ["x"], outputs: ["b"] },
        { op: "Frobnicate", inputs: ["b"], outputs: ["c"], domain: "com.example" },
        { op: "Relu", name: "away", inputs: ["c"], outputs: ["d"], domain: "com.absent" },
        { op: "Flatten", name: "f", inputs: ["d"], outputs: ["e"], attributes: { axis: s("one") } },
        { op: "Sum", inputs: ["a", "e"], outputs: ["y"] },
      ],
    });
    expect(await outcome(model)).toMatchInlineSnapshot(`
      "m.onnx: node "first" (Frobnicate): FE1001: operator Frobnicate (domain ai.onnx, opset 13) is not supported
        help: replace it by supported operators; \`accelc ops\` lists them with their opsets
      m.onnx: node "Frobnicate #2" (Frobnicate): FE1001: operator Frobnicate (domain com.example, opset 2) is not supported
        help: replace it by supported operators; \`accelc ops\` lists them with their opsets
      m.onnx: node "away" (Relu): FE1001: operator Relu (domain com.absent, opset (not given)) is not supported
        help: replace it by supported operators; \`accelc ops\` lists them with their opsets
      m.onnx: node "g" (Gemm): FE1004: Gemm has no attribute "gamma" in opset 13
        help: re-export the model without it, or replace the operator
      m.onnx: node "f" (Flatten): FE1002: attribute axis of Flatten is of type string: it must be of type int
        help: re-export the model without it, or replace the operator
      "
    `);
  });

  it("FE1001: dead nodes do not count", async () => {
    const model = chain({ nodes: [relu("x", "y"), { op: "Frobnicate", inputs: ["x"], outputs: ["z"] }] });
    expect(await outcome(model)).toContain("relu(%x)");
  });

  it("FE2001: not a protobuf, empty, truncated", async () => {
    const load = (bytes: Uint8Array) => printed(importModel(bytes, { modelName: "m.onnx" }));
    const whole = encodeModel(buildModel(chain({})));
    expect(await load(new Uint8Array())).toMatchInlineSnapshot(`
      "m.onnx: FE2001: the file is not an ONNX model: it is empty
        help: check that the file is complete and was written by an ONNX exporter
      "
    `);
    expect(await load(new TextEncoder().encode("\u007fELF not a model"))).toMatchInlineSnapshot(`
      "m.onnx: FE2001: the file is not an ONNX model: invalid wire type 7 at offset 1
        help: check that the file is complete and was written by an ONNX exporter
      "
    `);
    expect(await load(whole.subarray(0, whole.length - 20))).toMatchInlineSnapshot(`
      "m.onnx: FE2001: the file is not an ONNX model: it ends in the middle of a message
        help: check that the file is complete and was written by an ONNX exporter
      "
    `);
  });

  it("FE2001: a graph nested beyond the stack", async () => {
    // graph.node.attribute.g.node.attribute.g… : fields 7, 1, 5, 6, each length-delimited to the end of the file.
    const parts: number[] = [];
    const deep = 60_000;
    for (let k = 0; k < deep; k++) parts.push((k === 0 ? 7 : [1, 5, 6][(k - 1) % 3]!) * 8 + 2, 0xff, 0xff, 0xff, 0x07);
    const text = await printed(importModel(Uint8Array.from(parts), { modelName: "m.onnx" }));
    expect(text).toContain("FE2001");
  });

  it("FE2002: no graph, no outputs", async () => {
    const load = (m: object) => printed(importProto(m, { modelName: "m.onnx" }));
    expect(await load({})).toMatchInlineSnapshot(`
      "m.onnx: FE2002: the model holds no graph
        help: check that the file is a complete ONNX model
      "
    `);
    expect(await load({ graph: { node: [] } })).toContain("FE2002");
  });

  it("FE2003: cycles", async () => {
    const model = chain({
      nodes: [
        { op: "Add", name: "p", inputs: ["x", "c"], outputs: ["a"] },
        relu("a", "b", "q"),
        relu("b", "c"),
        relu("c", "y", "last"),
      ],
    });
    expect(await outcome(model)).toMatchInlineSnapshot(`
      "m.onnx: node "p" (Add): FE2003: the graph has a cycle through "p", "q", "Relu #2"
        help: check the model with the ONNX checker and export it again
      "
    `);
    expect(await outcome(chain({ nodes: [relu("y", "y", "self")] }))).toContain('cycle through "self"');
  });

  it("FE2004: opset", async () => {
    expect(await outcome(chain({ opset: 0 }))).toMatchInlineSnapshot(`
      "m.onnx: FE2004: opset 0 of domain ai.onnx is not supported; supported are 1 to 28
        help: convert the model with onnx.version_converter
      "
    `);
    expect(await outcome(chain({ opset: 29 }))).toContain("opset 29 of domain ai.onnx");
    const { opsetImport: _, ...without } = buildModel(chain({}));
    expect(await printed(importProto(without, { modelName: "m.onnx" }))).toContain("opset (not given)");
  });

  it("FE2005: tensors nothing defines", async () => {
    expect(await outcome(chain({ nodes: [relu("ghost", "y", "n")] }))).toMatchInlineSnapshot(`
      "m.onnx: node "n" (Relu): FE2005: tensor "ghost" is used by Relu but nothing defines it
        help: check the model with the ONNX checker and export it again
      "
    `);
    expect(await outcome(chain({ outputs: [{ name: "y" }, { name: "ghost" }] }))).toMatchInlineSnapshot(`
      "m.onnx: FE2005: tensor "ghost" is used by the graph's outputs but nothing defines it
        help: check the model with the ONNX checker and export it again
      "
    `);
  });

  it("FE2006: tensors defined twice", async () => {
    expect(await outcome(chain({ nodes: [relu("x", "y", "n"), relu("x", "y", "m")] }))).toMatchInlineSnapshot(`
      "m.onnx: node "m" (Relu): FE2006: tensor "y" is defined twice
        help: check the model with the ONNX checker and export it again
      "
    `);
    const w = { ...ramp(3), name: "w" };
    expect(await outcome(chain({ initializers: [w, w] }))).toContain('tensor "w" is defined twice');
    expect(await outcome(chain({ nodes: [relu("x", "x"), relu("x", "y")] }))).toContain('tensor "x" is defined twice');
  });

  it("sorts nodes that stand out of order", async () => {
    expect(await outcome(chain({ nodes: [relu("b", "y"), relu("a", "b"), relu("x", "a")] }))).toMatchInlineSnapshot(`
      "graph "graph"(%x: float32[1,3]) {
        %a = relu(%x) : float32[1,3]  loc "Relu #2"
        %b = relu(%a) : float32[1,3]  loc "Relu #1"
        %y = relu(%b) : float32[1,3]  loc "Relu #0"
        return %y as "y"
      }
      "
    `);
  });

  it("accepts outputs that are inputs or initializers", async () => {
    const model = chain({
      outputs: [{ name: "x" }, { name: "w" }, { name: "y" }],
      initializers: [{ ...scalar(2), name: "w" }],
    });
    expect(await outcome(model)).toMatchInlineSnapshot(`
      "graph "graph"(%x: float32[1,3]) {
        %y = relu(%x) : float32[1,3]  loc "Relu #0"
        const %w : float32[] = [2]
        return %x as "x", %w as "w", %y as "y"
      }
      "
    `);
  });

  it("keeps derived names clear of the model's", async () => {
    const model = chain({
      inputs: [{ name: "x", shape: [3] }],
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] },
        relu("y", "y/matmul"),
        relu("y/matmul", "y/reshape"),
        relu("y/reshape", "z"),
      ],
      outputs: [{ name: "z" }],
      initializers: [{ ...ramp(3, 2), name: "w" }],
    });
    expect(await outcome(model)).toMatchInlineSnapshot(`
      "graph "graph"(%x: float32[3]) {
        %y/reshape.1 = reshape(%x) {shape=[1,3]} : float32[1,3]  loc "MatMul #0"
        const %w : float32[3,2] = [-0.5000000, -0.2500000, 0, 0.2500000, 0.5000000, 0.7500000]
        %y/matmul.1 = matmul(%y/reshape.1, %w) : float32[1,2]  loc "MatMul #0"
        %y = reshape(%y/matmul.1) {shape=[2]} : float32[2]  loc "MatMul #0"
        %y/matmul = relu(%y) : float32[2]  loc "Relu #1"
        %y/reshape = relu(%y/matmul) : float32[2]  loc "Relu #2"
        %z = relu(%y/reshape) : float32[2]  loc "Relu #3"
        return %z as "z"
      }
      "
    `);
  });
});

describe("inputs", () => {
  const dynamic = chain({
    inputs: [
      { name: "x", shape: ["batch", 3, "width"] },
      { name: "z", shape: ["batch", 1, 1] },
    ],
    nodes: [{ op: "Add", inputs: ["x", "z"], outputs: ["y"] }],
  });

  it("FE2009: every unbound dynamic dimension", async () => {
    expect(await outcome(dynamic)).toMatchInlineSnapshot(`
      "m.onnx: FE2009: input x has the dynamic dimension batch on axis 0
        help: bind it, for instance with --input-shape x=1,3,1
      m.onnx: FE2009: input x has the dynamic dimension width on axis 2
        help: bind it, for instance with --input-shape x=1,3,1
      m.onnx: FE2009: input z has the dynamic dimension batch on axis 0
        help: bind it, for instance with --input-shape z=1,1,1
      "
    `);
  });

  it("binds dimensions by shape, by name, and the first by batch", async () => {
    expect(await outcome(dynamic, { inputShapes: { x: [2, 3, 5] } })).toContain(
      "(%x: float32[2,3,5], %z: float32[2,1,1])",
    );
    expect(await outcome(dynamic, { batch: 1 })).toContain("dynamic dimension width on axis 2");
  });

  it("FE2010: shapes that do not fit", async () => {
    const text = await outcome(dynamic, { inputShapes: { x: [2, 4, 5], z: [3, 1], v: [1] } });
    expect(text).toMatchInlineSnapshot(`
      "m.onnx: FE2010: --input-shape v=1 does not fit the model: there is no such input
        help: the model's inputs are x, z
      m.onnx: FE2010: --input-shape x=2,4,5 does not fit the model: axis 1 is 4; the model declares [batch,3,width]
        help: the model declares [batch,3,width]
      m.onnx: FE2010: --input-shape z=3,1 does not fit the model: it has rank 2; the model declares [batch,1,1]
        help: the model declares [batch,1,1]
      "
    `);
    expect(await outcome(dynamic, { inputShapes: { x: [2, 3, 0] } })).toContain("whole numbers of 1 or more");
    expect(await outcome(dynamic, { inputShapes: { x: [2, 3, 5], z: [3, 1, 1] } })).toContain(
      "dimension batch is 2 in another input",
    );
  });

  it("FE2011: inputs that are no tensors of numbers", async () => {
    const model = chain({ inputs: [{ name: "x", type: "string", shape: [1] }, { name: "u" }] });
    expect(await outcome(model)).toMatchInlineSnapshot(`
      "m.onnx: FE2011: input x: strings cannot be computed with
        help: the model's inputs must be tensors of numbers
      m.onnx: FE2011: input u: it has no shape
        help: give one with --input-shape u=…
      "
    `);
  });

  it("leaves initializers out of the inputs and keeps the ONNX element type of ports", async () => {
    const model = chain({
      inputs: [
        { name: "x", type: "float16", shape: [2] },
        { name: "w", shape: [2] },
      ],
      initializers: [{ ...ramp(2), name: "w" }],
      nodes: [{ op: "Add", inputs: ["x", "w"], outputs: ["y"] }],
      outputs: [{ name: "y", type: "float16" }],
    });
    const g = await importModel(encodeModel(buildModel(model)), { modelName: "m" });
    expect(g.inputs).toEqual([{ name: "x", value: "x", elementType: "float16" }]);
    expect(g.outputs).toEqual([{ name: "y", value: "y", elementType: "float16" }]);
    expect(g.values.get("y")!.type).toEqual({ dtype: "float32", shape: [2] });
  });
});

const EMPTY = { inputs: [], outputs: [], nodes: [] };

const REJECTED: Readonly<Record<string, OneNode>> = {
  "unknown attribute": { op: "Relu", inputs: [[3]], attributes: { slope: f(1) } },
  "attribute of another opset": {
    op: "MaxPool",
    opset: 9,
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), ceil_mode: i(0) },
  },
  "attribute missing": { op: "MaxPool", inputs: [image] },
  "attribute of another type": { op: "Concat", inputs: [[3]], attributes: { axis: f(0) } },
  "flag out of range": { op: "Gemm", inputs: [[2, 2], ramp(2, 2)], attributes: { transA: i(2) } },
  "auto_pad unknown": { op: "Conv", inputs: [image, ramp(1, 2, 1, 1)], attributes: { auto_pad: s("FULL") } },
  "auto_pad against pads": {
    op: "Conv",
    inputs: [image, ramp(1, 2, 3, 3)],
    attributes: { auto_pad: s("SAME_UPPER"), pads: ints(2, 2, 2, 2) },
  },
  "kernel_shape against weight": {
    op: "Conv",
    inputs: [image, ramp(1, 2, 3, 3)],
    attributes: { kernel_shape: ints(2, 2) },
  },
  "negative pads": { op: "Conv", inputs: [image, ramp(1, 2, 3, 3)], attributes: { pads: ints(-1, 0, 0, 0) } },
  "strides of another rank": { op: "Conv", inputs: [image, ramp(1, 2, 3, 3)], attributes: { strides: ints(1) } },
  "stride 0": { op: "Conv", inputs: [image, ramp(1, 2, 3, 3)], attributes: { strides: ints(0, 1) } },
  "group 0": { op: "Conv", inputs: [image, ramp(1, 2, 3, 3)], attributes: { group: i(0) } },
  "channels against groups": { op: "Conv", inputs: [image, ramp(2, 2, 3, 3)], attributes: { group: i(2) } },
  "window larger than input": { op: "Conv", inputs: [image, ramp(1, 2, 9, 9)] },
  "weight of another rank": { op: "Conv", inputs: [image, ramp(1, 2, 3)] },
  "no spatial axis": { op: "GlobalAveragePool", inputs: [[2, 3]] },
  "indices of maxima": { op: "MaxPool", inputs: [image], attributes: { kernel_shape: ints(2, 2) }, outputs: 2 },
  "column-major indices": {
    op: "MaxPool",
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), storage_order: i(1) },
  },
  "window of padding only": {
    op: "MaxPool",
    inputs: [image],
    attributes: { kernel_shape: ints(2, 2), pads: ints(2, 0, 0, 0) },
  },
  "dilated window that straddles the input": {
    op: "MaxPool",
    inputs: [[1, 1, 1]],
    attributes: { kernel_shape: ints(2), dilations: ints(2), pads: ints(1, 1) },
  },
  "training mode": {
    op: "BatchNormalization",
    opset: 14,
    inputs: [image, ramp(2), ramp(2), ramp(2), ramp(2)],
    attributes: { training_mode: i(1) },
  },
  "training outputs": {
    op: "BatchNormalization",
    opset: 9,
    inputs: [image, ramp(2), ramp(2), ramp(2), ramp(2)],
    outputs: 2,
  },
  "statistics per element": {
    op: "BatchNormalization",
    opset: 7,
    inputs: [image, ramp(2), ramp(2), ramp(2), ramp(2)],
    attributes: { spatial: i(0) },
  },
  "parameters of another size": {
    op: "BatchNormalization",
    opset: 9,
    inputs: [image, ramp(3), ramp(2), ramp(2), ramp(2)],
  },
  "inputs missing": { op: "BatchNormalization", opset: 9, inputs: [image] },
  "required input left out": { op: "Add", inputs: [[3], null] },
  "operands of two types": { op: "Add", inputs: [[3], int64(1, 2, 3)] },
  "no broadcast": { op: "Add", inputs: [[3], ramp(2)] },
  "bools at run time": { op: "Add", inputs: [[3], [3]], types: ["bool", "bool"] },
  "integer products at run time": {
    op: "Gemm",
    inputs: [
      [3, 3],
      [3, 3],
    ],
    types: ["int32", "int32"],
  },
  "function of integers": { op: "Sqrt", inputs: [[3]], types: ["int32"] },
  "floats as bits": { op: "BitwiseAnd", opset: 18, inputs: [[3], [3]] },
  "numbers as bools": { op: "And", inputs: [[3], [3]] },
  "remainder of floats": { op: "Mod", inputs: [[3], [3]] },
  "condition of floats": { op: "Where", inputs: [[3], [3], [3]] },
  "integer division by zero": { op: "Div", inputs: [int64(1), int64(0)] },
  "Gemm of rank 3": { op: "Gemm", inputs: [[1, 2, 3], ramp(3, 2)] },
  "Gemm C too large": { op: "Gemm", inputs: [[2, 3], ramp(3, 2), ramp(5)] },
  "inner extents": { op: "MatMul", inputs: [[2, 3], ramp(2, 3)] },
  "shape at run time": { op: "Reshape", inputs: [[4], [1]], types: ["float32", "int64"] },
  "shape of floats": { op: "Reshape", inputs: [[4], ramp(1)] },
  "elements that do not fill": { op: "Reshape", inputs: [[4], int64(3, -1)] },
  "two open extents": { op: "Reshape", inputs: [[4], int64(-1, -1)] },
  "copy of an axis that is not there": { op: "Reshape", inputs: [[4], int64(4, 0)] },
  "axis beyond rank": { op: "Flatten", inputs: [[4]], attributes: { axis: i(2) } },
  "axis that is not 1": { op: "Squeeze", inputs: [[4, 1], int64(0)] },
  "axis twice": { op: "Unsqueeze", inputs: [[4], int64(0, 0)] },
  "no permutation": { op: "Transpose", inputs: [[2, 3]], attributes: { perm: ints(0, 0) } },
  "no expansion": { op: "Expand", inputs: [[3], int64(2)] },
  "shapes that do not join": {
    op: "Concat",
    inputs: [
      [2, 3],
      [3, 3],
    ],
    attributes: { axis: i(1) },
  },
  "parts that do not add up": { op: "Split", inputs: [[5], int64(2, 2)], outputs: 2 },
  "unequal parts": { op: "Split", inputs: [[5]], outputs: 2 },
  "num_outputs against outputs": {
    op: "Split",
    opset: 18,
    inputs: [[5]],
    attributes: { num_outputs: i(3) },
    outputs: 2,
  },
  "step 0": { op: "Slice", inputs: [[5], int64(0), int64(3), int64(0), int64(0)] },
  "starts and ends": { op: "Slice", inputs: [[5], int64(3), int64(3, 4)] },
  "reflection of nothing": { op: "Pad", inputs: [[5, 0], int64(0, 1, 0, 1)], attributes: { mode: s("reflect") } },
  "wrapping before opset 19": { op: "Pad", inputs: [[5], int64(1, 1)], attributes: { mode: s("wrap") } },
  "pads of another rank": { op: "Pad", inputs: [[5, 5], int64(1, 1)] },
  "pads that remove too much": { op: "Pad", inputs: [[5], int64(-3, -3)] },
  "index beyond the axis": { op: "Gather", inputs: [[5], int64(5)] },
  "float indices": { op: "Gather", inputs: [[5], [2]] },
  "element index beyond the axis": { op: "GatherElements", inputs: [[5], int64(5)] },
  "tuple longer than the rank": { op: "GatherND", inputs: [[5], int64(0, 1)] },
  "scattered at run time": { op: "ScatterElements", inputs: [[5], [1], [1]], types: ["float32", "int64", "float32"] },
  "axis to reduce twice": { op: "ReduceSum", inputs: [[2, 3], int64(0, 0)] },
  "axes at run time": { op: "ReduceMean", opset: 18, inputs: [[2, 3], [1]], types: ["float32", "int64"] },
  "extreme of nothing": { op: "ArgMax", inputs: [[0, 3]] },
  "too many values": { op: "TopK", inputs: [[100], int64(65)] },
  "more values than there are": { op: "TopK", inputs: [[5], int64(6)] },
  "groups of channels": {
    op: "GroupNormalization",
    opset: 21,
    inputs: [image, ramp(2), ramp(2)],
    attributes: { num_groups: i(3) },
  },
  "scale per channel": { op: "InstanceNormalization", inputs: [image, ramp(3), ramp(2)] },
  "norm of order 3": { op: "LpNormalization", inputs: [[3]], attributes: { p: i(3) } },
  "scales and sizes": { op: "Resize", inputs: [image, null, ramp(4), int64(1, 2, 3, 4)] },
  "neither scales nor sizes": { op: "Resize", inputs: [image] },
  "scales of another rank": { op: "Resize", inputs: [image, null, ramp(3)] },
  "scale 0": { op: "Upsample", opset: 9, inputs: [image, { shape: [4], data: [1, 1, 0, 1] }] },
  "blocks that do not divide": { op: "DepthToSpace", inputs: [image], attributes: { blocksize: i(2) } },
  "repeats of another rank": { op: "Tile", inputs: [[5], int64(1, 2)] },
  "diagonal of a vector": { op: "Trilu", opset: 14, inputs: [[5]] },
  "output shape of another rank": {
    op: "ConvTranspose",
    inputs: [image, ramp(2, 1, 3, 3)],
    attributes: { output_padding: ints(1) },
  },
  "transposed channels": { op: "ConvTranspose", inputs: [image, ramp(3, 1, 3, 3)] },
  "einsum of other ranks": { op: "Einsum", inputs: [[2, 3]], attributes: { equation: s("ijk->i") } },
  "einsum without its axis": { op: "Einsum", inputs: [[2, 3]], attributes: { equation: s("ij->ik") } },
  "einsum of other extents": {
    op: "Einsum",
    inputs: [
      [2, 3],
      [2, 4],
    ],
    attributes: { equation: s("ij,ij->i") },
  },
  "heads that do not divide": {
    op: "Attention",
    opset: 23,
    inputs: [
      [1, 2, 8],
      [1, 2, 8],
      [1, 2, 8],
    ],
    attributes: { q_num_heads: i(3), kv_num_heads: i(3) },
  },
  "heads missing": {
    op: "Attention",
    opset: 23,
    inputs: [
      [1, 2, 8],
      [1, 2, 8],
      [1, 2, 8],
    ],
  },
  "odd rotation": {
    op: "RotaryEmbedding",
    opset: 23,
    inputs: [[1, 2, 3, 8], ramp(1, 3, 4), ramp(1, 3, 4)],
    attributes: { rotary_embedding_dim: i(3) },
  },
  "gate weights": { op: "LSTM", inputs: [[2, 1, 3], ramp(1, 9, 3), ramp(1, 12, 3)] },
  "unknown activation": {
    op: "RNN",
    inputs: [[2, 1, 3], ramp(1, 3, 3), ramp(1, 3, 3)],
    attributes: { activations: { strings: ["Cube"] } },
  },
  "condition at run time": {
    op: "If",
    inputs: [[]],
    types: ["bool"],
    attributes: { then_branch: { graph: EMPTY }, else_branch: { graph: EMPTY } },
  },
  "trips at run time": { op: "Loop", inputs: [[], null], types: ["int64"], attributes: { body: { graph: EMPTY } } },
  "dropout in training": { op: "Dropout", inputs: [[5], null, scalar(1, "bool")] },
  "cast to strings": { op: "Cast", inputs: [[5]], attributes: { to: i(8) } },
  "cast to an unknown type": { op: "Cast", inputs: [[5]], attributes: { to: i(99) } },
  "sparse constant": { op: "Constant", inputs: [], attributes: { sparse_value: { i: 0 } } },
  "string constant": { op: "Constant", inputs: [], attributes: { value_string: s("a") } },
  "constant without value": { op: "Constant", inputs: [] },
  "constant of strings": {
    op: "Constant",
    inputs: [],
    attributes: { value: { t: { type: "string", shape: [0], data: [] } } },
  },
  "constant beyond the limit": { op: "ConstantOfShape", inputs: [int64(2 ** 31, 2)] },
  "shape arithmetic on other types": { op: "Floor", inputs: [int64(5)] },
  "range step 0": { op: "Range", inputs: [scalar(0, "int64"), scalar(3, "int64"), scalar(0, "int64")] },
  "range without end": { op: "Range", inputs: [scalar(0), scalar(1e30), scalar(1)] },
};

describe("nodes", () => {
  it("rejects what it does not understand, as in the golden", async () => {
    const parts: string[] = [];
    for (const [title, c] of Object.entries(REJECTED)) {
      const text = await outcome(oneNode(c));
      expect(text, title).toMatch(/^m\.onnx: node "n"/);
      parts.push(`# ${title}\n${text}`);
    }
    await expect(parts.join("\n")).toMatchFileSnapshot("golden/rejected.txt");
  });

  it("names nodes without a name by operator and index", async () => {
    const text = await outcome(
      chain({
        nodes: [
          { op: "Relu", inputs: ["x"], outputs: ["a"] },
          { op: "Flatten", inputs: ["a"], outputs: ["y"], attributes: { axis: i(9) } },
        ],
      }),
    );
    expect(text).toContain('node "Flatten #1" (Flatten): FE1002');
  });

  it("FE2014: constants computed in the graph have a limit", async () => {
    const big = (k: number): NewNode => ({ op: "ConstantOfShape", inputs: ["n"], outputs: [`c${k}`], name: `c${k}` });
    const model = chain({
      initializers: [{ ...int64(2 ** 13, 2 ** 14), name: "n" }],
      nodes: [
        big(0),
        big(1),
        big(2),
        big(3),
        { op: "Sum", name: "sum", inputs: ["c0", "c1", "c2", "c3"], outputs: ["y"] },
      ],
    });
    expect(await outcome(model)).toMatchInlineSnapshot(`
      "m.onnx: node "c2" (ConstantOfShape): FE2014: the constants computed while importing are too large: together they hold more than 402653184 elements
        help: store large constants as initializers or external data
      m.onnx: node "c3" (ConstantOfShape): FE2014: the constants computed while importing are too large: together they hold more than 402653184 elements
        help: store large constants as initializers or external data
      "
    `);
  });
});
