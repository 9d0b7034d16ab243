// @ts-check
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-web";
import { generateGlyphs, runAsCommand, TEST_SEED, wholeNumber } from "./generate.mjs";

const MODEL = fileURLToPath(new URL("glyphs.onnx", import.meta.url));

/** @type {(values: Float32Array) => number} */
const indexOfLargest = (values) => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);

/**
 * Top-1 of the float model, run by ONNX Runtime one image at a time.
 *
 * @param {{ readonly model?: string, readonly seed: number, readonly count: number }} options
 * @returns {Promise<{ correct: number, count: number, top1: number }>} `top1` is within 0..1
 */
export async function evaluateGlyphs({ model = MODEL, seed, count }) {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(model));
  const { images, labels, shape } = generateGlyphs({ seed, count });
  const [, channels, height, width] = shape;
  const size = channels * height * width;
  let correct = 0;
  for (let i = 0; i < count; i++) {
    const image = new ort.Tensor("float32", images.subarray(i * size, (i + 1) * size), [1, channels, height, width]);
    const { [session.outputNames[0]]: logits } = await session.run({ [session.inputNames[0]]: image });
    if (indexOfLargest(/** @type {Float32Array} */ (logits.data)) === labels[i]) correct++;
  }
  await session.release();
  return { correct, count, top1: correct / count };
}

async function main() {
  const string = /** @type {const} */ ({ type: "string" });
  const { values } = parseArgs({ options: { seed: string, count: string, model: string } });
  const seed = wholeNumber(values.seed ?? `${TEST_SEED}`, "seed");
  const count = wholeNumber(values.count ?? "4000", "count");
  const result = await evaluateGlyphs({ seed, count, model: values.model ?? MODEL });
  console.log(`seed ${seed}: ${result.correct} of ${count} correct, float top-1 ${(100 * result.top1).toFixed(2)} %`);
}

await runAsCommand(import.meta.url, "node examples/glyphs/evaluate.mjs [--seed S] [--count N] [--model M.onnx]", main);
