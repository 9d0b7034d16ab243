import { basename } from "node:path";
import { type TuneTable, tune } from "@accelc/compiler";
import { fail } from "@accelc/ir";
import { type CompileFlags, readCompileInputs, readJson } from "../compile-inputs.js";
import { EXIT, UsageError } from "../exit.js";
import { checkDistinct, checkWritable, fileExists, writeBytes } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { progressOn } from "../progress.js";
import { plural, table } from "../text.js";

export interface TuneFlags extends CompileFlags {
  readonly output?: string;
  readonly vectors: number;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** The table of an earlier run for the same options; undefined where there is none to go on from. */
function resumed(io: Io, shown: string, flags: TuneFlags): TuneTable | undefined {
  if (!flags.resume || !fileExists(pathIn(io, shown))) return undefined;
  const hint = "leave --resume out to begin again";
  const bad = (reason: string): never => fail("CL1004", {}, { option: "--resume", value: shown, reason }, hint);
  const made = readJson(io, "--resume", shown, hint) as Partial<TuneTable> | null;
  if (!Array.isArray(made?.tuned?.done) || typeof made.layers !== "object")
    return bad("it is not a table of accelc tune");
  if (made.tuned.precision !== flags.precision)
    return bad(`it was tuned for ${made.tuned.precision}, not for ${flags.precision}`);
  return made as TuneTable;
}

/** Tunes a model on calibration data and writes a table for `--calib-table`; as it goes, so that a stopped run can go on. */
export async function tuneCommand(io: Io, file: string, flags: TuneFlags): Promise<number> {
  if (flags.calibTable !== undefined) throw new UsageError("tune measures and tunes on --calib; give no --calib-table");
  const shown = flags.output ?? basename(file).replace(/(\.onnx)?$/, ".tuned.json");
  const path = pathIn(io, shown);
  checkWritable(path, shown);
  checkDistinct(
    path,
    [file, ...(flags.calib ?? []).map(([, f]) => f)].map((f) => pathIn(io, f)),
    shown,
  );
  const { model, options } = await readCompileInputs(io, file, flags);
  const resume = resumed(io, shown, flags);
  const progress = progressOn(io, flags.quiet === true);
  try {
    const made = await tune(model, {
      ...options,
      vectors: flags.vectors,
      ...(resume ? { resume } : {}),
      onProgress: (what, share) => progress.step(what, share),
      onCheckpoint: (t) => writeBytes(path, `${JSON.stringify(t, null, 2)}\n`, shown),
    });
    progress.clear();
    if (flags.json) io.stdout.write(`${JSON.stringify(summary(made, shown), null, 2)}\n`);
    else if (!flags.quiet) io.stdout.write(show(made, shown));
    return EXIT.done;
  } finally {
    progress.clear();
  }
}

const decibels = (error: number): number => Number((-10 * Math.log10(Math.max(error, 1e-30))).toFixed(2));

const summary = (t: TuneTable, output: string) => ({
  version: 1,
  output,
  precision: t.tuned.precision,
  tried: t.tuned.done.length,
  layers: Object.entries(t.layers).map(([node, l]) => ({
    node,
    sqnrBefore: decibels(l.before),
    sqnrAfter: decibels(l.after),
  })),
});

function show(t: TuneTable, output: string): string {
  const { layers } = summary(t, output);
  const rows = layers.map((l) => [l.node, l.sqnrBefore.toFixed(1), l.sqnrAfter.toFixed(1)]);
  const head = ["layer", "its results, dB before", "after"];
  return `${table([head, ...rows])}${layers.length} of ${plural(t.tuned.done.length, "layer")} tuned for ${t.tuned.precision}; compile with --calib-table ${output}\n`;
}
