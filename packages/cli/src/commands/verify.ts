import { compile } from "@accelc/compiler";
import type { Engine } from "@accelc/emulator";
import type { OperandBlame } from "@accelc/passes";
import { type CompileFlags, readCompileInputs } from "../compile-inputs.js";
import { EXIT } from "../exit.js";
import type { Io } from "../io.js";
import { progressOn } from "../progress.js";
import { type NamedFile, readTensorFiles } from "../tensor/file.js";
import { plural, table } from "../text.js";
import type { VerifyReport } from "../verify/verify.js";

export interface VerifyFlags extends CompileFlags {
  readonly input?: readonly NamedFile[];
  readonly samples?: number;
  readonly engine: Engine;
  readonly threads?: number;
  readonly json?: boolean;
}

export async function verifyCommand(io: Io, file: string, flags: VerifyFlags): Promise<number> {
  const { model, options } = await readCompileInputs(io, file, flags);
  const data = flags.input
    ? await readTensorFiles(io, flags.input)
    : new Map(Object.entries(options.calibration ?? {}));
  const progress = progressOn(io, flags.quiet === true);
  try {
    const compiled = await compile(model, { ...options, onStage: (stage, share) => progress.step(stage, share) });
    const { verify } = await import("../verify/verify.js");
    const report = await verify({
      bytes: model,
      compiled,
      machine: options.target,
      externalData: options.externalData,
      data,
      engine: flags.engine,
      threads: flags.threads ?? 1,
      limit: flags.samples ?? Number.POSITIVE_INFINITY,
      onSample: (done) => progress.step(`verified ${plural(done, "sample")}`),
    });
    progress.clear();
    io.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : show(report, flags.quiet === true));
    if (report.mismatches > 0) io.stderr.write(`accelc: ${divergence(report)}\n`);
    return report.mismatches > 0 ? EXIT.defect : EXIT.done;
  } finally {
    progress.clear();
  }
}

function show(r: VerifyReport, quiet: boolean): string {
  const rows = r.tensors.map((t) => [
    t.name,
    t.node,
    t.sqnrFloatVsInteger === null ? "-" : t.sqnrFloatVsInteger.toFixed(1),
    t.mismatchesIntegerVsEmulator === null ? "fused" : String(t.mismatchesIntegerVsEmulator),
  ]);
  const head = ["tensor", "node", "float vs integer, dB", "integer vs emulator, mismatches"];
  const last = `${plural(r.samples, "sample")}, ${plural(r.tensors.length - r.fused.length, "tensor")} compared, ${r.fused.length} fused: ${plural(r.mismatches, "mismatch", "mismatches")}\n`;
  return quiet ? last : `${table([head, ...rows])}${worstLayers(r.layers)}${last}`;
}

const SHOWN = 5;

/** The layers that quantization costs most, and what would help. */
function worstLayers(layers: VerifyReport["layers"]): string {
  const worst = layers.filter((l) => l.activations || l.weights).slice(0, SHOWN);
  if (worst.length === 0) return "";
  const operand = (o: OperandBlame | null): string => {
    if (!o) return "-";
    const clipped = o.clipped >= 0.0005 ? `, ${(100 * o.clipped).toFixed(1)} % clipped` : "";
    return `${o.sqnr.toFixed(1)} (${o.format}${clipped})`;
  };
  const rows = worst.map((l) => [
    l.node,
    l.own.toFixed(1),
    operand(l.activations),
    operand(l.weights),
    l.remedy ? `${l.remedy.option}: ${l.remedy.sqnr.toFixed(1)}` : "",
  ]);
  const head = ["noisiest layers", "own noise, dB", "activations", "weights", "would help"];
  return `\n${table([head, ...rows])}\n`;
}

function divergence(r: VerifyReport): string {
  const d = r.firstDivergence!;
  return `a defect of the compiler: tensor ${d.name} of node ${JSON.stringify(d.node)}, block ${d.block}, differs first at [${d.index.join(",")}] of sample ${d.sample}: integer model ${d.integer}, emulator ${d.emulator}\n  Please report it with the model and the command line.`;
}
