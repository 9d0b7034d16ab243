import { fail, type Graph, type ValueId } from "@accelc/ir";
import { type Range, RangeCollector, type RangeMethod } from "./range-collector.js";
import type { Feed, SampleTensor } from "./samples.js";

/** Runs the float model: ONNX Runtime, in the package that holds it. */
export interface FloatOracle {
  /** ONNX names of the tensors `run` reports. */
  readonly tensors: readonly string[];
  /** The value of every reported tensor for one sample. */
  run(inputs: Feed): Promise<ReadonlyMap<string, SampleTensor>>;
}

/** Ranges of the float model's tensors, by ONNX name. */
export interface Calibration {
  readonly ranges: ReadonlyMap<string, Range>;
}

export interface CalibrateOptions {
  readonly method: RangeMethod;
  /** Model file, for diagnostics. */
  readonly model?: string;
  /** Called after each sample with the number of samples done. */
  onProgress?(samples: number): void;
}

/**
 * Runs every sample and measures the ranges of `tensors` (model inputs included), one sample in memory at a time. Tensors
 * that the oracle does not report are left out. Fails with PA1005 at the first sample in which a tensor takes NaN or an
 * infinite value, naming the first such tensor in the given order.
 */
export async function calibrate(
  oracle: FloatOracle,
  samples: AsyncIterable<Feed> | Iterable<Feed>,
  tensors: readonly string[],
  options: CalibrateOptions,
): Promise<Calibration> {
  const collectors = new Map(tensors.map((name) => [name, new RangeCollector()] as const));
  let done = 0;
  for await (const feed of samples) {
    const values = await oracle.run(feed);
    for (const [tensor, collector] of collectors) {
      const { data } = values.get(tensor) ?? feed[tensor] ?? {};
      const bad = data instanceof Float32Array || data instanceof Float64Array ? collector.add(data) : undefined;
      if (bad !== undefined) notFinite(tensor, bad, done, options.model);
    }
    done++;
    options.onProgress?.(done);
  }
  const ranges = [...collectors].flatMap(([name, c]) => {
    const range = c.range(options.method);
    return range ? [[name, range] as const] : [];
  });
  return { ranges: new Map(ranges) };
}

function notFinite(tensor: string, value: number, sample: number, model: string | undefined): never {
  const hint = `sample ${sample}, counted from 0, causes it; check that sample and the model's own arithmetic`;
  fail("PA1005", model === undefined ? {} : { model }, { tensor, value: String(value) }, hint);
}

/** ONNX names of all float values that are not constants, in graph order: what quantization needs ranges of. */
export function calibrationTensors(g: Graph): string[] {
  const names = [...g.values.values()].flatMap((v) =>
    v.type.dtype === "float32" && !v.data && v.source !== undefined ? [v.source] : [],
  );
  return [...new Set(names)];
}

/**
 * The ONNX tensor whose range each float value has: its own source or, across reshapes and transposes, that of the same
 * elements before or after. Values that passes made and that no such tensor matches are left out.
 */
export function rangeSources(g: Graph): ReadonlyMap<ValueId, string> {
  const out = new Map<ValueId, string>();
  for (const v of g.values.values()) if (v.source !== undefined && v.type.dtype === "float32") out.set(v.id, v.source);
  const link = (from: ValueId, to: ValueId) => {
    const source = out.get(from);
    if (source !== undefined && !out.has(to)) out.set(to, source);
  };
  const moves = g.nodes.filter((n) => n.op === "reshape" || n.op === "transpose");
  for (const n of moves) link(n.inputs[0]!, n.outputs[0]!);
  for (const n of moves.toReversed()) link(n.outputs[0]!, n.inputs[0]!);
  return out;
}
