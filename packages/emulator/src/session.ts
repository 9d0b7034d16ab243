import type { TensorPlace } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { ELEMENT_TYPES } from "./element-types.js";
import { emulatorError } from "./errors.js";
import { fromRaw, type HostTensor, toRaw } from "./host-tensors.js";
import { checkInputs, type HostInputs, inputError } from "./inputs.js";
import { elementCount, placeProblem, type RawTensor, readRaw, writeRaw } from "./layout.js";
import type { LoadedProgram } from "./program.js";
import { createSamples, type Engine } from "./samples.js";
import { createMachine, type DramExtent, type Machine } from "./state.js";
import type { Stats } from "./stats.js";

export type ReadTensor = (place: TensorPlace) => RawTensor;

export interface RunOptions {
  /** Called after every block of every sample; `block` counts from 0 as in the debug table. */
  readonly onBlockEnd?: (block: number, readTensor: ReadTensor, sample: number) => void;
  /** Budget of one sample: words executed, vectors issued, rows streamed through the array, rows transferred. Default 10^10. */
  readonly maxSteps?: number;
  /** Default "fast"; both have the same results and traps. */
  readonly engine?: Engine;
}

export interface RunResult {
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly samples: number;
  /** Of the last sample; the counts do not depend on activations, except useful MACs where activations are weights. */
  readonly stats: Stats;
}

/** A machine with a program in it. Scratchpads and .bss are cleared before every sample. */
export interface Session {
  /** Runs k samples, k being how many times the inputs' leading dimension holds the model's; outputs are stacked. */
  readonly run: (inputs: HostInputs, options?: RunOptions) => RunResult;
  /** Stored integers of a tensor in DRAM as they are now, in logical row-major order. */
  readonly readTensor: ReadTensor;
  /** DRAM as it is now; a view, not a copy. */
  readonly dram: Uint8Array;
}

const DEFAULT_STEPS = 1e10;
export const DEFAULT_DRAM_LIMIT = 2 ** 31;

/** From the lowest to the highest address of .rodata and .bss. Throws EmulatorError EM1006. */
function dramExtent(program: LoadedProgram, limit: number): DramExtent {
  const { rodata, rodataAddress, bssAddress, bssSize } = program.object;
  const parts = [
    [rodataAddress, rodata.length],
    [bssAddress, bssSize],
  ].filter(([, size]) => size > 0);
  const base = parts.length === 0 ? 0 : Math.min(...parts.map(([at]) => at));
  const end = Math.max(base, ...parts.map(([at, size]) => at + size));
  if (end - base > limit || end > 2 ** 32) throw emulatorError("memory", { bytes: end - base, limit });
  return { base, size: end - base, readOnly: [rodataAddress, rodataAddress + rodata.length] };
}

export function createSession(program: LoadedProgram, maxDramBytes = DEFAULT_DRAM_LIMIT): Session {
  const { io } = program.object;
  const extent = dramExtent(program, maxDramBytes);
  const machine = createMachine(program.machine as MachineDescription, extent, program.locate);
  const { dram } = machine;
  const { rodata, rodataAddress } = program.object;
  if (rodata.length > 0) dram.bytes.set(rodata, rodataAddress - dram.base);
  for (const place of [...io.inputs, ...io.outputs]) {
    const reason = placeProblem(dram, place);
    if (reason !== undefined) throw emulatorError("place", { name: place.name, reason });
  }
  const readTensor: ReadTensor = (place) => {
    const reason = placeProblem(dram, place);
    if (reason !== undefined) throw emulatorError("place", { name: place.name, reason });
    return readRaw(dram, place);
  };
  const runner = createSamples(machine);
  const run = (inputs: HostInputs, options: RunOptions = {}): RunResult => {
    const samples = checkInputs(io.inputs, inputs);
    const raws = io.inputs.map((place) => rawSamples(place, inputs[place.name]));
    const problems = raws.flatMap((r) => r.filter((x) => typeof x === "string"));
    if (problems.length > 0) throw inputError(problems);
    const outputs = io.outputs.map((place) => emptyOutput(place, samples));
    const engine = options.engine ?? "fast";
    for (let sample = 0; sample < samples; sample++) {
      machine.maxSteps = options.maxSteps ?? DEFAULT_STEPS;
      const prepare = () => {
        clearBss(program, machine);
        io.inputs.forEach((place, i) => {
          const raw = raws[i][raws[i].length === 1 ? 0 : sample];
          if (typeof raw !== "string") writeRaw(dram, place, raw);
        });
      };
      const blockEnd = (block: number) => options.onBlockEnd?.(block, readTensor, sample);
      runner.run(program.structure, engine, prepare, blockEnd);
      io.outputs.forEach((place, i) => {
        fromRaw(place, readRaw(dram, place), outputs[i].data, sample * elementCount(place.shape));
      });
    }
    const named = Object.fromEntries(io.outputs.map((place, i) => [place.name, outputs[i]]));
    return { outputs: named, samples, stats: machine.stats };
  };
  return { run, readTensor, dram: dram.bytes };
}

function clearBss(program: LoadedProgram, machine: Machine): void {
  const { bssAddress, bssSize } = program.object;
  const from = bssAddress - machine.dram.base;
  if (bssSize > 0) machine.dram.bytes.fill(0, from, from + bssSize);
}

/** One entry per sample the tensor holds: stored integers, or a message. */
function rawSamples(place: TensorPlace, tensor: HostTensor): readonly (RawTensor | string)[] {
  const n = elementCount(place.shape);
  const samples = n === 0 ? 1 : tensor.data.length / n;
  return Array.from({ length: samples }, (_, sample) => {
    const raw = toRaw(place, tensor.data, sample * n);
    return typeof raw === "string" ? `${place.name}: ${raw}${samples > 1 ? ` (sample ${sample})` : ""}` : raw;
  });
}

function emptyOutput(place: TensorPlace, samples: number): HostTensor {
  const { elementType, shape } = place;
  const type = ELEMENT_TYPES[elementType];
  const stacked = samples === 1 ? shape : shape.length === 0 ? [samples] : [shape[0] * samples, ...shape.slice(1)];
  return { type: elementType, shape: stacked, data: type.make(samples * elementCount(shape)) };
}
