import { join } from "node:path";
import { type CompileReport, compileStages, PASS_NAMES, STAGES, type Stage, type StageResults } from "@accelc/compiler";
import { formatDiagnostic } from "@accelc/ir";
import { type Explained, explain } from "@accelc/passes";
import { type CompileFlags, type CompileInputs, readCompileInputs } from "../compile-inputs.js";
import { EXIT, UsageError } from "../exit.js";
import { checkDistinct, checkWritable, makeFolder, type NewFile, writeBytes, writeFiles } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { mixedText } from "../mixed-text.js";
import { type Progress, progressOn } from "../progress.js";
import { grouped, plural, table } from "../text.js";
import { elfNameOf } from "./asm.js";

export interface CompileCommandFlags extends CompileFlags {
  readonly output?: string;
  readonly writeCalibTable?: string;
  readonly reportJson?: string;
  readonly dumpIr?: string;
  readonly dumpAfter?: string;
  readonly stopAfter?: string;
  readonly explain?: Explained;
  readonly timing?: boolean;
}

function checkUsage(flags: CompileCommandFlags): void {
  const { dumpAfter, stopAfter } = flags;
  if (dumpAfter !== undefined && flags.dumpIr === undefined) throw new UsageError("--dump-after needs --dump-ir");
  if (dumpAfter !== undefined && !PASS_NAMES.includes(dumpAfter))
    throw new UsageError(`--dump-after ${dumpAfter}: passes are ${PASS_NAMES.join(", ")}`);
  if (stopAfter !== undefined && !STAGES.some((s) => s === stopAfter))
    throw new UsageError(`--stop-after ${stopAfter}: stages are ${STAGES.join(", ")}`);
}

/** Every place that will be written to, asked before the work is done. */
function checkPlaces(io: Io, model: string, elf: string, flags: CompileCommandFlags): void {
  const inputs = [model, ...(flags.calib ?? []).map(([, file]) => file)].map((f) => pathIn(io, f));
  const places = [flags.stopAfter === undefined ? elf : undefined, flags.reportJson, flags.writeCalibTable];
  const seen = new Set<string>();
  for (const shown of places) {
    if (shown === undefined) continue;
    const path = pathIn(io, shown);
    if (seen.has(path)) throw new UsageError(`${shown} is named for two results`);
    seen.add(path);
    checkWritable(path, shown);
    checkDistinct(path, inputs, shown);
  }
  if (flags.dumpIr !== undefined) makeFolder(pathIn(io, flags.dumpIr), flags.dumpIr);
}

/** Writes `03-fold-batch-norm.txt` and so on as the passes end, so that a failing pass leaves its input to look at. */
function dumper(
  io: Io,
  { dumpIr, dumpAfter }: CompileCommandFlags,
): ((pass: string, text: string) => void) | undefined {
  if (dumpIr === undefined) return undefined;
  let index = 0;
  return (pass, text) => {
    const name = `${String(index++).padStart(2, "0")}-${pass}.txt`;
    if (dumpAfter === undefined || dumpAfter === pass)
      writeBytes(join(pathIn(io, dumpIr), name), text, join(dumpIr, name));
  };
}

export async function compileCommand(io: Io, file: string, flags: CompileCommandFlags): Promise<number> {
  checkUsage(flags);
  const elf = flags.output ?? elfNameOf(file);
  checkPlaces(io, file, elf, flags);
  const progress = progressOn(io, flags.quiet === true);
  const { result, options } = await withProgress(progress, () => compileFile(io, file, flags, progress));
  const { report } = result;
  writeFiles(resultFiles(io, elf, flags, result));
  for (const d of result.diagnostics)
    io.stderr.write(`${flags.diagnostics === "json" ? JSON.stringify(d) : formatDiagnostic(d)}\n`);
  if (!flags.quiet && report.mixed) io.stdout.write(mixedText(report.mixed));
  if (!flags.quiet) io.stdout.write(result.elf ? summary(result.report, elf) : `stopped after ${flags.stopAfter}\n`);
  if (flags.explain && result.plan && result.integerGraph)
    io.stdout.write(explain(result.plan, flags.explain, result.integerGraph, options.target));
  if (flags.timing) io.stdout.write(timing(result.report));
  return EXIT.done;
}

/** No variable that waits for the result holds the file. */
function compileFile(
  io: Io,
  file: string,
  flags: CompileCommandFlags,
  progress: Progress,
): Promise<{ readonly result: StageResults; readonly options: CompileInputs["options"] }> {
  const onDump = dumper(io, flags);
  return readCompileInputs(io, file, flags).then(({ model, options }) =>
    compileStages(model, {
      ...options,
      onStage: (stage, fraction) => progress.step(stage, fraction),
      ...(onDump ? { onDump } : {}),
      ...(flags.stopAfter === undefined ? {} : { stopAfter: flags.stopAfter as Stage }),
    }).then((result) => ({ result, options })),
  );
}

async function withProgress<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    progress.clear();
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function resultFiles(io: Io, elf: string, flags: CompileCommandFlags, result: StageResults): NewFile[] {
  const files: NewFile[] = [];
  const add = (shown: string | undefined, content: string | Uint8Array | undefined) => {
    if (shown !== undefined && content !== undefined) files.push({ path: pathIn(io, shown), shown, content });
  };
  add(elf, result.elf);
  add(flags.reportJson, json(result.report));
  add(flags.writeCalibTable, result.calibration && json(result.calibration));
  return files;
}

function summary(r: CompileReport, elf: string): string {
  const { nodes, bytes } = r;
  return `${r.model}: ${plural(nodes.total, "node")} (${nodes.systolic} on the array, ${nodes.tandem} on Tandem, ${nodes.folded} folded) in ${plural(r.blocks.length, "block")}, ${grouped(r.instructions)} instructions, ${grouped(bytes.weights)} bytes of weights, ${grouped(bytes.activations)} bytes of activations; ${grouped(bytes.total)} bytes in ${elf}, for ${r.target}, in ${r.seconds.total.toFixed(2)} s.\n`;
}

const timing = (r: CompileReport): string =>
  table(Object.entries(r.seconds).map(([stage, s]) => [stage, `${s.toFixed(3)} s`]));
