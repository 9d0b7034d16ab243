import { AccelcError, type Graph } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { type LayerFormat, layerGroups } from "@accelc/passes";
import { countMacs } from "../macs.js";
import { type Option, rankSteps, type Step, takeSteps } from "./choose.js";
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

/** Undefined where the user's model does not allow it: a sum that int32 does not hold, a tile that does not fit. */
function allowed<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (e) {
    if (e instanceof AccelcError) return undefined;
    throw e;
  }
}

/** What the search works on. */
interface Search {
  readonly o: MixedOptions;
  readonly groups: readonly (readonly string[])[];
  readonly classes: boolean;
  readonly graphOf: (chosen: readonly Narrow[]) => Graph;
  readonly onRun: () => void;
}

/** Per unit, int8 and those narrower formats that save cycles, all other units being in int8. */
function sensitivities(
  { o, groups, classes, graphOf, onRun }: Search,
  narrow: readonly Narrow[],
  samples: readonly Reference[],
): Option<Narrow>[][] {
  const all8 = groups.map((): Narrow => "int8");
  const base = measure(graphOf(all8), o.machine, samples, classes);
  onRun();
  const alone = (group: number, format: Narrow): Option<Narrow> | undefined => {
    const graph = graphOf(all8.with(group, format));
    const estimated = estimate(graph, o.machine);
    if (estimated.cycles >= base.cycles) return undefined;
    const { noise, cycles } = measure(graph, o.machine, samples, classes, estimated);
    return { format, noise, cycles };
  };
  return groups.map((_, i) => [
    { format: "int8", noise: base.noise, cycles: base.cycles },
    ...narrow.flatMap((format) => {
      const option = allowed(() => alone(i, format));
      onRun();
      return option ?? [];
    }),
  ]);
}

interface Verified {
  readonly chosen: readonly Narrow[];
  readonly whole: Measured;
  readonly whole8: Measured;
  readonly drop: number;
}

/** The steps under which the whole keeps within the bound, and what it is then. */
function verified(
  { o, groups, classes, graphOf, onRun }: Search,
  steps: readonly Step<Narrow>[],
  samples: readonly Reference[],
): Verified {
  const all8 = groups.map((): Narrow => "int8");
  const after = (taken: readonly number[]): Narrow[] =>
    taken.reduce((chosen, i) => chosen.with(steps[i]!.group, steps[i]!.format), all8);
  const run = (taken: readonly number[]): Measured => {
    const m = measure(graphOf(after(taken)), o.machine, samples, classes);
    onRun();
    return m;
  };
  const whole8 = run([]);
  const dropFrom8 = (m: Measured): number => dropOf(m, whole8, samples.length);
  let whole = whole8;
  const within = (taken: readonly number[]): boolean => {
    const m = allowed(() => run(taken));
    const fits = m !== undefined && dropFrom8(m) <= o.maxDrop && m.cycles < whole8.cycles;
    if (fits) whole = m;
    return fits;
  };
  const taken = takeSteps(steps.length, MORE, within);
  return { chosen: after(taken), whole, whole8, drop: dropFrom8(whole) };
}

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
  const candidates = groups.length * narrow.length;
  const few = samples.slice(0, affordable(float, candidates, EACH));
  const many = samples.slice(0, Math.max(few.length, affordable(float, WHOLES, samples.length)));
  let done = 0;
  const search: Search = {
    o,
    groups,
    classes: hasClasses(float),
    graphOf: (chosen) => o.quantize(formatsOf(groups, chosen)),
    onRun: () => o.onProgress(Math.min(1, ++done / (2 + candidates + WHOLES))),
  };
  const options = sensitivities(search, narrow, few);
  const { chosen, whole, whole8, drop } = verified(search, rankSteps(options), many);
  const report: MixedReport = {
    maxDrop: o.maxDrop,
    metric: search.classes ? "predictions" : "energy",
    seed: o.seed,
    samples: { each: few.length, whole: many.length },
    drop,
    cycles: { int8: whole8.cycles, chosen: whole.cycles },
    layers: groups.flatMap((names, i) => names.map((node) => layerOf(node, chosen[i]!, options[i]!))),
  };
  return { formats: formatsOf(groups, chosen), report };
}

function layerOf(node: string, format: Narrow, options: readonly Option<Narrow>[]): MixedLayer {
  const { cycles } = options[0]!;
  const candidates = options.map((x) => [x.format, { sqnr: decibels(x.noise), saves: cycles - x.cycles }]);
  return { node, format, candidates: Object.fromEntries(candidates) };
}
