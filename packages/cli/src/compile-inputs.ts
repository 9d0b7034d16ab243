import type { CompileOptions } from "@accelc/compiler";
import { fail } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import type { Edges, LayerFormat } from "@accelc/passes";
import { UsageError } from "./exit.js";
import { readBytes, readText } from "./files.js";
import { type Io, pathIn } from "./io.js";
import { machineNamed } from "./machine-file.js";
import type { NamedShape } from "./options.js";
import { type NamedFile, readTensorFiles } from "./tensor/file.js";

/** The options of the command line that say how to compile. */
export interface CompileFlags {
  readonly target: string;
  readonly precision: string;
  readonly edges?: Edges;
  readonly layerFormat?: ReadonlyMap<string, LayerFormat>;
  readonly maxDrop?: number;
  readonly chunk?: number;
  readonly actQuant?: string;
  readonly percentile?: number;
  readonly weightQuant?: string;
  readonly weightScale?: string;
  readonly weightVector?: number;
  readonly equalize?: boolean;
  readonly biasCorrection?: boolean;
  readonly calib?: readonly NamedFile[];
  readonly calibTable?: string;
  readonly inputShape?: readonly NamedShape[];
  readonly optimize?: string;
  readonly searchBudget?: number;
  readonly seed: number;
  readonly quiet?: boolean;
  readonly diagnostics: "text" | "json";
}

export interface CompileInputs {
  readonly model: Uint8Array;
  readonly options: CompileOptions &
    Required<Pick<CompileOptions, "calibration" | "externalData">> & {
      readonly target: MachineDescription;
    };
}

/** The JSON document that an option names; CL1004 with the hint where it is none. */
export function readJson(io: Io, option: string, file: string, hint: string): unknown {
  const text = readText(pathIn(io, file), file);
  try {
    return JSON.parse(text);
  } catch {
    return fail("CL1004", {}, { option, value: file, reason: "it is not JSON" }, hint);
  }
}

/** Reads the model and everything the flags name. */
export async function readCompileInputs(io: Io, file: string, flags: CompileFlags): Promise<CompileInputs> {
  if (flags.percentile !== undefined && flags.actQuant !== "percentile")
    throw new UsageError("--percentile needs --act-quant percentile");
  if (flags.calib && flags.calibTable !== undefined)
    throw new UsageError("--calib and --calib-table exclude each other");
  const model = readBytes(pathIn(io, file), file);
  const { externalDataIn } = await import("./external-data.js");
  return {
    model,
    options: {
      modelName: file,
      target: await machineNamed(io, flags.target),
      precision: flags.precision,
      ...(flags.actQuant === undefined ? {} : { actQuant: flags.actQuant }),
      ...(flags.weightQuant === undefined ? {} : { weightQuant: flags.weightQuant }),
      ...(flags.edges === undefined ? {} : { edges: flags.edges }),
      ...(flags.layerFormat === undefined ? {} : { layers: flags.layerFormat }),
      ...(flags.weightScale === undefined ? {} : { weightScale: flags.weightScale }),
      ...(flags.weightVector === undefined ? {} : { weightVector: flags.weightVector }),
      equalize: flags.equalize === true,
      ...(flags.biasCorrection === undefined ? {} : { biasCorrection: flags.biasCorrection }),
      ...(flags.optimize === undefined ? {} : { optimize: flags.optimize }),
      ...(flags.searchBudget === undefined ? {} : { searchBudget: flags.searchBudget }),
      seed: flags.seed,
      externalData: externalDataIn(pathIn(io, file)),
      calibration: Object.fromEntries(await readTensorFiles(io, flags.calib ?? [])),
      inputShapes: Object.fromEntries(flags.inputShape ?? []),
      ...(flags.maxDrop === undefined ? {} : { maxDrop: flags.maxDrop }),
      ...(flags.chunk === undefined ? {} : { chunk: flags.chunk }),
      ...(flags.percentile === undefined ? {} : { percentile: flags.percentile }),
      ...(flags.calibTable === undefined
        ? {}
        : {
            calibTable: {
              file: flags.calibTable,
              table: readJson(io, "--calib-table", flags.calibTable, "write it again with --write-calib-table"),
            },
          }),
    },
  };
}
