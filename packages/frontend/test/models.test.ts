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

  it.each([
    ["mnist-8", 5],
    ["mscn", 2],
    ["cgan_up", 2],
    ["vit_ibp_3_3_8", 2],
    ["cifar10-resnet14-fp32", 1],
    ["resnet_4b", 1],
    ["slim320", 1],
  ])("%s computes what ONNX Runtime does", async (name, samples) => {
    const c = cases.find((k) => k.model === `onnx/${name}.onnx`)! as Case & { readonly x: string };
    const inputShapes = { [c.input]: c.inputShape };
    const g = await importModel(readFileSync(`${MODELS}/${c.model}`), { modelName: name, inputShapes });
    const x = npyFloats(`${MODELS}/${c.x}`);
    const size = c.inputShape.reduce((a, b) => a * b, 1);
    for (let k = 0; k < samples; k++) {
      const results = runGraph(g, { [c.input]: x.subarray(size * k, size * (k + 1)) });
      for (const output of c.outputs) {
        const got = results.get(output)!.data as Float32Array;
        const want = npyFloats(`${MODELS}/${c.files[output]}`).subarray(got.length * k, got.length * (k + 1));
        const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        const error = got.reduce((m, v, i) => Math.max(m, Math.abs(v - want[i]!)), 0);
        expect(error / largest).toBeLessThan(1e-3);
      }
    }
  });
});
