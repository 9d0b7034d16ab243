import { type Engine, type Program, type ReadTensor, type RunResult, type Stats, simulate } from "@accelc/emulator";
import type { DebugTensor } from "@accelc/isa";
import { loadBinary, sessionLimits } from "../binary.js";
import { blame, EXIT } from "../exit.js";
import { checkWritable, makeFolder, type NewFile, writeFiles } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { machineNamed } from "../machine-file.js";
import { type Progress, progressOn } from "../progress.js";
import { type NamedFile, readTensorFiles } from "../tensor/file.js";
import { fromHost, toHostInputs } from "../tensor/host.js";
import type { FileTensor } from "../tensor/npy.js";
import { tensorFiles } from "../tensor/output.js";
import { describeTensor, plural, table } from "../text.js";
import { runBatch } from "../threads/run-batch.js";

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

interface Executed {
  readonly result: RunResult;
  readonly seconds: number;
  /** Stored integers of the last sample. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
}

export async function runCommand(io: Io, file: string, flags: RunFlags): Promise<number> {
  if (flags.outputDir !== undefined) makeFolder(pathIn(io, flags.outputDir), flags.outputDir);
  if (flags.dumpTensors !== undefined) makeFolder(pathIn(io, flags.dumpTensors), flags.dumpTensors);
  if (flags.statsJson !== undefined) checkWritable(pathIn(io, flags.statsJson), flags.statsJson);
  const machine = flags.target === undefined ? undefined : await machineNamed(io, flags.target);
  const program = loadBinary(pathIn(io, file), file, machine);
  const inputs = await readTensorFiles(io, flags.input ?? []);
  const progress = progressOn(io, flags.quiet === true);
  const done = await execute(program, inputs, flags, progress);
  progress.clear();
  writeFiles(resultFiles(io, flags, program, done));
  if (!flags.quiet) io.stdout.write(summary(flags, done));
  return EXIT.done;
}

async function execute(
  program: Program,
  inputs: ReadonlyMap<string, FileTensor>,
  { dumpTensors, engine, threads, maxCycles, statsJson }: RunFlags,
  progress: Progress,
): Promise<Executed> {
  const tensors = new Map<string, FileTensor>();
  const keep = (block: number, readTensor: ReadTensor) => {
    for (const t of program.object.debug.tensors) if (t.block === block) tensors.set(t.name, stored(t, readTensor(t)));
  };
  const start = performance.now();
  try {
    const result = await runBatch(program, toHostInputs(inputs), {
      engine,
      session: sessionLimits(),
      profile: statsJson !== undefined,
      ...(threads === undefined ? {} : { threads }),
      ...(maxCycles === undefined ? {} : { maxSteps: maxCycles }),
      ...(dumpTensors === undefined ? {} : { onLastBlock: keep }),
      onBlockEnd: (block, _, sample) =>
        progress.step(`sample ${sample + 1}, block`, (block + 1) / program.blocks.length),
    });
    return { result, seconds: (performance.now() - start) / 1000, tensors };
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

function resultFiles(io: Io, flags: RunFlags, program: Program, { result, seconds, tensors }: Executed): NewFile[] {
  const files: NewFile[] = [];
  const add = (folder: string, list: Iterable<readonly [string, FileTensor]>) =>
    files.push(...tensorFiles(pathIn(io, folder), folder, list));
  const outputs = Object.entries(result.outputs).map(([name, t]) => [name, fromHost(t)] as const);
  if (flags.outputDir !== undefined) add(flags.outputDir, outputs);
  if (flags.dumpTensors !== undefined) add(flags.dumpTensors, tensors);
  if (flags.statsJson !== undefined)
    files.push({
      path: pathIn(io, flags.statsJson),
      shown: flags.statsJson,
      content: `${JSON.stringify(statsOf(flags, program, result, seconds), null, 2)}\n`,
    });
  return files;
}

const total = (m: ReadonlyMap<string, number>): number => [...m.values()].reduce((a, b) => a + b, 0);

/** Counts are those of one sample. */
function statsOf(flags: RunFlags, program: Program, { samples, stats, profile }: RunResult, seconds: number) {
  const { cycles, energy } = simulate(program);
  const { rows, columns } = program.machine.array;
  return {
    version: 1,
    samples,
    seconds,
    secondsPerSample: seconds / samples,
    engine: flags.engine,
    cyclesPerSample: cycles,
    /** Of active MACs: the binary does not say what the model asked for. */
    macUtilization: stats.activeMacs / (cycles * rows * columns),
    energyPerSample: energy.total,
    ...countsOf(stats),
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

function summary(flags: RunFlags, { result, seconds }: Executed): string {
  const rows = Object.entries(result.outputs).map(([name, t]) => [name, describeTensor(fromHost(t))]);
  const where = flags.outputDir === undefined ? "" : `, written to ${flags.outputDir}`;
  return `${plural(result.samples, "sample")} in ${seconds.toFixed(2)} s${where}\n${table(rows)}`;
}
