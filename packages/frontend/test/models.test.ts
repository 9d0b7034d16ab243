import { readdirSync, readFileSync } from "node:fs";
import { AccelcError } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { importModel } from "../src/index.js";
import { hasModels, MODELS } from "./pack.js";
import { runGraph } from "./run-graph.js";

interface Case {
  readonly model: string;
  readonly input: string;
  readonly inputShape: readonly number[];
  readonly outputs: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** Elements of a float32 .npy file. */
function npyFloats(path: string): Float32Array {
  const bytes = new Uint8Array(readFileSync(path));
  const start = 10 + new DataView(bytes.buffer).getUint16(8, true);
  return new Float32Array(bytes.slice(start).buffer);
}

/** Shape of a .npy file without its sample axis. */
function sampleShape(path: string): number[] {
  const head = readFileSync(path).subarray(0, 256).toString("latin1");
  return /'shape': \(([^)]*)\)/
    .exec(head)![1]!
    .split(",")
    .filter((d) => d.trim())
    .map(Number);
}

describe.skipIf(!hasModels)("the model pack", () => {
  const cases = hasModels ? (JSON.parse(readFileSync(`${MODELS}/manifest.json`, "utf8")).cases as Case[]) : [];
  const files = hasModels ? readdirSync(`${MODELS}/onnx`).filter((f) => f.endsWith(".onnx")) : [];

  it.each(files)("%s imports, or names unsupported operators only", async (file) => {
    const c = cases.find((k) => k.model === `onnx/${file}`);
    const bytes = readFileSync(`${MODELS}/onnx/${file}`);
    try {
      const g = await importModel(bytes, {
        modelName: file,
        ...(c ? { inputShapes: { [c.input]: c.inputShape } } : {}),
      });
      for (const o of c?.outputs ?? []) {
        const shape = g.values.get(g.outputs.find((p) => p.name === o)!.value)!.type.shape;
        expect(shape.slice(1)).toEqual(sampleShape(`${MODELS}/${c!.files[o]}`).slice(1));
      }
      expect(g.nodes.every((n) => n.inputs.some((id) => g.values.get(id)!.data === undefined))).toBe(true);
    } catch (e) {
      if (!(e instanceof AccelcError)) throw e;
      expect(e.diagnostics.filter((d) => d.code !== "FE1001")).toEqual([]);
    }
  });

  it.each(["mnist-8.onnx", "resnet_4b.onnx", "superres.onnx"])("%s imports", async (file) => {
    const g = await importModel(readFileSync(`${MODELS}/onnx/${file}`), { modelName: file, batch: 1 });
    expect(g.nodes.length).toBeGreaterThan(9);
  });

  it("mnist-8 computes what ONNX Runtime does", async () => {
    const c = cases.find((k) => k.model === "onnx/mnist-8.onnx")! as Case & { readonly x: string };
    const g = await importModel(readFileSync(`${MODELS}/${c.model}`), { modelName: "mnist-8" });
    const [x, want] = [npyFloats(`${MODELS}/${c.x}`), npyFloats(`${MODELS}/${c.files[c.outputs[0]!]}`)];
    for (let k = 0; k < 5; k++) {
      const got = runGraph(g, { [c.input]: x.subarray(784 * k, 784 * (k + 1)) }).get(c.outputs[0]!)!
        .data as Float32Array;
      got.forEach((v, i) => {
        expect(Math.abs(v - want[10 * k + i]!)).toBeLessThan(1e-2);
      });
    }
  });
});
