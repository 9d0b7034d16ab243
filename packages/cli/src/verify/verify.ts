import { type CompileResult, quantizeInput } from "@accelc/compiler";
import { type Engine, load, type Program } from "@accelc/emulator";
import type { ExternalData } from "@accelc/frontend";
import { AccelcError, CompilerBug, type Data, evaluate, failOn, type ValueId } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { createOracle, type Oracle } from "@accelc/oracle";
import { blame, blameTensors, calibrationProblems, type LayerBlame, RangeCollector, samplesOf } from "@accelc/passes";
import { diagnosticsOf } from "../exit.js";
import { toHostInputs } from "../tensor/host.js";
import type { FileTensor } from "../tensor/npy.js";
import {
  addNoise,
  type Divergence,
  decibels,
  emulate,
  mismatches,
  newTally,
  type Tally,
  unravel,
  type Watched,
  watchedTensors,
} from "./compare.js";

export interface TensorReport {
  readonly name: string;
  readonly node: string;
  /** dB; null: not comparable. */
  readonly sqnrFloatVsInteger: number | null;
  /** Over all samples; null: the tensor lives only inside a block. */
  readonly mismatchesIntegerVsEmulator: number | null;
}

export interface VerifyReport {
  readonly version: 1;
  readonly model: string;
  readonly target: string;
  readonly precision: string;
  readonly samples: number;
  readonly mismatches: number;
  readonly firstDivergence: Divergence | null;
  readonly tensors: readonly TensorReport[];
  /** Names of tensors that live only inside a block. */
  readonly fused: readonly string[];
  /** Convolutions and matrix products by what quantization costs them, worst first. */
  readonly layers: readonly LayerBlame[];
}

export interface VerifyInputs {
  readonly bytes: Uint8Array;
  readonly compiled: CompileResult;
  readonly machine: MachineDescription;
  readonly externalData: ExternalData | undefined;
  readonly data: ReadonlyMap<string, FileTensor>;
  readonly limit: number;
  /** Default "fast". */
  readonly engine?: Engine;
  onSample(done: number): void;
}

type Sample = Readonly<Record<string, FileTensor>>;

/** Compares float model, integer graph and emulator on every sample. A trap of the fresh binary is a CompilerBug. */
export async function verify(v: VerifyInputs): Promise<VerifyReport> {
  const { integerGraph, object, elf, floatGraph, report: about } = v.compiled;
  failOn(calibrationProblems(floatGraph, v.data, about.model));
  const watched = watchedTensors(integerGraph, object);
  const operands = new Map(blameTensors(floatGraph).map((name) => [name, new RangeCollector()]));
  const names = [...new Set([...watched.filter((w) => w.node !== "").map((w) => w.name), ...operands.keys()])];
  const oracle = await createOracle(v.bytes, {
    tensors: names,
    model: about.model,
    externalData: v.externalData,
  });
  const program = asDefect(() => load(elf, v.machine));
  const tallies = new Map(watched.map((w) => [w.name, newTally()]));
  const session = program.session();
  let first: Divergence | null = null;
  let samples = 0;
  for (const sample of samplesOf(floatGraph, v.data)) {
    if (samples >= v.limit) break;
    const floats = await oracle.run(sample);
    for (const [name, collector] of operands) collect(collector, (floats.get(name) ?? sample[name])?.data);
    const found = oneSample(v, floats, session, watched, tallies, sample, samples);
    first ??= found;
    v.onSample(++samples);
  }
  await oracle.release();
  const statistics = [...operands].flatMap(([name, c]) => {
    const s = c.statistics();
    return s ? [[name, s] as const] : [];
  });
  const layers = blame(floatGraph, integerGraph, new Map(statistics));
  return { ...report(v, watched, tallies, samples, first), layers };
}

function collect(collector: RangeCollector, data: Data | undefined): void {
  if (data instanceof Float32Array || data instanceof Float64Array) collector.add(data);
}

function asDefect<T>(run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof AccelcError || diagnosticsOf(e)) throw new CompilerBug("the emulator", (e as Error).message);
    throw e;
  }
}

function oneSample(
  v: VerifyInputs,
  floats: Awaited<ReturnType<Oracle["run"]>>,
  session: ReturnType<Program["session"]>,
  watched: readonly Watched[],
  tallies: ReadonlyMap<string, Tally>,
  sample: Sample,
  index: number,
): Divergence | null {
  const g = v.compiled.integerGraph;
  const inputs = new Map<ValueId, Data>(g.inputs.map((p) => [p.value, quantizeInput(g, p, sample[p.name]!)]));
  const integers = evaluate(g, inputs, { keep: watched.map((w) => w.value) });
  const raws = asDefect(() => emulate(session, toHostInputs(new Map(Object.entries(sample))), watched, v.engine));
  let first: Divergence | null = null;
  for (const w of watched) {
    const integer = integers.get(w.value)!;
    const tally = tallies.get(w.name)!;
    addNoise(tally, w.type, w.node === "" ? sample[w.name]?.data : floats.get(w.name)?.data, integer);
    const raw = raws.get(w.name);
    if (!raw || !w.place) continue;
    const found = mismatches(integer, raw);
    tally.mismatches += found.count;
    if (found.count > 0 && (!first || w.place.block < first.block))
      first = {
        name: w.name,
        node: w.node,
        block: w.place.block,
        sample: index,
        index: unravel(found.first, w.type.shape),
        integer: Number(integer[found.first]),
        emulator: Number(raw[found.first]),
      };
  }
  return first;
}

function report(
  v: VerifyInputs,
  watched: readonly Watched[],
  tallies: ReadonlyMap<string, Tally>,
  samples: number,
  firstDivergence: Divergence | null,
): Omit<VerifyReport, "layers"> {
  const { model, target, precision } = v.compiled.report;
  const tensors = watched.map((w) => {
    const tally = tallies.get(w.name)!;
    return {
      name: w.name,
      node: w.node,
      sqnrFloatVsInteger: decibels(tally),
      mismatchesIntegerVsEmulator: w.place ? tally.mismatches : null,
    };
  });
  return {
    version: 1,
    model,
    target,
    precision,
    samples,
    mismatches: tensors.reduce((n, t) => n + (t.mismatchesIntegerVsEmulator ?? 0), 0),
    firstDivergence,
    tensors,
    fused: watched.filter((w) => !w.place).map((w) => w.name),
  };
}
