// @ts-check
// ONNX Runtime's WebAssembly backend with its own optimizations, on one thread. As a command, opens a session of a model
// and ends: what ONNX Runtime needs to be ready, beside what the compiler needs.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import * as ort from "onnxruntime-web/wasm";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

/** @type {import("onnxruntime-web/wasm").InferenceSession.SessionOptions} */
const OPTIONS = { executionProviders: ["wasm"], graphOptimizationLevel: "all", logSeverityLevel: 4 };

/** @type {(model: string | Uint8Array) => Promise<import("onnxruntime-web/wasm").InferenceSession>} */
export const openSession = (model) =>
  ort.InferenceSession.create(typeof model === "string" ? readFileSync(model) : model, OPTIONS);

/** @type {(data: any, shape: readonly number[], type?: any) => import("onnxruntime-web/wasm").Tensor} */
export const tensor = (data, shape, type = "float32") => new ort.Tensor(type, data, shape);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await (await openSession(process.argv[2])).release();
