import { decodeModel, importProto, type ModelProto } from "@accelc/frontend";
import { CompilerBug, type Diagnostic, type Graph, printBlocks, printGraph } from "@accelc/ir";
import { type AccelObject, writeElf } from "@accelc/isa";
import {
  applyTuning,
  equalize,
  FLOAT_PASSES,
  type FormatOptions,
  type Formats,
  foldBatchNorm,
  formatBits,
  hasTrainedClips,
  INTEGER_PASSES,
  lowerBound,
  type Pass,
  type PassContext,
  type Plan,
  PRECISIONS,
  planFormats,
  type QuantizeOptions,
  quantize,
  runPasses,
  type ScaledTensor,
} from "@accelc/passes";
import { type CalibTable, toCalibTable } from "./calib-table.js";
import { rangesFor } from "./calibrate.js";
import { layerReports } from "./layer-report.js";
import { type Lowered, lower } from "./lower.js";
import { countMacs } from "./macs.js";
import { chooseFormats, type MixedReport } from "./mixed/index.js";
import { referenceSamples } from "./mixed/samples.js";
import { correctionNotes, pactNotes, sawbChoices, trainedNote } from "./notes.js";
import { type CompileOptions, checkOptions } from "./options.js";
import { blockReports, type CompileReport, countNodes, cycleReport } from "./report.js";
import { type Clock, STAGES, type Stage, startClock } from "./stages.js";
import { layersOf } from "./tune-table.js";

/** Everything a compilation makes. */
export interface CompileResult {
  readonly elf: Uint8Array;
  readonly object: AccelObject;
  /** After canonicalization: what the ranges were measured for. */
  readonly floatGraph: Graph;
  /** The specification of what the program computes. */
  readonly integerGraph: Graph;
  /** Blocks, their costs, and what was decided on the way. */
  readonly plan: Plan;
  readonly calibration: CalibTable;
  readonly report: CompileReport;
  /** Notes that did not stop the compilation. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What the stages up to `stopAfter` made. */
export type StageResults = Pick<CompileResult, "floatGraph" | "report" | "diagnostics"> &
  Partial<Pick<CompileResult, "elf" | "object" | "integerGraph" | "calibration" | "plan">>;

/** Names under which `onDump` reports graphs, in order; `equalize` only where that is asked for. */
export const PASS_NAMES: readonly string[] = [
  ...new Set([
    "import",
    ...FLOAT_PASSES.map((p) => p.name),
    "equalize",
    "quantize",
    ...INTEGER_PASSES.map((p) => p.name),
    "blocks",
  ]),
];

/**
 * Compiles an ONNX model to an ELF file. Needs calibration data, or a table of ranges, for every input. The same bytes and
 * options give the same bytes. Throws AccelcError (or another error with a code and a hint) where the input is at fault,
 * CompilerBug naming the stage or pass where the compiler is.
 */
export function compile(bytes: Uint8Array, options: CompileOptions = {}): Promise<CompileResult> {
  return compileStages(bytes, options).then(({ elf, object, integerGraph, calibration, plan, ...rest }) => {
    if (!elf || !object || !integerGraph || !calibration || !plan)
      throw new CompilerBug("link", "compile() stops after no stage; compileStages() does");
    return { elf, object, integerGraph, calibration, plan, ...rest };
  });
}

/** As `compile`, but ends after `options.stopAfter`. Holds `bytes` no longer than it takes to read them. */
export async function compileStages(bytes: Uint8Array, options: CompileOptions = {}): Promise<StageResults> {
  // Without a pause in this function nothing keeps its parameters.
  const choices = checkOptions(options);
  const clock = startClock(options.onStage);
  return runStages(new Run(bytes, options, choices, clock), clock, options.stopAfter);
}

async function runStages(run: Run, clock: Clock, stopAfter: Stage | undefined): Promise<StageResults> {
  const stages: { readonly [S in Stage]: () => Promise<void> | void } = {
    import: () => run.import(),
    canonicalize: () => run.canonicalize(),
    calibrate: () => run.calibrate(),
    quantize: () => run.quantize(),
    lower: () => run.lower(),
    link: () => run.link(),
  };
  for (const stage of STAGES) {
    await clock.time(stage, stages[stage]);
    if (stage === stopAfter) break;
  }
  return run.results();
}

/** SHA-256 of a file; undefined in a browser's page without a secure context. */
async function hashOf(bytes: Uint8Array): Promise<string | undefined> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return undefined;
  const digest = await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Bytes of a model from which on its weights are what memory is spent on. */
const LARGE = 2 ** 26;

/** The state of one compilation: each stage reads what the stages before it made. */
class Run {
  private readonly model: string;
  private readonly context: PassContext;
  private nodes = 0;
  private large = false;
  /** Until ranges and formats are chosen: the model for ONNX Runtime. */
  private proto?: ModelProto | undefined;
  private float!: Graph;
  private integer?: Graph;
  private scaled: ReadonlyMap<string, ScaledTensor> = new Map();
  private hash?: string | undefined;
  private ranges?: Awaited<ReturnType<typeof rangesFor>>;
  private notes: readonly Diagnostic[] = [];
  private planned?: Formats;
  private mixed?: MixedReport;
  private bound?: number;
  private lowered?: Lowered;
  private elf?: Uint8Array;

