import type { ExternalData } from "@accelc/frontend";
import { type Diagnostic, diag, failOn } from "@accelc/ir";
import { derive, ENERGY_EVENTS, loadMachine, type MachineDescription, machinePreset } from "@accelc/machine";
import {
  type Edges,
  PRECISIONS as FORMATS,
  type FormatOptions,
  formatBits,
  type LayerFormat,
  methodAt,
  OBJECTIVES,
  type Precision,
  type RangeMethod,
  type SampleTensor,
  type SearchOptions,
  type SumRules,
  WEIGHT_METHODS,
  type WeightMethod,
} from "@accelc/passes";
import { ACT_METHODS, DEFAULT_PERCENTILE, MINMAX, methodOf } from "./range-method.js";
import type { OnStage, Stage } from "./stages.js";

export interface CompileOptions {
  /** File name of the model in diagnostics and reports. */
  readonly modelName?: string;
  /** A preset's name, or a machine description (checked). Default tandem-32x32. */
  readonly target?: string | MachineDescription;
  /** `int8`, the default, `int16`, `int4`, `int2`, `fp16`, `hfp8`, or `mixed`: a format per layer, chosen by measurement. */
  readonly precision?: string;
  /** With `mixed`: by how much the outputs may be worse than in int8, in percent; see MixedReport. Default 1. */
  readonly maxDrop?: number;
  /** Layers that a precision below 8 bits treats with more care; all of them where it is not given. */
  readonly edges?: Edges;
  /** Formats of single layers by ONNX node name. */
  readonly layers?: ReadonlyMap<string, LayerFormat>;
  /** Products per chunk of a sum in DLFloat. Default 64. */
  readonly chunk?: number;
  /** How activation ranges follow from calibration: `minmax`, `percentile`, `mse`, `octav` or `pact`. Default `minmax`, below 8 bits `pact`. */
  readonly actQuant?: string;
  /** With `percentile`: the share of values that a range keeps, in percent. Default 99.99. */
  readonly percentile?: number;
  /** How weight ranges follow from the weights: `max`, `mse`, `octav` or `sawb`. Default `max`, with `int2` `octav`, below 8 bits `sawb` for a model trained by PACT. */
  readonly weightQuant?: string;
  /** One scale of the weights per output `channel`, the default, or per `tensor`. SAWB has one per tensor. */
  readonly weightScale?: string;
  /** Input channels that share a 4-bit scale of their weights beside the output channel's (VS-Quant). Absent: none do. */
  readonly weightVector?: number;
  /** Divide channels between layers so that their weights have like ranges? */
  readonly equalize?: boolean;
  /** Add to biases what quantized weights take from a layer's outputs on average? By default below 8 bits, unless SAWB is asked for. */
  readonly biasCorrection?: boolean;
  /** Samples per model input: the model's own shape, or k times it along axis 0. */
  readonly calibration?: Readonly<Record<string, SampleTensor>>;
  /** A parsed table of ranges instead of calibration data, and its name in diagnostics. */
  readonly calibTable?: { readonly file: string; readonly table: unknown };
  /** Shapes of inputs with dynamic dimensions; a dynamic first dimension that none binds is 1. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  readonly externalData?: ExternalData;
  readonly seed?: number;
  /** What the mapping search minimizes: `latency`, the default, `energy` or `edp`, their product. */
  readonly optimize?: string;
  /** Mappings per block that are measured at most. Default 8. */
  readonly searchBudget?: number;
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
  readonly formats: FormatOptions;
  /** Where formats of layers are chosen, what they are compared with: int8. */
  readonly precision: Precision;
  /** Present where formats of layers are chosen: the bound on what that may cost. */
  readonly maxDrop?: number;
  readonly sums: SumRules;
  /** Undefined where none is asked for: what a table says, or `fallback`. */
  readonly method: RangeMethod | undefined;
  readonly fallback: RangeMethod;
  /** Are clips that training learned the ranges of what they bound? */
  readonly learnedClips: boolean;
  readonly weights: WeightMethod;
  readonly search: Omit<SearchOptions, "measure">;
  readonly biasCorrection: boolean;
}

const PRECISIONS = [...Object.keys(FORMATS), "mixed"];
const MAX_DROP = 1;
const CHUNK = 64;
/** What the word that sets operand formats can say. */
const LONGEST_CHUNK = 2 ** 31;

const listed = (names: readonly string[]): string =>
  names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join();

/** What the array must multiply for a precision; 16-bit integers are two digits of 8 bits each. */
const NEEDS: { readonly [P in Precision]: readonly ("int8" | "int4" | "int2" | "fp16" | "hfp8")[] } = {
  int8: ["int8"],
  int16: ["int8"],
  int4: ["int8", "int4"],
  int2: ["int8", "int2"],
  fp16: ["fp16"],
  hfp8: ["hfp8", "fp16"],
};

