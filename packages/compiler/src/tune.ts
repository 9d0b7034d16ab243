/**
 * Fine-tuning without labels: every layer of the quantized model against its own float results on the calibration data. First the
 * ranges of the stored activations, then, in rounds, the weights' scales, codes and biases; each round sees the activations that the
 * model of the round before stores.
 */
import { type Data, evaluate, failOn, type Graph, isMinifloat, type TensorType, type ValueId } from "@accelc/ir";
import { createOracle, type Oracle } from "@accelc/oracle";
import {
  blameTensors,
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
import { quantizeInput, realValues } from "./host-values.js";
import type { CompileOptions } from "./options.js";
import { planTuners } from "./tune-layers.js";
import type { TunedEntry, TuneTable } from "./tune-table.js";

export interface TuneOptions extends Omit<CompileOptions, "stopAfter" | "calibTable"> {
  /** Rounds over the samples; default 2. */
  readonly rounds?: number;
  /** Input vectors taken of a sample at each layer; default 64. */
  readonly vectors?: number;
  /** A table that an earlier run wrote, to go on from: its rounds are not done again. */
  readonly resume?: TuneTable;
  /** Called after the ranges and after every round with the table so far. */
  readonly onCheckpoint?: (table: TuneTable) => void | Promise<void>;
  /** What is being done, and the share of it that is done. */
  readonly onProgress?: (what: string, share: number) => void;
}

const ROUNDS = 2;

/** One state of the model: what the tables so far make of it. */
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

/** Runs the float model and the integer model on every sample. */
async function eachSample(
  o: TuneOptions,
  { float, integer }: State,
  oracle: Oracle,
  what: string,
  take: (
    floats: (name: string) => Float64Array | undefined,
    stored: (name: string) => Float64Array | undefined,
  ) => void,
): Promise<void> {
  const feeds = new Map(Object.entries(o.calibration ?? {}));
  const ids = new Map<string, ValueId>();
  for (const v of integer.values.values())
    if (v.source !== undefined && !v.data && v.type.quant) ids.set(v.source, v.id);
  const wanted = blameTensors(float).flatMap((name) => ids.get(name) ?? []);
  const samples = [...samplesOf(float, feeds)];
  for (const [at, sample] of samples.entries()) {
    o.onProgress?.(what, at / samples.length);
    const floats = await oracle.run(sample);
    const inputs = new Map<ValueId, Data>(
      integer.inputs.map((p) => [p.value, quantizeInput(integer, p, sample[p.name]!)]),
    );
    const known = evaluate(integer, inputs, { keep: wanted });
    take(
      (name) => realOf((floats.get(name) ?? sample[name])?.data),
      (name) => {
        const id = ids.get(name);
        const data = id === undefined ? undefined : known.get(id);
        return data && realValues(integer.values.get(id!)!.type, data);
      },
    );
  }
}

const realOf = (data: Data | undefined): Float64Array | undefined =>
  data instanceof Float32Array || data instanceof Float64Array ? Float64Array.from(data) : undefined;

/** Codes that a stored tensor has; undefined for what has no grid of 2 to 8 bits. */
function codesOf(t: TensorType | undefined): { readonly bits: number; readonly symmetric: boolean } | undefined {
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
  await eachSample(o, state, oracle, "ranges", (floats) => {
    for (const [name, collector] of collectors) {
      const x = floats(name);
      if (x) collector.add(x);
    }
    for (const t of tuners) t.witness(floats(t.input), samples);
  });
  const ranges: Record<string, CalibEntry> = { ...state.calibration.ranges };
  for (const [name, collector] of collectors) {
    const [codes, statistics] = [codesOf(typeOf(name)), collector.statistics()];
    if (codes && statistics && ranges[name]) ranges[name] = cheapestRange(statistics, codes, readers.get(name)!);
  }
  return { ...state.calibration, ranges };
}

/** Tunes the weights of every layer once; layers that gain nothing stay what they are. */
async function tuneWeights(
  o: TuneOptions,
  state: State,
  oracle: Oracle,
  round: number,
  old: TuneTable["layers"],
): Promise<TuneTable["layers"]> {
  const tuners = planTuners(state, o);
  await eachSample(o, state, oracle, `round ${round}: samples`, (floats, stored) => {
    for (const t of tuners) t.take(floats(t.input), stored(t.input));
  });
  const layers: Record<string, TunedEntry> = { ...old };
  for (const [at, t] of tuners.entries()) {
    o.onProgress?.(`round ${round}: ${t.node}`, at / tuners.length);
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
  const { resume, rounds = ROUNDS } = options;
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
      tuned: { rounds: 0, precision },
      layers: {},
    };
    if (!resume) await options.onCheckpoint?.(table);
    for (let round = table.tuned.rounds + 1; round <= rounds; round++) {
      state = await stateOf(bytes, options, table);
      const layers = await tuneWeights(options, state, oracle, round, table.layers);
      table = { ...table, tuned: { rounds: round, precision }, layers };
      await options.onCheckpoint?.(table);
    }
    return table;
  } finally {
    await oracle.release();
  }
}
