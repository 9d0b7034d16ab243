import { failOn, type Graph } from "@accelc/ir";
import { createOracle } from "@accelc/oracle";
import {
  type Calibration,
  calibrate,
  calibrationProblems,
  calibrationTensors,
  constantProblems,
  inputChannels,
  type ScaledTensor,
  sampleCount,
  samplesOf,
  unboundedTensors,
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
  hash: string | undefined,
  scaled: ReadonlyMap<string, ScaledTensor>,
): Promise<Calibration> {
  const tensors = calibrationTensors(graph);
  const { method, fallback } = choices;
  if (options.calibTable) {
    const { table, file } = options.calibTable;
    return fromCalibTable(table, { tensors, file, model: hash, method });
  }
  const feeds = new Map(Object.entries(options.calibration ?? {}));
  failOn(calibrationProblems(graph, feeds, model, tensors.length > 0));
  if (tensors.length === 0) return { ranges: new Map() };
  failOn(constantProblems(graph, feeds, model));
  const total = sampleCount(graph, feeds);
  const wanted = [...new Set(tensors.map((t) => scaled.get(t)?.tensor ?? t))];
  const oracle = await createOracle(bytes, { tensors: wanted, model, externalData: options.externalData });
  try {
    return await calibrate(oracle, samplesOf(graph, feeds), tensors, {
      method: method ?? fallback,
      unbounded: unboundedTensors(graph),
      channels: inputChannels(graph),
      scaled,
      model,
      onProgress: (done) => options.onStage?.("calibrate", done / total),
    });
  } finally {
    await oracle.release();
  }
}
