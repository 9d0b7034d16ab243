/**
 * Fine-tuning without labels: every layer against its own float results on the calibration data. First the ranges of the stored
 * activations, then the weights' scales, codes and biases. A layer is tuned on the float model's operand, rounded as it is stored:
 * what earlier layers add is theirs to remove, and a correction for it would outlive its cause.
 */
import { type Data, failOn, type Graph, isMinifloat, type TensorType } from "@accelc/ir";
import { createOracle, type Oracle } from "@accelc/oracle";
import {
  blameTensors,
  type Codes,
  calibrationProblems,
  cheapestRange,
  RangeCollector,
  sampleCount,
  samplesOf,
  storedAs,
  type Witness,
} from "@accelc/passes";
import type { CalibEntry, CalibTable } from "./calib-table.js";
import { compileStages } from "./compile.js";
import { roundToGrid } from "./host-values.js";
import type { CompileOptions } from "./options.js";
import { type LayerTuner, planTuners } from "./tune-layers.js";
import type { TunedEntry, TuneTable } from "./tune-table.js";

export interface TuneOptions extends Omit<CompileOptions, "stopAfter" | "calibTable"> {
  /** Input vectors taken of a sample at each layer; default 64. */
  readonly vectors?: number;
  /** A table that an earlier run wrote, to go on from: its ranges and its layers are kept. */
  readonly resume?: TuneTable;
  /** Called after the ranges and after every few layers with the table so far. */
  readonly onCheckpoint?: (table: TuneTable) => void | Promise<void>;
  /** What is being done, and the share of it that is done. */
  readonly onProgress?: (what: string, share: number) => void;
}

/** Bytes of moments that are collected in one pass over the samples. */
const MOMENT_BYTES = 2 ** 29;

/** One state of the model: what the table so far makes of it. */
interface State {
  readonly float: Graph;
  readonly integer: Graph;
  readonly calibration: CalibTable;
}

async function stateOf(bytes: Uint8Array, o: TuneOptions, table: TuneTable | undefined): Promise<State> {
  const calibTable = table && { file: "the tuned table", table };
  const made = await compileStages(bytes, { ...o, ...(calibTable ? { calibTable } : {}), stopAfter: "quantize" });
  return { float: made.floatGraph, integer: made.integerGraph!, calibration: made.calibration! };
}

const realOf = (data: Data | undefined): Float64Array | undefined =>
  data instanceof Float32Array || data instanceof Float64Array ? Float64Array.from(data) : undefined;

type Floats = (name: string) => Float64Array | undefined;

/** `f`, computed once for each name. */
function once<T>(f: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    if (!known.has(name)) known.set(name, f(name));
    return known.get(name)!;
  };
}

/** Runs the float model on every sample. */
async function eachSample(o: TuneOptions, float: Graph, oracle: Oracle, what: string, take: (floats: Floats) => void) {
  const feeds = new Map(Object.entries(o.calibration ?? {}));
  const total = sampleCount(float, feeds);
  let at = 0;
  for (const sample of samplesOf(float, feeds)) {
    o.onProgress?.(what, at++ / total);
    const floats = await oracle.run(sample);
    take(once((name) => realOf((floats.get(name) ?? sample[name])?.data)));
  }
}

/** Codes that a stored tensor has; undefined for what has no grid of 8 bits or fewer. */
function codesOf(t: TensorType | undefined): Codes | undefined {
  if (!t?.quant || isMinifloat(t.dtype) || t.dtype !== "int8") return undefined;
  const [low, high] = t.quant.codes ?? [-128, 127];
  return { bits: Math.round(Math.log2(high - low + 1)), symmetric: t.quant.zeroPoint === 0 && low < 0 };
}

