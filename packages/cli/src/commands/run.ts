import {
  DEFAULT_EVENTS,
  type Engine,
  type Program,
  type ReadTensor,
  type SimulationReport,
  type Stats,
  simulate,
} from "@accelc/emulator";
import type { DebugTensor } from "@accelc/isa";
import { loadBinary, sessionLimits } from "../binary.js";
import { blame, EXIT } from "../exit.js";
import { checkWritable, type FileSet, makeFolder, openFiles } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { machineNamed } from "../machine-file.js";
import { type Progress, progressOn } from "../progress.js";
import { dumpPaths } from "../tensor/dump.js";
import { type NamedFile, readTensorFiles } from "../tensor/file.js";
import { fromHost, toHostInputs } from "../tensor/host.js";
import { encodeNpy, type FileTensor } from "../tensor/npy.js";
import { tensorFiles } from "../tensor/output.js";
import { describeTensor, plural, table } from "../text.js";
import { type BatchRun, runBatch } from "../threads/run-batch.js";

export interface RunFlags {
  readonly input?: readonly NamedFile[];
  readonly outputDir?: string;
  readonly statsJson?: string;
  readonly dumpTensors?: string;
  readonly engine: Engine;
  readonly threads?: number;
  readonly maxCycles?: number;
  readonly target?: string;
  readonly quiet?: boolean;
}

interface Executed extends BatchRun {
  readonly seconds: number;
}

export async function runCommand(io: Io, file: string, flags: RunFlags): Promise<number> {
  if (flags.outputDir !== undefined) makeFolder(pathIn(io, flags.outputDir), flags.outputDir);
  if (flags.dumpTensors !== undefined) makeFolder(pathIn(io, flags.dumpTensors), flags.dumpTensors);
  if (flags.statsJson !== undefined) checkWritable(pathIn(io, flags.statsJson), flags.statsJson);
  const machine = flags.target === undefined ? undefined : await machineNamed(io, flags.target);
  const program = loadBinary(pathIn(io, file), file, machine);
  const inputs = await readTensorFiles(io, flags.input ?? []);
  const progress = progressOn(io, flags.quiet === true);
  // What cannot be counted is found before samples are run.
  const simulation = flags.statsJson === undefined ? undefined : simulated(program, flags.maxCycles);
  const files = openFiles();
  try {
    const done = await execute(io, program, inputs, flags, progress, files);
    progress.clear();
    addResults(io, flags, program, simulation, done, files);
    files.commit();
    if (!flags.quiet) io.stdout.write(summary(flags, done));
    return EXIT.done;
  } finally {
    files.discard();
  }
}

/** A budget that is larger than the default is meant for this, too. */
const simulated = (program: Program, maxCycles = 0): SimulationReport =>
  simulate(program, undefined, { maxEvents: Math.max(DEFAULT_EVENTS, maxCycles) });

async function execute(
  io: Io,
  program: Program,
  inputs: ReadonlyMap<string, FileTensor>,
  { dumpTensors, engine, threads, maxCycles, statsJson }: RunFlags,
  progress: Progress,
  files: FileSet,
): Promise<Executed> {
  const { tensors } = program.object.debug;
  const paths = dumpTensors === undefined ? undefined : dumpPaths(pathIn(io, dumpTensors), dumpTensors, tensors);
  const keep = (block: number, readTensor: ReadTensor) => {
    for (const t of tensors)
      if (t.block === block) files.add({ ...paths!.get(t.name)!, content: encodeNpy(stored(t, readTensor(t))) });
  };
  const start = performance.now();
  try {
    const run = await runBatch(program, toHostInputs(inputs), {
      engine,
      session: sessionLimits(),
      profile: statsJson !== undefined,
      ...(threads === undefined ? {} : { threads }),
      ...(maxCycles === undefined ? {} : { maxSteps: maxCycles }),
      ...(paths === undefined ? {} : { onLastBlock: keep }),
      onBlockEnd: (block, _, sample) =>
        progress.step(`sample ${sample + 1}, block`, (block + 1) / program.blocks.length),
    });
    return { ...run, seconds: (performance.now() - start) / 1000 };
  } catch (e) {
    progress.clear();
    throw blame(e, "the emulator");
  }
}

const stored = (t: DebugTensor, data: Int32Array | BigInt64Array): FileTensor => ({
  type: data instanceof Int32Array ? "int32" : "int64",
  shape: t.shape,
  data,
});

function addResults(
  io: Io,
  flags: RunFlags,
  program: Program,
  simulation: SimulationReport | undefined,
  done: Executed,
  files: FileSet,
): void {
  const { outputDir, statsJson } = flags;
  const outputs = Object.entries(done.result.outputs).map(([name, t]) => [name, fromHost(t)] as const);
  if (outputDir !== undefined)
    for (const file of tensorFiles(pathIn(io, outputDir), outputDir, outputs)) files.add(file);
  if (statsJson === undefined || simulation === undefined) return;
  const content = `${JSON.stringify(statsOf(flags, program, simulation, done), null, 2)}\n`;
  files.add({ path: pathIn(io, statsJson), shown: statsJson, content });
}

const total = (m: ReadonlyMap<string, number>): number => [...m.values()].reduce((a, b) => a + b, 0);

/** Counts are those of one sample. */
function statsOf(
  flags: RunFlags,
  program: Program,
  simulation: SimulationReport,
  { result, threads, seconds }: Executed,
) {
  const { samples, stats, profile } = result;
  const { cycles, energy, macUtilization, modelMacs } = simulation;
  const { rows, columns } = program.machine.array;
  return {
    version: 1,
    samples,
    seconds,
    secondsPerSample: seconds / samples,
    engine: flags.engine,
    cyclesPerSample: cycles,
    /** Of the model's MACs; where a binary does not say, of active ones. */
    macUtilization: macUtilization ?? stats.activeMacs / (cycles * rows * columns),
    modelMacs,
    energyPerSample: energy.total,
    ...countsOf(stats),
    threads,
    coverage: flags.engine === "fast" ? coverageOf(program, stats) : null,
    profile: profile ?? null,
    traps: 0,
  };
}

const countsOf = (s: Stats) => ({
  blocks: s.blocks,
  tiles: s.tiles,
  configWords: s.configWords,
  vectorInstructions: total(s.issues),
  permutedWords: s.permutedWords,
  macs: s.macs,
  activeMacs: s.activeMacs,
  dramBytes: { read: total(s.dramRead), written: total(s.dramWritten) },
});

/** What of the program the fast engine did, and what it left to the reference engine and why. */
const coverageOf = ({ blocks }: Program, s: Stats) => {
  const regions = blocks.reduce((n, b) => n + (b.systolic ? 1 : 0) + (b.simd ? 1 : 0), 0);
  return {
    regions,
    fastRegions: regions - s.slowRegions.size,
    calls: Object.fromEntries(s.calls),
    fallbacks: Object.fromEntries(s.fallbacks),
  };
};

function summary(flags: RunFlags, { result, seconds, threads }: Executed): string {
  const rows = Object.entries(result.outputs).map(([name, t]) => [name, describeTensor(fromHost(t))]);
  const where = flags.outputDir === undefined ? "" : `, written to ${flags.outputDir}`;
  const alone =
    (flags.threads ?? 1) > 1 && !threads.available ? ", on one thread: this host has no memory to share" : "";
  return `${plural(result.samples, "sample")} in ${seconds.toFixed(2)} s${alone}${where}\n${table(rows)}`;
}
