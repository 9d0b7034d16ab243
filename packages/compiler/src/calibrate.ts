import type { ModelProto } from "@accelc/frontend";
import { AccelcError, elements, failOn, type Graph } from "@accelc/ir";
import { createOracle, openPieces } from "@accelc/oracle";
import {
  type Calibration,
  calibrate,
  calibrationProblems,
  calibrationTensors,
  constantProblems,
  type FloatOracle,
  type FloatPieces,
  inputChannels,
  type ScaledTensor,
  sampleCount,
  samplesOf,
  unboundedTensors,
} from "@accelc/passes";
import { fromCalibTable } from "./calib-table.js";
import type { Choices, CompileOptions } from "./options.js";

/** What ranges are measured with beside the graph. */
export interface Measured {
  readonly proto: ModelProto;
  /** Name of the model in diagnostics. */
  readonly model: string;
  readonly hash: string | undefined;
  readonly scaled: ReadonlyMap<string, ScaledTensor>;
}

/** Ranges of the float graph's tensors: from the table, or measured by running the model on the calibration data. */
export async function rangesFor(
  graph: Graph,
  of: Measured,
  options: CompileOptions,
  { method, fallback }: Choices,
): Promise<Calibration> {
  const tensors = calibrationTensors(graph);
  const { model, hash, scaled } = of;
  if (options.calibTable) {
    const { table, file } = options.calibTable;
    return fromCalibTable(table, { tensors, file, model: hash, method });
  }
  const feeds = new Map(Object.entries(options.calibration ?? {}));
  failOn(calibrationProblems(graph, feeds, model, tensors.length > 0));
  if (tensors.length === 0) return { ranges: new Map() };
  failOn(constantProblems(graph, feeds, model));
  const total = sampleCount(graph, feeds);
  const choices = {
    method: method ?? fallback,
    unbounded: unboundedTensors(graph),
    channels: inputChannels(graph),
    scaled,
    model,
    onProgress: (done: number) => options.onStage?.("calibrate", done / total),
  };
  const wanted = [...new Set(tensors.map((t) => scaled.get(t)?.tensor ?? t))];
  return measuring(graph, of, wanted, options, (oracle) =>
    calibrate(oracle, samplesOf(graph, feeds), tensors, choices),
  );
}

/**
 * Measures on the model in pieces where it is large, else, or where ONNX Runtime takes no such piece (it hands over no
 * sequences, for one), on the whole.
 */
async function measuring(
  graph: Graph,
  { proto, model }: Measured,
  wanted: readonly string[],
  { externalData }: CompileOptions,
  measure: (oracle: FloatOracle | FloatPieces) => Promise<Calibration>,
): Promise<Calibration> {
  const sizes = new Map([...graph.values.values()].map((v) => [v.source, 4 * elements(v.type.shape)] as const));
  const tensors = new Map(wanted.map((name) => [name, sizes.get(name) ?? 0] as const));
  const pieces = await openPieces(proto, { tensors, externalData }).catch(() => undefined);
  const found = pieces && (await measure(pieces).catch(whereRefused));
  if (found) return found;
  const oracle = await createOracle(proto, { tensors: wanted, model, externalData });
  try {
    return await measure(oracle);
  } finally {
    await oracle.release();
  }
}

/** What the user's data are at fault for stands; ONNX Runtime's own errors do not, for the whole model may do. */
function whereRefused(e: unknown): undefined {
  if (e instanceof AccelcError) throw e;
}
