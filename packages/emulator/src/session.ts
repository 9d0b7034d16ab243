import type { TensorPlace } from "@accelc/isa";
import {
  type Batch,
  batchResult,
  claim,
  createBatch,
  type Failure,
  failureOf,
  type RunResult,
  type Work,
} from "./batch.js";
import { emulatorError } from "./errors.js";
import type { Team } from "./fast/team.js";
import { fromRaw, type HostTensor, toRaw } from "./host-tensors.js";
import { type HostInputs, inputError } from "./inputs.js";
import { elementCount, MOST_ELEMENTS, placeProblem, type RawTensor, readRaw, writeRaw } from "./layout.js";
import { createProfiler, type Profiler } from "./profile.js";
import type { LoadedProgram } from "./program.js";
import { createSamples, type Engine } from "./samples.js";
import { createMachine, type DramExtent, type Machine } from "./state.js";
import { copyStats } from "./stats.js";

export type ReadTensor = (place: TensorPlace) => RawTensor;

/** What can be posted to another thread of how samples are run. */
export interface WorkOptions {
  /** Budget of one sample, see `Stats.steps`. Default 2^30. */
  readonly maxSteps?: number;
  /** Default "fast"; both have the same results and traps. */
  readonly engine?: Engine;
  /** Measure seconds by block and by kind of work. */
  readonly profile?: boolean;
}

export interface RunOptions extends WorkOptions {
  /** Called after every block of every sample; `block` counts from 0 as in the debug table. */
  readonly onBlockEnd?: (block: number, readTensor: ReadTensor, sample: number) => void;
  /** Called after every sample this session ran. */
  readonly onSampleEnd?: (sample: number) => void;
}

/** A machine with a program in it. Scratchpads and .bss are cleared before every sample. */
export interface Session {
  /**
   * Runs k samples, k being how many times the inputs' leading dimension holds the model's; outputs are stacked. The first
   * sample that fails ends the run with its error.
   */
  readonly run: (inputs: HostInputs, options?: RunOptions) => RunResult;
  /** Runs samples of a batch until none is left that nobody has claimed. */
  readonly work: (batch: Batch, options?: RunOptions) => Work;
  /** Stored integers of a tensor in DRAM as they are now, in logical row-major order. */
  readonly readTensor: ReadTensor;
  /** .bss as it is now; a view, not a copy. */
  readonly arena: Uint8Array;
}

export const DEFAULT_STEPS = 2 ** 30;
const DEFAULT_DRAM_LIMIT = 2 ** 31;

export interface SessionOptions {
  /** .rodata and .bss together. Default 2^31. */
  readonly maxDramBytes?: number;
  /** Helpers for the multiplications and nests of this session, and of no other at the same time; made for the memory of the program's image. */
  readonly team?: Team;
}

/** Throws EmulatorError EM1006. */
function dramExtent({ object }: LoadedProgram, limit: number): DramExtent {
  const { rodata, rodataAddress, bssAddress, bssSize } = object;
  const bytes = rodata.length + bssSize;
  const end = Math.max(rodataAddress + rodata.length, bssAddress + bssSize);
  if (bytes > limit || end > 2 ** 32) throw emulatorError("memory", { bytes, limit });
  return { constants: { address: rodataAddress, bytes: rodata }, arena: { address: bssAddress, size: bssSize } };
}

/** Throws EmulatorError EM1006, EM1008, EM1009. */
export function createSession(program: LoadedProgram, options: SessionOptions = {}): Session {
  const { io } = program.object;
  const extent = dramExtent(program, options.maxDramBytes ?? DEFAULT_DRAM_LIMIT);
  const machine = createMachine(program.machine, extent, program.locate, program.memory, options.team);
  const { dram } = machine;
  const checkPlace = (place: TensorPlace, writes: boolean) => {
    const reason = placeProblem(dram, place, writes);
    if (reason !== undefined) throw emulatorError("place", { name: place.name, reason });
  };
  for (const place of io.inputs) checkPlace(place, true);
  for (const place of io.outputs) checkPlace(place, false);
  checkElements([...io.inputs, ...io.outputs]);
  const readTensor: ReadTensor = (place) => {
    checkPlace(place, false);
    return readRaw(dram, place);
  };
  const arena = dram.bytes.subarray(dram.arena.at, dram.arena.at + extent.arena.size);
  const runner = createSamples(machine);
  let fresh = true;
  const runSample = (batch: Batch, sample: number, options: RunOptions, profiler?: Profiler): void => {
    const raws = io.inputs.map((place) => rawSample(place, batch.inputs[place.name], sample));
    if (raws.some((r) => typeof r === "string")) throw inputError(allProblems(program, batch));
    machine.maxSteps = options.maxSteps ?? DEFAULT_STEPS;
    const prepare = () => {
      if (!fresh) arena.fill(0);
      fresh = false;
      io.inputs.forEach((place, i) => {
        writeRaw(dram, place, raws[i] as RawTensor);
      });
    };
    const blockEnd = (block: number) => options.onBlockEnd?.(block, readTensor, sample);
    runner.run(program.structure, options.engine ?? "fast", prepare, blockEnd, profiler);
    for (const place of io.outputs) {
      fromRaw(place, readRaw(dram, place), batch.outputs[place.name].data, sample * elementCount(place.shape));
    }
    options.onSampleEnd?.(sample);
  };
  const work = (batch: Batch, options: RunOptions = {}): Work => {
    const profiler = options.profile === true ? createProfiler(program.structure.blocks.length) : undefined;
    let failure: Failure | undefined;
    let stats: Machine["stats"] | undefined;
    let ran = 0;
    for (let sample = claim(batch); sample !== undefined; sample = claim(batch)) {
      try {
        runSample(batch, sample, options, profiler);
        if (sample === batch.samples - 1) stats = copyStats(machine.stats);
      } catch (e) {
        const found = failureOf(batch, sample, e);
        if (failure === undefined || found.sample < failure.sample) failure = found;
      }
      ran++;
    }
    return { ran, failure, stats, profile: profiler?.finish() };
  };
  const run = (inputs: HostInputs, options: RunOptions = {}): RunResult => {
    const batch = createBatch(io, inputs);
    return batchResult(batch, [work(batch, options)]);
  };
  return { run, work, readTensor, arena };
}

/** A table of many tensors may not ask for more of the host than one tensor. */
function checkElements(places: readonly TensorPlace[]): void {
  let sum = 0;
  for (const { name, shape } of places) {
    sum += elementCount(shape);
    if (sum > MOST_ELEMENTS) throw emulatorError("place", { name, reason: `inputs and outputs have ${sum} elements` });
  }
}

/** Stored integers of one sample, or a message; a tensor of one sample is the same for all. */
function rawSample(place: TensorPlace, { data }: HostTensor, sample: number): RawTensor | string {
  const n = elementCount(place.shape);
  const many = data.length > n;
  const raw = toRaw(place, data, many ? sample * n : 0);
  return typeof raw === "string" ? `${place.name}: ${raw}${many ? ` (sample ${sample})` : ""}` : raw;
}

/** The messages of all samples of all inputs. */
function allProblems({ object }: LoadedProgram, { inputs }: Batch): readonly string[] {
  return object.io.inputs.flatMap((place) => {
    const { data } = inputs[place.name];
    const samples = Math.max(1, data.length / elementCount(place.shape));
    const found = Array.from({ length: samples }, (_, sample) => rawSample(place, inputs[place.name], sample));
    return found.filter((r) => typeof r === "string");
  });
}
