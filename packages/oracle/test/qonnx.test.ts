import { buildModel, encodeModel, importModel, type ModelText, type NewAttribute } from "@accelc/frontend";
import { foldNode } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { createOracle } from "../src/index.js";

const X = Float32Array.from([
  -9, -3.5, -2.5, -2, -1.75, -1.5, -1.25, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 3.5, 9,
]);
const shape = [1, X.length];

/** The node with constant parameters behind x. */
function model(
  op: string,
  parameters: readonly number[],
  attributes: Readonly<Record<string, NewAttribute>>,
): ModelText {
  const names = parameters.map((_, i) => `p${i}`);
  return {
    opset: 9,
    inputs: [{ name: "x", shape }],
    outputs: [{ name: "y", shape }],
    initializers: parameters.map((v, i) => ({ name: names[i]!, shape: [], data: [v] })),
    nodes: [{ op, name: "n", domain: "onnx.brevitas", inputs: ["x", ...names], outputs: ["y"], attributes }],
  };
}

/** The model as its float graph computes it. */
async function folded(m: ModelText): Promise<number[]> {
  const g = await importModel(encodeModel(buildModel(m)), { modelName: "m" });
  const values = new Map([...g.values].map(([id, v]) => [id, v.data]));
  values.set(g.inputs[0]!.value, X);
  for (const n of g.nodes) {
    const operands = n.inputs.map((id) => ({ ...g.values.get(id)!, data: values.get(id)! }));
    values.set(n.outputs[0]!, foldNode(n, operands)!.data);
  }
  return Array.from(values.get(g.outputs[0]!.value) as Float32Array);
}

async function inRuntime(m: ModelText): Promise<number[]> {
  const oracle = await createOracle(encodeModel(buildModel(m)));
  const out = await oracle.run({ x: { type: "float32", shape, data: X } });
  await oracle.release();
  return Array.from(out.get("y")!.data as Float32Array);
}

const mode = (s: string, signed = 1, narrow = 0) => ({
  rounding_mode: { s },
  signed: { i: signed },
  narrow: { i: narrow },
});
const plus0 = (list: readonly number[]) => list.map((v) => v + 0);

const CASES: Readonly<Record<string, ModelText>> = {
  ...Object.fromEntries(
    ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "half_down"].map((m) => [
      `Quant ${m}`,
      model("Quant", [0.5, 0, 4], mode(m)),
    ]),
  ),
  "Quant, narrow": model("Quant", [1, 0, 2], mode("ROUND", 1, 1)),
  "Quant, unsigned with a zero point": model("Quant", [0.5, 4, 3], mode("ROUND", 0)),
  "Quant, odd zero point": model("Quant", [0.5, 3, 4], mode("ROUND", 0)),
  "Quant, one bit": model("Quant", [0.75, 0, 1], mode("ROUND")),
  BipolarQuant: model("BipolarQuant", [0.75], {}),
  "Trunc of five inputs": model("Trunc", [0.25, 0, 6, 4], { rounding_mode: { s: "FLOOR" } }),
  "Trunc of seven": model("Trunc", [0.25, 0, 6, 1, 0, 3], { ...mode("ROUND") }),
};

describe("QONNX in ONNX Runtime is what the float graph computes", () => {
  for (const [name, m] of Object.entries(CASES))
    it(name, async () => {
      const [runtime, graph] = [await inRuntime(m), await folded(m)];
      expect(plus0(runtime)).toEqual(plus0(graph));
      expect(new Set(runtime).size).toBeGreaterThan(1);
    });

  it("pins Quant: 2 bits, narrow, scale 1", async () => {
    expect(plus0(await inRuntime(CASES["Quant, narrow"]!))).toEqual([
      -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1,
    ]);
  });
});