  constructor(
    private bytes: Uint8Array | undefined,
    private readonly options: CompileOptions,
    private choices: ReturnType<typeof checkOptions>,
    private readonly clock: Clock,
  ) {
    this.model = options.modelName ?? "model.onnx";
    this.context = { machine: choices.machine };
  }

  private dump(pass: string, graph: Graph): void {
    this.options.onDump?.(pass, printGraph(graph));
  }

  private passes(graph: Graph, passes: readonly Pass[]): Graph {
    return runPasses(graph, passes, this.context, { onPass: (name, g) => this.dump(name, g) });
  }

  /** Engines finish collecting between tasks: what was let go of goes now, not beside what comes next. */
  private async settle(): Promise<void> {
    if (this.large) for (let i = 0; i < 4; i++) await new Promise((done) => setTimeout(done, 10));
  }

  /** Decodes the file and lets go of it. */
  private async read(): Promise<ModelProto> {
    this.hash = await hashOf(this.bytes!);
    const proto = decodeModel(this.bytes!, this.model);
    this.large = this.bytes!.length > LARGE;
    this.bytes = undefined;
    await this.settle();
    return proto;
  }

  async import(): Promise<void> {
    const proto = await this.read();
    this.proto = proto;
    this.nodes = proto.graph?.node?.length ?? 0;
    const { inputShapes, externalData } = this.options;
    this.float = await importProto(proto, {
      modelName: this.model,
      batch: 1,
      ...(inputShapes ? { inputShapes } : {}),
      ...(externalData ? { externalData } : {}),
    });
    this.dump("import", this.float);
    if (
      this.bits() < 8 &&
      this.options.weightQuant === undefined &&
      this.choices.learnedClips &&
      hasTrainedClips(this.float)
    ) {
      const biasCorrection = this.options.biasCorrection ?? false;
      this.choices = { ...this.choices, weights: "sawb", biasCorrection };
    }
  }

  canonicalize(): void {
    // SAWB is of the weights as they were trained, so a batch norm's scale stays out of them.
    const raw = this.choices.weights === "sawb";
    this.float = this.passes(this.float, raw ? FLOAT_PASSES.filter((p) => p !== foldBatchNorm) : FLOAT_PASSES);
    if (!this.options.equalize) return;
    const pass: Pass = {
      name: "equalize",
      doc: "divides channels between layers so that their weights have like ranges",
      level: "float",
      run: (g) => {
        const { graph, tensors } = equalize(g);
        this.scaled = tensors;
        return graph;
      },
    };
    this.float = this.passes(this.float, [pass]);
  }

  async calibrate(): Promise<void> {
    const { proto, model, hash, scaled } = this;
    this.ranges = await rangesFor(this.float, { proto: proto!, model, hash, scaled }, this.options, this.choices);
    if (this.choices.maxDrop === undefined) this.proto = undefined;
    await this.settle();
  }

  /** The float graph with the layers of a tuned table. */
  private tuned(): Graph {
    const { calibTable } = this.options;
    const layers = calibTable ? layersOf(calibTable.table, calibTable.file, this.float) : undefined;
    return layers && layers.size > 0 ? applyTuning(this.float, layers) : this.float;
  }