/** PA2002 where the machine's array has no rate for a format that the precision needs. */
function checkMachine(m: MachineDescription, precision: Precision): void {
  const missing = NEEDS[precision].filter((f) => m.array.formats[f] === 0);
  if (missing.length === 0) return;
  const reason = `the array of ${m.name} has no ${missing.join(" and no ")}`;
  failOn([diag("PA2002", {}, { option: "--precision", value: precision, reason }, "use --precision int8")]);
}

/** PA2002 where energy is asked for and the machine has no energy of some event. */
function checkEnergy(m: MachineDescription, optimize: string): void {
  const missing = ENERGY_EVENTS.filter((e) => m.energy[e] === undefined);
  if (optimize === "latency" || missing.length === 0) return;
  const reason = `${m.name} has no energy.${missing.join(", energy.")}`;
  failOn([diag("PA2002", {}, { option: "--optimize", value: optimize, reason }, "use --optimize latency")]);
}

/** What is done where the options do not say: measured on networks trained without quantization (docs/quantization.md). */
interface Defaults {
  readonly range: RangeMethod;
  readonly weights: WeightMethod;
  readonly biasCorrection: boolean;
}
const PLAIN: Defaults = { range: MINMAX, weights: "max", biasCorrection: false };
const DEFAULTS: { readonly [P in Precision | "mixed"]: Defaults } = {
  int8: PLAIN,
  int16: PLAIN,
  int4: { range: { kind: "pact" }, weights: "max", biasCorrection: true },
  int2: { range: { kind: "pact" }, weights: "octav", biasCorrection: true },
  fp16: PLAIN,
  hfp8: PLAIN,
  mixed: { range: { kind: "mse" }, weights: "mse", biasCorrection: false },
};

/** SAWB is the maximum in a precision whose weights have 8 bits or more; PA3001 says so. */
function weightMethod(name: string | undefined, otherwise: WeightMethod, precision: Precision): WeightMethod {
  const method = WEIGHT_METHODS.find((m) => m === name) ?? otherwise;
  return methodAt(method, formatBits(FORMATS[precision].weights));
}

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
  choose("--weight-scale", o.weightScale ?? "channel", ["channel", "tensor"]);
  choose("--weight-quant", o.weightQuant ?? "max", WEIGHT_METHODS);
  choose("--optimize", o.optimize ?? "latency", OBJECTIVES);
  const chunk = o.chunk ?? CHUNK;
  if (!Number.isInteger(Math.log2(chunk)) || chunk < 1 || chunk > LONGEST_CHUNK) {
    const reason = `a chunk is a power of two from 1 to ${LONGEST_CHUNK}`;
    problems.push(diag("PA2002", {}, { option: "--chunk", value: String(chunk), reason }, `use --chunk ${CHUNK}`));
  }
  const mixed = o.precision === "mixed";
  if (mixed && o.calibTable !== undefined) {
    const reason = "formats are chosen by running samples, and --calib-table has none";
    problems.push(diag("PA2002", {}, { option: "--precision", value: "mixed", reason }, "give samples with --calib"));
  }
  if (o.maxDrop !== undefined && !(o.maxDrop >= 0)) {
    const reason = "a drop is a number of percent, 0 or more";
    problems.push(diag("PA2002", {}, { option: "--max-drop", value: String(o.maxDrop), reason }, "use --max-drop 1"));
  }
  failOn(problems);
  const target = o.target ?? "tandem-32x32";
  const machine = typeof target === "string" ? machinePreset(target) : loadMachine(target);
  const precision = (mixed ? "int8" : (o.precision ?? "int8")) as Precision;
  checkMachine(machine, precision);
  checkEnergy(machine, o.optimize ?? "latency");
  const { fp16, hfp8 } = derive(machine).reductionPerPass;
  const defaults = DEFAULTS[mixed ? "mixed" : precision];
  const weights = weightMethod(o.weightQuant, defaults.weights, precision);
  return {
    machine,
    precision,
    formats: {
      precision,
      ...(o.edges ? { edges: o.edges } : {}),
      ...(o.layers ? { layers: o.layers } : {}),
    },
    ...(mixed ? { maxDrop: o.maxDrop ?? MAX_DROP } : {}),
    sums: { pass: { fp16, hfp8 }, lanes: machine.tandem.lanes, chunk },
    method:
      o.actQuant === "percentile"
        ? { kind: "percentile", p: o.percentile ?? DEFAULT_PERCENTILE }
        : methodOf(o.actQuant),
    fallback: defaults.range,
    learnedClips: (o.actQuant ?? defaults.range.kind) === "pact",
    weights,
    biasCorrection: o.biasCorrection ?? (defaults.biasCorrection && weights !== "sawb"),
    search: {
      objective: OBJECTIVES.find((x) => x === o.optimize) ?? "latency",
      ...(o.searchBudget === undefined ? {} : { budget: Math.max(1, o.searchBudget) }),
      ...(o.seed === undefined ? {} : { seed: o.seed }),
    },
  };
}
