import { failOn, type Graph } from "@accelc/ir";
import { createOracle } from "@accelc/oracle";
import {
  type Calibration,
  calibrate,
  calibrationProblems,
  calibrationTensors,
  type Feed,
  type FloatOracle,
  sampleCount,
  samplesOf,
} from "@accelc/passes";
import { fromCalibTable } from "./calib-table.js";
import type { Choices, CompileOptions } from "./options.js";

/** Ranges of the float graph's tensors: from the table, or measured by running the model on the calibration data. */
export async function rangesFor(
  bytes: Uint8Array,
  graph: Graph,
  model: string,
  options: CompileOptions,
  choices: Choices,
): Promise<Calibration> {
  const tensors = calibrationTensors(graph);
  if (options.calibTable) return fromCalibTable(options.calibTable.table, tensors, options.calibTable.file);
  const feeds = new Map(Object.entries(options.calibration ?? {}));
  failOn(calibrationProblems(graph, feeds, model));
  const total = sampleCount(graph, feeds);
  const oracle = await floatOracle(bytes, tensors, model, options);
  try {
    return await calibrate(oracle, samplesOf(graph, feeds), tensors, {
      method: choices.method,
      model,
      onProgress: (done) => options.onStage?.("calibrate", done / total),
    });
  } finally {
    await oracle.release();
  }
}

/** ONNX Runtime as the calibration sees it: every float tensor as float32. */
async function floatOracle(
  bytes: Uint8Array,
  tensors: readonly string[],
  model: string,
  { externalData }: CompileOptions,
): Promise<FloatOracle & { release(): Promise<void> }> {
  const oracle = await createOracle(bytes, { tensors, model, externalData });
  return {
    get tensors() {
      return oracle.tensors;
    },
    async run(inputs: Feed) {
      const out = new Map<string, Float32Array>();
      for (const [name, { data }] of await oracle.run(inputs)) {
        if (data instanceof Float32Array) out.set(name, data);
        else if (data instanceof Float64Array) out.set(name, Float32Array.from(data));
      }
      return out;
    },
    release: () => oracle.release(),
  };
}
