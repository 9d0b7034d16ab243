import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";
import type { AccelcError } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { createOracle } from "../src/index.js";

const bytesOf = (m: ModelText): Uint8Array => encodeModel(buildModel(m));

const f32 = (shape: number[], ...data: number[]) => ({
  type: "float32" as const,
  shape,
  data: Float32Array.from(data),
});

/** y = relu(x + 1) * 2, the constant 2 in a node; unused in between: a sequence and a comparison. */
const SMALL: ModelText = {
  inputs: [{ name: "x", shape: [1, 2] }],
  outputs: [{ name: "y", shape: [1, 2] }],
  initializers: [{ name: "one", shape: [], data: [1] }],
  nodes: [
    { op: "Add", inputs: ["x", "one"], outputs: ["a"] },
    { op: "Relu", inputs: ["a"], outputs: ["b"] },
    { op: "Constant", inputs: [], outputs: ["two"], attributes: { value: { t: { shape: [], data: [2] } } } },
    { op: "Greater", inputs: ["a", "b"], outputs: ["gt"] },
    { op: "Shape", inputs: ["a"], outputs: ["s"] },
    { op: "Mul", inputs: ["b", "two"], outputs: ["y"] },
  ],
};

describe("createOracle", () => {
  it("runs a model and returns its outputs", async () => {
    const oracle = await createOracle(bytesOf(SMALL));
    expect(oracle.tensors).toEqual(["y"]);
    const out = await oracle.run({ x: f32([1, 2], -3, 4) });
    expect(out).toEqual(new Map([["y", f32([1, 2], 0, 10)]]));
    await oracle.release();
  });

  it("returns wanted intermediate tensors of every element type, and ignores names that no node makes", async () => {
    const oracle = await createOracle(bytesOf(SMALL), { tensors: ["a", "gt", "s", "two", "one", "x", "nothing", "y"] });
    expect([...oracle.tensors].sort()).toEqual(["a", "gt", "s", "two", "y"]);
    const out = await oracle.run({ x: f32([1, 2], -3, 4) });
    expect(out.get("a")).toEqual(f32([1, 2], -2, 5));
    expect(out.get("gt")).toEqual({ type: "bool", shape: [1, 2], data: Uint8Array.of(0, 0) });
    expect(out.get("s")).toEqual({ type: "int64", shape: [2], data: BigInt64Array.of(1n, 2n) });
    expect(out.get("two")).toEqual(f32([], 2));
  });

  it("leaves out what cannot be handed over", async () => {
    const nodes = [...SMALL.nodes, { op: "SequenceConstruct", inputs: ["a", "b"], outputs: ["seq"] }];
    const oracle = await createOracle(bytesOf({ ...SMALL, nodes }), { tensors: "all" });
    const out = await oracle.run({ x: f32([1, 2], -3, 4) });
    expect([...oracle.tensors].sort()).toEqual(["a", "b", "gt", "s", "two", "y"]);
    expect(out.get("b")).toEqual(f32([1, 2], 0, 5));
  });

  it("takes int64, bool and float16 inputs and gives float16 as numbers", async () => {
    const oracle = await createOracle(
      bytesOf({
        inputs: [
          { name: "i", type: "int64", shape: [2] },
          { name: "c", type: "bool", shape: [2] },
          { name: "h", type: "float16", shape: [2] },
        ],
        outputs: [{ name: "y", type: "float16", shape: [2] }],
        nodes: [
          { op: "Cast", inputs: ["i"], outputs: ["k"], attributes: { to: { i: 10 } } },
          { op: "Where", inputs: ["c", "k", "h"], outputs: ["y"] },
        ],
      }),
    );
    const out = await oracle.run({
      i: { type: "int64", shape: [2], data: BigInt64Array.of(7n, 8n) },
      c: { type: "bool", shape: [2], data: Uint8Array.of(1, 0) },
      h: { type: "float16", shape: [2], data: Float32Array.of(0.5, -1.5) },
    });
    expect(out.get("y")).toEqual({ type: "float16", shape: [2], data: Float32Array.of(7, -1.5) });
  });

  it("reads external data", async () => {
    const model = buildModel(SMALL);
    const t = model.graph!.initializer![0]!;
    const raw = t.rawData!;
    t.rawData = null;
    t.dataLocation = 1;
    t.externalData = [
      { key: "location", value: "w.bin" },
      { key: "offset", value: "8" },
      { key: "length", value: "4" },
    ];
    const externalData = async (path: string, offset: number, length: number | undefined) => {
      expect([path, offset, length]).toEqual(["w.bin", 8, 4]);
      return raw;
    };
    const oracle = await createOracle(encodeModel(model), { externalData });
    expect((await oracle.run({ x: f32([1, 2], -3, 4) })).get("y")).toEqual(f32([1, 2], 0, 10));
    await expect(createOracle(encodeModel(model))).rejects.toMatchObject({ code: "CL1005" });
  });

  it("says why ONNX Runtime refuses a model or its inputs", async () => {
    const foreign = { ...SMALL, nodes: [{ op: "Wobble", inputs: ["x"], outputs: ["y"] }] };
    const error = await createOracle(bytesOf(foreign), { model: "m.onnx" }).catch((e: AccelcError) => e);
    expect(error).toMatchObject({ code: "CL1005", location: { model: "m.onnx" } });
    expect((error as Error).message).toMatch(/^model evaluation by ONNX Runtime failed: .*Wobble/);
    const oracle = await createOracle(bytesOf(SMALL));
    await expect(oracle.run({ x: f32([1, 3], 1, 2, 3) })).rejects.toMatchObject({ code: "CL1005" });
  });
});
