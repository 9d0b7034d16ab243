import type { Graph } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { type LayerFormat, layerGroups } from "@accelc/passes";
import { countMacs } from "../macs.js";
import { type Option, rankSteps, takeSteps } from "./choose.js";
import { estimate, hasClasses, type Measured, measure, type Reference } from "./measure.js";

export type { Reference } from "./measure.js";

type Narrow = "int8" | "int4" | "int2";
type Formats = ReadonlyMap<string, LayerFormat>;

/** What was chosen for one layer, and what each format would cost there alone. */
export interface MixedLayer {
  /** ONNX node. */
  readonly node: string;
  readonly format: Narrow;
  /**
   * Per candidate that saves cycles: decibels of the outputs and cycles saved, where this layer and those that read the same value
   * are in it and the others in int8.
   */
  readonly candidates: Readonly<Partial<Record<Narrow, { readonly sqnr: number; readonly saves: number }>>>;
}

/** How formats were chosen; part of `--report-json`. */
export interface MixedReport {
  readonly maxDrop: number;
  /** What the drop is of: percent of predictions, or of the outputs' energy. */
  readonly metric: "predictions" | "energy";
  readonly seed: number;
  /** Samples for the sensitivity of a layer, and for the whole. */
  readonly samples: { readonly each: number; readonly whole: number };
  /** Against all layers in int8. */
  readonly drop: number;
  readonly cycles: { readonly int8: number; readonly chosen: number };
  readonly layers: readonly MixedLayer[];
}

export interface MixedOptions {
  readonly machine: MachineDescription;
  readonly maxDrop: number;
  readonly seed: number;
  /** The integer graph, ready for blocks, with these formats by ONNX node. */
  readonly quantize: (formats: Formats) => Graph;
  /** Called with the fraction done. */
  readonly onProgress: (fraction: number) => void;
}

/** Most samples that the sensitivity of one layer is measured on. */
const EACH = 32;
/** Steps tried one by one where the longest run of them ends. */
const MORE = 6;
/** About as often is the whole network measured. */
const WHOLES = 16;
/** Multiply-accumulates that each of the two parts of the search may take, about. */
const WORK = 1e12;
/** Fewest samples, whatever they cost. */
const LEAST = 4;

/** How many samples, of `most`, `runs` measurements of a network can afford. */
const affordable = (g: Graph, runs: number, most: number): number =>
  Math.min(most, Math.max(LEAST, Math.floor(WORK / (countMacs(g) * Math.max(1, runs) + 1))));

const decibels = (noise: number): number => Math.round(-100 * Math.log10(Math.max(noise, 1e-20))) / 10;

const formatsOf = (groups: readonly (readonly string[])[], chosen: readonly Narrow[]): Formats =>
  new Map(
    groups.flatMap((names, i) =>
      names.map((name) => [name, { activations: chosen[i]!, weights: chosen[i]! }] as const),
    ),
  );

/** Percent by which `m` is worse than `base`: of predictions, or of the outputs' energy. */
const dropOf = (m: Measured, base: Measured, samples: number): number =>
  m.wrong === undefined ? 100 * (m.noise - base.noise) : (100 * (m.wrong - base.wrong!)) / samples;

/**
 * Formats per layer for the fewest estimated cycles: the sensitivity of every layer is measured in each candidate alone; steps to
 * narrower formats are ranked by cycles saved per noise added; the longest run of them is taken under which the whole network's
 * outputs stay within the bound. Deterministic for the same samples, options and seed.
 */
export function chooseFormats(
  float: Graph,
  samples: readonly Reference[],
  o: MixedOptions,
): { readonly formats: Formats; readonly report: MixedReport } {
  const groups = layerGroups(float);
  const rates = o.machine.array.formats;
  const narrow = (["int4", "int2"] as const).filter((f) => rates[f] > rates.int8);
  const classes = hasClasses(float);
  const candidates = groups.length * narrow.length;
  const few = samples.slice(0, affordable(float, candidates, EACH));
  const many = samples.slice(0, Math.max(few.length, affordable(float, WHOLES, samples.length)));
  let done = 0;
  const progress = () => o.onProgress(Math.min(1, ++done / (2 + candidates + WHOLES)));
  const graphOf = (chosen: readonly Narrow[]) => o.quantize(formatsOf(groups, chosen));
  const run = (chosen: readonly Narrow[], on: readonly Reference[]): Measured => {
    const m = measure(graphOf(chosen), o.machine, on, classes);
    progress();
    return m;
  };
  const all8 = groups.map((): Narrow => "int8");
  const base = run(all8, few);
  const whole8 = run(all8, many);
  /** Undefined where the format saves nothing, which needs no sample to be known. */
  const alone = (group: number, format: Narrow): Option<Narrow> | undefined => {
    const graph = graphOf(all8.with(group, format));
    const estimated = estimate(graph, o.machine);
    progress();
    if (estimated.cycles >= base.cycles) return undefined;
    const { noise, cycles } = measure(graph, o.machine, few, classes, estimated);
    return { format, noise, cycles };
  };
  const options = groups.map((_, i): Option<Narrow>[] => [
    { format: "int8", noise: base.noise, cycles: base.cycles },
    ...narrow.flatMap((format) => alone(i, format) ?? []),
  ]);
  const steps = rankSteps(options);
  const after = (taken: readonly number[]): Narrow[] =>
    taken.reduce((chosen, i) => chosen.with(steps[i]!.group, steps[i]!.format), all8);
  const wholes = new Map([["", whole8]]);
  const wholeOf = (taken: readonly number[]): Measured => {
    const m = wholes.get(taken.join()) ?? run(after(taken), many);
    wholes.set(taken.join(), m);
    return m;
  };
  const within = (taken: readonly number[]): boolean => {
    const m = wholeOf(taken);
    return dropOf(m, whole8, many.length) <= o.maxDrop && m.cycles < whole8.cycles;
  };
  const taken = takeSteps(steps.length, MORE, within);
  const chosen = after(taken);
  const whole = wholeOf(taken);
  const layers = groups.flatMap((names, i) => {
    const measured = options[i]!.map((x) => [x.format, { sqnr: decibels(x.noise), saves: base.cycles - x.cycles }]);
    return names.map((node): MixedLayer => ({ node, format: chosen[i]!, candidates: Object.fromEntries(measured) }));
  });
  const report: MixedReport = {
    maxDrop: o.maxDrop,
    metric: classes ? "predictions" : "energy",
    seed: o.seed,
    samples: { each: few.length, whole: many.length },
    drop: dropOf(whole, whole8, many.length),
    cycles: { int8: whole8.cycles, chosen: whole.cycles },
    layers,
  };
  return { formats: formatsOf(groups, chosen), report };
}
