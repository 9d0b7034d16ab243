import type { CompileResult } from "@accelc/compiler";
import type { Engine } from "@accelc/emulator";
import type { ExternalData } from "@accelc/frontend";
import { type Data, failOn } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { createOracle } from "@accelc/oracle";
import { blame, blameTensors, calibrationProblems, type LayerBlame, RangeCollector, samplesOf } from "@accelc/passes";
import type { FileTensor } from "../tensor/npy.js";
import { addNoise, type Divergence, decibels, newTally, type Tally, type Watched, watchedTensors } from "./compare.js";
import { exactSamples, type Sample } from "./exact.js";

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
  /** That run integer model and emulator; default 1. The report does not depend on it. */
  readonly threads?: number;
  onSample(done: number): void;
}

/** Compares float model, integer graph and emulator on every sample. A trap of the fresh binary is a CompilerBug. */
export async function verify(v: VerifyInputs): Promise<VerifyReport> {
  const { integerGraph, object, elf, floatGraph, report: about } = v.compiled;
  const { machine, engine = "fast", threads = 1 } = v;
  failOn(calibrationProblems(floatGraph, v.data, about.model));
  const watched = watchedTensors(integerGraph, object);
  const operands = new Map(blameTensors(floatGraph).map((name) => [name, new RangeCollector()]));
  const names = [...new Set([...watched.filter((w) => w.node !== "").map((w) => w.name), ...operands.keys()])];
  const oracle = await createOracle(v.bytes, {
    tensors: names,
    model: about.model,
    externalData: v.externalData,
  });
  const tallies = watched.map(newTally);
  let first: Divergence | null = null;
  let samples = 0;
  const job = { integerGraph, object, elf, machine, engine };
  for await (const [sample, exact] of exactSamples(job, firstSamples(v), threads)) {
    const floats = await oracle.run(sample);
    for (const [name, collector] of operands) collect(collector, (floats.get(name) ?? sample[name])?.data);
    watched.forEach((w, i) => {
      const float = (w.node === "" ? sample[w.name] : floats.get(w.name))?.data;
      addNoise(tallies[i]!, w.type, float, exact.integers[i]!);
      tallies[i]!.mismatches += exact.mismatches[i]!;
    });
    first ??= exact.first && { ...exact.first, sample: samples };
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

/** The first samples of the data, as many as are asked for. */
function* firstSamples(v: VerifyInputs): Generator<Sample> {
  let n = 0;
  for (const sample of samplesOf(v.compiled.floatGraph, v.data)) {
    if (n++ >= v.limit) return;
    yield sample;
  }
}

function report(
  v: VerifyInputs,
  watched: readonly Watched[],
  tallies: readonly Tally[],
  samples: number,
  firstDivergence: Divergence | null,
): Omit<VerifyReport, "layers"> {
  const { model, target, precision } = v.compiled.report;
  const tensors = watched.map((w, i) => {
    const tally = tallies[i]!;
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
