import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildModel, encodeModel, type ModelText, type NewTensor } from "@accelc/frontend";
import { describe, expect, it } from "vitest";
import { accelc, scratch } from "./harness.js";

/** Field number of GraphProto.initializer in a model's only graph: a TensorProto is what is behind it. */
function tensorFile(t: NewTensor): Uint8Array {
  const proto = buildModel({ inputs: [], outputs: [], nodes: [], initializers: [{ name: "t", ...t }] });
  const bytes = encodeModel({ graph: { initializer: proto.graph!.initializer! } });
  const skip = (b: Uint8Array): Uint8Array => {
    let at = 1;
    while (b[at]! >= 128) at++;
    return b.subarray(at + 1);
  };
  return skip(skip(bytes));
}

function vector(dir: string, name: string, model: ModelText, inputs: NewTensor[], outputs: NewTensor[]): void {
  const set = join(dir, name, "test_data_set_0");
  mkdirSync(set, { recursive: true });
  writeFileSync(join(dir, name, "model.onnx"), encodeModel(buildModel(model)));
  for (const [i, t] of inputs.entries()) writeFileSync(join(set, `input_${i}.pb`), tensorFile(t));
  for (const [i, t] of outputs.entries()) writeFileSync(join(set, `output_${i}.pb`), tensorFile(t));
}

const floats = (shape: number[], f: (i: number) => number): NewTensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => f(i)),
});

const one = (op: string, inputs: string[], shape: number[]): ModelText => ({
  inputs: inputs.map((name) => ({ name, shape })),
  outputs: [{ name: "y", shape }],
  nodes: [{ op, inputs, outputs: ["y"] }],
});

const wave = floats([2, 8], (i) => Math.sin(i));

function vectors(): string {
  const dir = scratch();
  const relu = floats([2, 8], (i) => Math.max(0, Math.sin(i)));
  vector(dir, "test_relu", one("Relu", ["x"], [2, 8]), [wave], [relu]);
  vector(dir, "test_relu_wrong", one("Relu", ["x"], [2, 8]), [wave], [wave]);
  vector(dir, "test_unknown", one("NoSuchOperator", ["x"], [2, 8]), [wave], [wave]);
  vector(
    dir,
    "test_reshape",
    {
      inputs: [
        { name: "x", type: "int32", shape: [2, 3] },
        { name: "s", type: "int64", shape: [2] },
      ],
      outputs: [{ name: "y", type: "int32", shape: [3, 2] }],
      nodes: [{ op: "Reshape", inputs: ["x", "s"], outputs: ["y"] }],
    },
    [
      { type: "int32", shape: [2, 3], data: [1, 2, 3, 4, 5, -70000] },
      { type: "int64", shape: [2], data: [3, 2] },
    ],
    [{ type: "int32", shape: [3, 2], data: [1, 2, 3, 4, 5, -70000] }],
  );
  mkdirSync(join(dir, "test_damaged", "test_data_set_0"), { recursive: true });
  writeFileSync(join(dir, "test_damaged", "model.onnx"), "hello");
  return dir;
}

describe("conformance", () => {
  it("says what passes, fails and is unsupported, and why", async () => {
    const cwd = vectors();
    const r = await accelc(["conformance", ".", "--json"], { cwd });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    const d = JSON.parse(r.stdout);
    expect(d).toMatchObject({ total: 5, passed: 2, failed: 1, unsupported: 2 });
    expect(d.operators.Relu).toMatchObject({ passed: 1, failed: 1, unsupported: 0 });
    expect(d.operators.Relu.reasons[0]).toMatch(/^output y: SQNR -?[\d.]+ dB, needed are 30 dB$/);
    expect(d.operators.NoSuchOperator.reasons[0]).toMatch(/^FE1001: operator NoSuchOperator/);
    const byName = (name: string) => d.cases.find((c: { name: string }) => c.name === name);
    expect(byName("test_reshape")).toMatchObject({ result: "passed", constants: ["s"] });
    expect(byName("test_relu").sqnr).toBeGreaterThan(30);
    expect(byName("test_damaged")).toMatchObject({
      result: "unsupported",
      reasons: [expect.stringMatching(/^FE2001/)],
    });
  });

  it("prints a table, filtered", async () => {
    const r = await accelc(["conformance", ".", "--filter", "relu"], { cwd: vectors() });
    expect(r.stdout).toMatch(/^operator +passed +failed +unsupported +first reason\nRelu +1 +1 +0 +output y: /);
    expect(r.stdout).toMatch(/\n2 vectors: 1 passed, 1 failed, 0 unsupported\n$/);
  });

  it("refuses what is no folder of vectors", async () => {
    const cwd = vectors();
    expect(await accelc(["conformance", "nowhere"], { cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/CL1001/),
    });
    expect(await accelc(["conformance", "test_relu/test_data_set_0"], { cwd })).toMatchObject({ status: 1 });
    expect(await accelc(["conformance", ".", "--filter", "("], { cwd })).toMatchObject({ status: 2 });
    expect(await accelc(["conformance", ".", "--filter", "zzz"], { cwd })).toMatchObject({ status: 2 });
  });
});
