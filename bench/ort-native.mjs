// @ts-check
// ONNX Runtime's native CPU provider on one thread, where somebody installed it for the benchmarks; nothing here needs it.
import { createRequire } from "node:module";

/** `npm install --prefix bench/.native --ignore-scripts onnxruntime-node@1.30.0`: its binary is in the package. */
const from = createRequire(new URL(".native/package.json", import.meta.url));

/** @returns {any} the package, or null */
function find() {
  try {
    return from("onnxruntime-node");
  } catch {
    return null;
  }
}

/**
 * A session of a model, or null where the package is not installed or does not take the model.
 *
 * @param {Uint8Array} bytes
 * @returns {Promise<{ run: (feeds: Readonly<Record<string, { type: string, data: any, shape: readonly number[] }>>) => Promise<unknown>, release: () => Promise<void> } | null>}
 */
export async function openNative(bytes) {
  const ort = find();
  if (ort === null) return null;
  const options = {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 4,
  };
  const session = await ort.InferenceSession.create(bytes, options);
  return {
    run: (feeds) =>
      session.run(
        Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, new ort.Tensor(t.type, t.data, t.shape)])),
      ),
    release: () => session.release(),
  };
}