/** Ranges of the stored activations by what they cost the layers that read them. */
async function tuneRanges(o: TuneOptions, state: State, oracle: Oracle): Promise<CalibTable> {
  const typeOf = storedAs(state.integer);
  const tuners = planTuners(state, o);
  const collectors = new Map<string, RangeCollector>();
  const readers = new Map<string, Witness[]>();
  for (const t of tuners) {
    collectors.set(t.input, new RangeCollector());
    readers.set(t.input, [...(readers.get(t.input) ?? []), ...t.witnesses()]);
  }
  const samples = sampleCount(state.float, new Map(Object.entries(o.calibration ?? {})));
  await eachSample(o, state.float, oracle, "ranges", (floats) => {
    for (const [name, collector] of collectors) {
      const x = floats(name);
      if (x) collector.add(x);
    }
    for (const t of tuners) t.witness(floats(t.input), samples);
  });
  const ranges: Record<string, CalibEntry> = { ...state.calibration.ranges };
  for (const [name, collector] of collectors) {
    const [codes, statistics] = [codesOf(typeOf(name)), collector.statistics()];
    if (!codes || !statistics || !ranges[name]) continue;
    const range = cheapestRange(statistics, codes, readers.get(name)!);
    if (range) ranges[name] = range;
  }
  return { ...state.calibration, ranges };
}

/** The tuners that are left to do, as many at a time as their moments leave room for. */
function batches(tuners: readonly LayerTuner[]): readonly (readonly LayerTuner[])[] {
  const out: LayerTuner[][] = [];
  let room = 0;
  for (const t of tuners) {
    if (out.length === 0 || t.momentBytes > room) {
      out.push([]);
      room = MOMENT_BYTES;
    }
    out.at(-1)!.push(t);
    room -= t.momentBytes;
  }
  return out;
}

/** Tunes the weights of a batch of layers; those that gain nothing stay what they are. */
async function tuneBatch(
  o: TuneOptions,
  state: State,
  oracle: Oracle,
  batch: readonly LayerTuner[],
  what: string,
): Promise<TuneTable["layers"]> {
  const typeOf = storedAs(state.integer);
  await eachSample(o, state.float, oracle, `${what}: samples`, (floats) => {
    const stored = once((name) => {
      const [x, type] = [floats(name), typeOf(name)];
      return x && type && roundToGrid(type, x);
    });
    for (const t of batch) {
      const [x, rounded] = [floats(t.input), stored(t.input)];
      if (x && rounded) t.take(x, rounded);
    }
  });
  const layers: Record<string, TunedEntry> = {};
  for (const [at, t] of batch.entries()) {
    o.onProgress?.(`${what}: ${t.node}`, at / batch.length);
    const found = t.tune();
    if (found && found.after < found.before) layers[t.node] = found;
  }
  return layers;
}

/**
 * Tunes a model for the precision and methods of the options on its calibration data and gives the table that `compile` takes as
 * `calibTable`. Fails as `compile` does, and with PA1003 for an input without data.
 */
export async function tune(bytes: Uint8Array, options: TuneOptions): Promise<TuneTable> {
  const { resume } = options;
  let state = await stateOf(bytes, options, resume);
  failOn(calibrationProblems(state.float, new Map(Object.entries(options.calibration ?? {})), options.modelName));
  const oracle = await createOracle(bytes, {
    tensors: blameTensors(state.float),
    ...(options.modelName === undefined ? {} : { model: options.modelName }),
    externalData: options.externalData,
  });
  const precision = options.precision ?? "int8";
  try {
    let table: TuneTable = resume ?? {
      ...(await tuneRanges(options, state, oracle)),
      tuned: { precision, done: [] },
      layers: {},
    };
    if (!resume) await options.onCheckpoint?.(table);
    state = await stateOf(bytes, options, { ...table, layers: {} });
    const left = planTuners(state, options).filter((t) => !table.tuned.done.includes(t.node));
    const parts = batches(left);
    for (const [at, batch] of parts.entries()) {
      const found = await tuneBatch(options, state, oracle, batch, `layers ${at + 1} of ${parts.length}`);
      const done = [...table.tuned.done, ...batch.map((t) => t.node)];
      table = { ...table, tuned: { precision, done }, layers: { ...table.layers, ...found } };
      await options.onCheckpoint?.(table);
    }
    return table;
  } finally {
    await oracle.release();
  }
}