  /** The formats that were asked for, and those that are to be chosen. */
  private async formats(): Promise<FormatOptions> {
    const { machine, maxDrop, formats } = this.choices;
    if (maxDrop === undefined) return formats;
    const { options, proto, model } = this;
    const seed = options.seed ?? 0;
    const feeds = new Map(Object.entries(options.calibration ?? {}));
    const { externalData } = options;
    const samples = await referenceSamples(proto!, this.float, feeds, seed, { model, externalData });
    const having = (layers: FormatOptions["layers"]): FormatOptions => ({
      ...formats,
      layers: new Map([...(layers ?? []), ...(formats.layers ?? [])]),
    });
    const chosen = chooseFormats(this.float, samples, {
      machine,
      maxDrop,
      seed,
      quantize: (layers) => runPasses(this.float, [this.quantization(having(layers)), ...INTEGER_PASSES], this.context),
      onProgress: (fraction) => options.onStage?.("quantize", fraction),
    });
    this.mixed = chosen.report;
    return having(chosen.formats);
  }

  private quantization(formats: FormatOptions, sawbPairs?: QuantizeOptions["sawbPairs"]): Pass {
    const { weights, sums, learnedClips } = this.choices;
    const { weightVector } = this.options;
    const weightPerTensor = this.options.weightScale === "tensor";
    const { biasCorrection } = this.choices;
    const more = {
      weights,
      sums,
      learnedClips,
      biasCorrection,
      weightVector,
      weightPerTensor,
      ...(sawbPairs ? { sawbPairs } : {}),
    };
    return {
      name: "quantize",
      doc: "chooses grids and turns the float graph into the integer graph",
      level: "quantize",
      run: (g) => quantize(g, this.ranges!, { ...formats, ...more }),
    };
  }

  async quantize(): Promise<void> {
    const wanted = await this.formats();
    this.proto = undefined;
    this.planned = planFormats(this.float, wanted);
    const formats = this.planned;
    // No default is SAWB but that for trained clips; asked for, it is not what 8 bits get.
    const trained = this.options.weightQuant === undefined && this.choices.weights === "sawb";
    const sawb = sawbChoices(this.float, formats, trained || this.options.weightQuant === "sawb", this.model);
    this.notes = [
      ...(trained ? [trainedNote(this.model)] : []),
      ...sawb.notes,
      ...pactNotes(this.float, this.ranges!, this.model),
      ...(this.choices.biasCorrection ? correctionNotes(this.float, this.ranges!, this.model) : []),
    ];
    this.integer = this.passes(this.tuned(), [this.quantization(wanted, sawb.pairs), ...INTEGER_PASSES]);
  }

  /** Of activations, where no policy treats a layer otherwise. */
  private bits(): number {
    return formatBits(PRECISIONS[this.choices.precision].activations);
  }

  lower(): void {
    const { machine } = this.choices;
    this.lowered = lower(this.integer!, machine, this.choices.search);
    const { plan } = this.lowered;
    this.options.onDump?.("blocks", printBlocks(plan.program));
    this.bound = lowerBound(this.integer!, plan.program, machine).cycles;
  }

  link(): void {
    this.elf = writeElf(this.lowered!.object);
  }

  results(): StageResults {
    return {
      floatGraph: this.float,
      diagnostics: this.notes,
      report: this.report(),
      ...(this.elf ? { elf: this.elf } : {}),
      ...(this.lowered ? { object: this.lowered.object, plan: this.lowered.plan } : {}),
      ...(this.integer ? { integerGraph: this.integer } : {}),
      ...(this.ranges ? { calibration: toCalibTable(this.ranges, this.bits(), this.hash) } : {}),
    };
  }

  private report(): CompileReport {
    const { lowered, integer } = this;
    const object = lowered?.object;
    const { learnedClips } = this.choices;
    const blocks = lowered ? blockReports(lowered) : [];
    return {
      version: 1,
      model: this.model,
      target: this.choices.machine.name,
      precision: this.options.precision ?? this.choices.precision,
      seconds: this.clock.seconds,
      nodes: countNodes(this.nodes, integer, blocks),
      instructions: object?.text.length ?? 0,
      bytes: {
        text: object?.text.byteLength ?? 0,
        weights: object?.rodata.length ?? 0,
        activations: object?.bssSize ?? 0,
        activationsLowerBound: lowered?.plan.arenaLowerBound ?? 0,
        total: this.elf?.length ?? 0,
      },
      macs: countMacs(this.float),
      cycles: cycleReport(lowered, this.bound),
      blocks,
      layers: integer ? layerReports(this.float, integer, this.planned!, learnedClips) : [],
      ...(this.mixed ? { mixed: this.mixed } : {}),
      diagnostics: this.notes,
    };
  }
}
