import type { ExternalData } from "@accelc/frontend";
import { type Diagnostic, diag, failOn } from "@accelc/ir";
import { loadMachine, type MachineDescription, machinePreset } from "@accelc/machine";
import { type RangeMethod, type SampleTensor, WEIGHT_METHODS, type WeightMethod } from "@accelc/passes";
import { ACT_METHODS, DEFAULT_PERCENTILE, methodOf } from "./range-method.js";
import type { OnStage, Stage } from "./stages.js";

export interface CompileOptions {
  /** File name of the model in diagnostics and reports. */
  readonly modelName?: string;
  /** A preset's name, or a machine description (checked). Default tandem-32x32. */
  readonly target?: string | MachineDescription;
  /** `int8`, the default. */
  readonly precision?: string;
  /** How activation ranges follow from calibration: `minmax`, the default, `percentile`, `mse`, `octav` or `pact`. */
  readonly actQuant?: string;
  /** With `percentile`: the share of values that a range keeps, in percent. Default 99.99. */
  readonly percentile?: number;
  /** How weight ranges follow from the weights: `max`, the default, `mse`, `octav` or `sawb`. */
  readonly weightQuant?: string;
  /** Samples per model input: the model's own shape, or k times it along axis 0. */
  readonly calibration?: Readonly<Record<string, SampleTensor>>;
  /** A parsed table of ranges instead of calibration data, and its name in diagnostics. */
  readonly calibTable?: { readonly file: string; readonly table: unknown };
  /** Shapes of inputs with dynamic dimensions; a dynamic first dimension that none binds is 1. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  readonly externalData?: ExternalData;
  readonly seed?: number;
  /** Called when a stage begins and, with the fraction done, while it runs. */
  readonly onStage?: OnStage;
  /** Called with the printed graph after every pass. */
  readonly onDump?: (pass: string, text: string) => void;
  /** The last stage to run. */
  readonly stopAfter?: Stage;
}

/** The options that are choices, checked. */
export interface Choices {
  readonly machine: MachineDescription;
  readonly precision: "int8";
  /** Undefined where none is asked for: minmax, or what a table says. */
  readonly method: RangeMethod | undefined;
  readonly weights: WeightMethod;
}

const PRECISIONS = ["int8"];

const listed = (names: readonly string[]): string =>
  names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join();

/** PA2002 for every choice that is not available, all at once; MachineError for the machine. */
export function checkOptions(o: CompileOptions): Choices {
  const problems: Diagnostic[] = [];
  const choose = (option: string, value: string, available: readonly string[]) => {
    if (available.includes(value)) return;
    const reason = `this version has ${listed(available)}`;
    problems.push(diag("PA2002", {}, { option, value, reason }, `use ${option} ${available[0]}`));
  };
  choose("--precision", o.precision ?? "int8", PRECISIONS);
  choose("--act-quant", o.actQuant ?? "minmax", ACT_METHODS);
  choose("--weight-quant", o.weightQuant ?? "max", WEIGHT_METHODS);
  failOn(problems);
  const target = o.target ?? "tandem-32x32";
  return {
    machine: typeof target === "string" ? machinePreset(target) : loadMachine(target),
    precision: "int8",
    method:
      o.actQuant === "percentile"
        ? { kind: "percentile", p: o.percentile ?? DEFAULT_PERCENTILE }
        : methodOf(o.actQuant),
    weights: WEIGHT_METHODS.find((m) => m === o.weightQuant) ?? "max",
  };
}
