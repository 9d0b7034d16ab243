import { fail, type Graph, type ValueId } from "@accelc/ir";
import { type ScaledTensor, scaledData } from "../float/equalize.js";
import { maskedValues } from "../masks.js";
import { type CodeSet, type RangeMethod, rangeFor } from "./activation-range.js";
import type { Channels } from "./input-channels.js";
import { RangeCollector } from "./range-collector.js";
import type { Feed, SampleTensor } from "./samples.js";
import { type Range, type Statistics, withBeyond } from "./statistics.js";

/** Runs the float model: ONNX Runtime, in the package that holds it. */
export interface FloatOracle {
  /** ONNX names of the tensors `run` reports. */
  readonly tensors: readonly string[];
  /** The value of every reported tensor for one sample. */
  run(inputs: Feed): Promise<ReadonlyMap<string, SampleTensor>>;
}

/** Runs the float model piece by piece, each on `samples` samples before the next. */
export interface FloatPieces {
  readonly samples: number;
  /** Inputs and reported tensors of the samples, by their number in `inputs`: each once, in any order. */
  run(inputs: readonly Feed[]): AsyncIterable<{
    readonly sample: number;
    readonly values: ReadonlyMap<string, SampleTensor>;
  }>;
}

/** A whole model as one piece. */
const onePiece = (oracle: FloatOracle): FloatPieces => ({
  samples: 1,
  async *run([feed]) {
    yield { sample: 0, values: new Map([...Object.entries(feed!), ...(await oracle.run(feed!))]) };
  },
});

async function* inBatches(samples: AsyncIterable<Feed> | Iterable<Feed>, size: number): AsyncGenerator<Feed[]> {
  let batch: Feed[] = [];
  for await (const feed of samples) {
    batch.push(feed);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** What a range follows from once the grid is known. */
export interface RangeChoice {
  readonly statistics: Statistics;
  readonly method: RangeMethod;
}

/** Ranges of the float model's tensors, by ONNX name. */
export interface Calibration {
  /** All values seen lie in these: bounds, whatever the method. */
  readonly ranges: ReadonlyMap<string, Range>;
  /** What the range of a quantization grid follows from; a tensor without has that of `ranges` on every grid. */
  readonly choices?: ReadonlyMap<string, RangeChoice>;
  /** Tensors whose range somebody has laid down: it goes before what the model itself says of them. */
  readonly fixed?: ReadonlySet<string>;
}

/** The range of a tensor for a grid with these codes; undefined where calibration has none. */
export function rangeOn(c: Calibration, tensor: string, codes: CodeSet): Range | undefined {
  const choice = c.choices?.get(tensor);
  return choice ? rangeFor(choice.statistics, choice.method, codes) : c.ranges.get(tensor);
}

/** The calibration in which the range of a tensor follows from its statistics by its method, or else is the one in `fixed`. */
export const calibrationFrom = (
  choices: ReadonlyMap<string, RangeChoice>,
  fixed: ReadonlyMap<string, Range> = new Map(),
): Calibration => ({
  ranges: new Map([
    ...fixed,
    ...[...choices].map(([name, { statistics: s }]) => [name, withBeyond(s, s.seen)] as const),
  ]),
  choices,
  fixed: new Set([...fixed.keys()].filter((name) => !choices.has(name))),
});

export interface CalibrateOptions {
  readonly method: RangeMethod;
  /** Model file, for diagnostics. */
  readonly model?: string;
  /** The tensors in which infinite values are meant: they saturate. Absent: all. */
  readonly unbounded?: ReadonlySet<string>;
  /** Input channels of the layers that read a tensor; see inputChannels. */
  readonly channels?: ReadonlyMap<string, Channels>;
  /** Tensors that are others divided per channel; see equalize. */
  readonly scaled?: ReadonlyMap<string, ScaledTensor>;
  /** Called after each sample with the number of samples done. */
  onProgress?(samples: number): void;
}

/**
 * Runs every sample and measures the ranges of `tensors` (model inputs included), one piece's tensors of one sample in memory at a time. Tensors
 * that the oracle does not report are left out. Fails with PA1005 at the first sample in which a tensor takes NaN, or an infinite
 * value where that is no mask, naming the first such tensor in the given order.
 */
export async function calibrate(
  oracle: FloatOracle | FloatPieces,
  samples: AsyncIterable<Feed> | Iterable<Feed>,
  tensors: readonly string[],
  options: CalibrateOptions,
): Promise<Calibration> {
  const collectors = new Map(tensors.map((name) => [name, new RangeCollector(options.channels?.get(name))] as const));
  const pieces = "samples" in oracle ? oracle : onePiece(oracle);
  let done = 0;
  for await (const batch of inBatches(samples, pieces.samples)) {
    const faults: Fault[] = [];
    for await (const { sample, values } of pieces.run(batch))
      faults.push(...collect(collectors, values, sample, options));
    if (faults.length > 0) notFinite(firstOf(faults, tensors), done, options.model);
    done += batch.length;
    options.onProgress?.(done);
  }
  const { method } = options;
  const choices = [...collectors].flatMap(([name, c]) => {
    const statistics = c.statistics();
    return statistics ? [[name, { statistics, method }] as const] : [];
  });
  return calibrationFrom(new Map(choices));
}

/** A value that no range can hold. */
interface Fault {
  readonly tensor: string;
  readonly value: number;
  readonly sample: number;
}

/** Takes in some tensors of a sample; the first fault in collectors' order, if any. */
function collect(
  collectors: ReadonlyMap<string, RangeCollector>,
  values: ReadonlyMap<string, SampleTensor>,
  sample: number,
  { scaled: scales, unbounded }: CalibrateOptions,
): Fault[] {
  for (const [tensor, collector] of collectors) {
    const scaled = scales?.get(tensor);
    const { data: found, shape } = values.get(scaled?.tensor ?? tensor) ?? {};
    if (!(found instanceof Float32Array || found instanceof Float64Array)) continue;
    const data = scaled ? scaledData(scaled, found) : found;
    const value = collector.add(data, shape) ?? (unbounded?.has(tensor) === false ? infinity(data) : undefined);
    if (value !== undefined) return [{ tensor, value, sample }];
  }
  return [];
}

function infinity(data: Float32Array | Float64Array): number | undefined {
  for (let i = 0; i < data.length; i++) if (data[i] === Infinity || data[i] === -Infinity) return data[i];
  return undefined;
}

function firstOf(faults: readonly Fault[], tensors: readonly string[]): Fault {
  const rank = (f: Fault) => f.sample * tensors.length + tensors.indexOf(f.tensor);
  return faults.reduce((a, b) => (rank(b) < rank(a) ? b : a));
}

function notFinite({ tensor, value, sample }: Fault, before: number, model: string | undefined): never {
  const hint = `sample ${before + sample}, counted from 0, causes it; check that sample and the model's own arithmetic`;
  fail("PA1005", model === undefined ? {} : { model }, { tensor, value: String(value) }, hint);
}

/** ONNX names of the tensors in which infinite values mask something, or come from outside: graph inputs and what leads to a softmax. */
export function unboundedTensors(g: Graph): ReadonlySet<string> {
  const ids = [...maskedValues(g), ...g.inputs.map((p) => p.value)];
  return new Set(ids.flatMap((id) => g.values.get(id)!.source ?? []));
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
