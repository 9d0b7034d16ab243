import { fail } from "@accelc/ir";
import {
  type Calibration,
  calibrationFrom,
  type Range,
  type RangeChoice,
  type RangeMethod,
  rangeFor,
  type Statistics,
} from "@accelc/passes";
import { some } from "./names.js";
import { ACT_METHODS, MINMAX, methodName, methodOf } from "./range-method.js";

/** What calibration measured of a tensor: enough to choose its range again for other bits or by another method. */
export interface Measured {
  /** Least and greatest value. */
  readonly min: number;
  readonly max: number;
  /** The entry's `min` and `max` as they were written: another pair there was put in by hand. */
  readonly chosen: readonly [min: number, max: number];
  /** Were there values below −10^30 or above 10^30? */
  readonly below?: true;
  readonly above?: true;
  /** Runs of the histogram, `first bin:count,count,…`; see docs/quantization.md. */
  readonly bins: string;
  /** By bin, as it counts for the layers that read the tensor, and the means of their input channels. */
  readonly energies?: string;
  readonly means?: string;
}

export interface CalibEntry {
  readonly min: number;
  readonly max: number;
  readonly method?: string;
  readonly measured?: Measured;
}

/** The document of `--write-calib-table`: the range of every calibrated tensor, by ONNX name. */
export interface CalibTable {
  readonly version: 1;
  /** SHA-256 of the model's file. */
  readonly model?: string;
  /** `min` and `max` are chosen for grids of so many bits. */
  readonly bits: number;
  readonly ranges: Readonly<Record<string, CalibEntry>>;
}

function encodeBins({ bins, counts }: Statistics): string {
  const runs: string[] = [];
  for (const [i, bin] of bins.entries())
    if (i > 0 && bins[i - 1] === bin - 1) runs[runs.length - 1] += `,${counts[i]}`;
    else runs.push(`${bin}:${counts[i]}`);
  return runs.join(" ");
}

const BIN_LIMIT = 2 ** 14;

/** Undefined where the text is no histogram with ascending bins. */
function decodeBins(text: string): Pick<Statistics, "bins" | "counts"> | undefined {
  const [bins, counts]: [number[], number[]] = [[], []];
  for (const run of text === "" ? [] : text.split(" ")) {
    const match = /^(-?\d+):(\d+(?:,\d+)*)$/.exec(run);
    if (!match) return undefined;
    for (const [i, count] of match[2]!.split(",").entries()) {
      const bin = Number(match[1]) + i;
      if (bin < -BIN_LIMIT || bin >= BIN_LIMIT || bin <= (bins.at(-1) ?? -BIN_LIMIT - 1) || !(Number(count) > 0))
        return undefined;
      bins.push(bin);
      counts.push(Number(count));
    }
  }
  return { bins, counts };
}

function entryOf({ statistics: s, method }: RangeChoice, bits: number): CalibEntry {
  const { min, max } = rangeFor(s, method, { bits, symmetric: false });
  const measured: Measured = {
    ...s.seen,
    chosen: [min, max],
    ...(s.below ? { below: true } : {}),
    ...(s.above ? { above: true } : {}),
    bins: encodeBins(s),
    ...(s.channels ? { energies: s.channels.energies.join(" "), means: s.channels.means.join(" ") } : {}),
  };
  return { min, max, method: methodName(method), measured };
}

/** The table of a calibration for a model with this hash, its ranges shown for grids of `bits`. */
export function toCalibTable(c: Calibration, bits: number, model?: string): CalibTable {
  const sorted = [...c.ranges].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([name, { min, max }]) => {
    const choice = c.choices?.get(name);
    return [name, choice ? entryOf(choice, bits) : { min, max }] as const;
  });
  return { version: 1, ...(model === undefined ? {} : { model }), bits, ranges: Object.fromEntries(entries) };
}

const isObject = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x);

/** `min` and `max` of an object; undefined where they are no range. */
function rangeOf({ min, max }: Readonly<Record<string, unknown>>): Range | undefined {
  const good = typeof min === "number" && typeof max === "number" && min <= max && Number.isFinite(max - min);
  return good ? { min, max } : undefined;
}

/** Numbers with spaces between; undefined for anything else. */
function numbersIn(text: unknown): readonly number[] | undefined {
  const numbers = typeof text === "string" ? text.split(" ").map((x) => (x === "" ? Number.NaN : Number(x))) : [];
  return numbers.length > 0 && numbers.every(Number.isFinite) ? numbers : undefined;
}

/** The statistics of an entry; undefined where it has none that are whole. */
function statisticsOf(measured: Readonly<Record<string, unknown>>): Statistics | undefined {
  const histogram = typeof measured.bins === "string" ? decodeBins(measured.bins) : undefined;
  const seen = rangeOf(measured);
  if (!histogram || !seen) return undefined;
  const whole: Statistics = { ...histogram, seen, below: measured.below === true, above: measured.above === true };
  if (measured.energies === undefined && measured.means === undefined) return whole;
  const [energies, means] = [numbersIn(measured.energies), numbersIn(measured.means)];
  const good = energies?.length === histogram.bins.length && energies.every((n) => n >= 0) && means !== undefined;
  return good ? { ...whole, channels: { energies, means } } : undefined;
}

/** Is the entry as it was written? */
const untouched = (
  { min, max }: { min: number; max: number },
  { chosen }: Readonly<Record<string, unknown>>,
): boolean => Array.isArray(chosen) && chosen[0] === min && chosen[1] === max;

export interface TableUse {
  /** The tensors that need ranges. */
  readonly tensors: readonly string[];
  /** The table's name in diagnostics. */
  readonly file: string;
  /** SHA-256 of the model's file, where it is known. */
  readonly model?: string | undefined;
  /** Replaces the methods of entries that nobody has edited. */
  readonly method?: RangeMethod | undefined;
}

type Bad = (reason: string, hint?: string) => never;

/** How a table and a model differ, in words; undefined where it is of this model. Entries that a model needs not are no matter where its hash is right. */
function difference(
  table: Readonly<Record<string, unknown>>,
  names: readonly string[],
  use: TableUse,
): string | undefined {
  const { tensors, model } = use;
  const missing = tensors.filter((t) => !names.includes(t));
  const foreign = names.filter((name) => !tensors.includes(name));
  const hash = typeof table.model === "string" && model !== undefined ? table.model : undefined;
  const another = hash !== undefined && hash !== model;
  if (!another && missing.length === 0 && (foreign.length === 0 || hash !== undefined)) return undefined;
  return [
    ...(another ? [`it is of the model with SHA-256 ${hash}, and this one has ${model}`] : []),
    ...(missing.length > 0 ? [`it has no range for ${some(missing)}`] : []),
    ...(foreign.length > 0 ? [`the model has no use for ${some(foreign)}`] : []),
  ].join("; ");
}

/** The range of an entry and, unless it was edited or has no statistics, what it is chosen from. */
function readEntry(name: string, entry: unknown, use: TableUse, bad: Bad): { range: Range; choice?: RangeChoice } {
  const range = isObject(entry) ? rangeOf(entry) : undefined;
  if (!isObject(entry) || !range) return bad(`the range of ${name} is not a min and a max`);
  const own = entry.method === undefined ? MINMAX : methodOf(entry.method);
  if (!own) return bad(`the method of ${name} is ${JSON.stringify(entry.method)}`, `use ${ACT_METHODS.join(", ")}`);
  if (!isObject(entry.measured) || !untouched(range, entry.measured)) return { range };
  const statistics = statisticsOf(entry.measured);
  if (!statistics) return bad(`what was measured of ${name} is damaged`);
  return { range, choice: { statistics, method: use.method ?? own } };
}

/**
 * The calibration that a table holds. An entry whose `min` or `max` was edited, or without statistics, is that range on every grid;
 * of the others the range is chosen again. CL1004 for a document that is no table, lacks one of the tensors, or is another model's.
 */
export function fromCalibTable(table: unknown, use: TableUse): Calibration {
  const bad: Bad = (reason, hint = "write it again with --write-calib-table") =>
    fail("CL1004", {}, { option: "--calib-table", value: use.file, reason }, hint);
  if (!isObject(table) || !isObject(table.ranges)) return bad("it is no object with ranges");
  if (table.version !== 1) return bad(`version ${JSON.stringify(table.version)} is unknown`);
  const entries = Object.entries(table.ranges);
  const unlike = difference(table, Object.keys(table.ranges), use);
  if (unlike !== undefined)
    return bad(
      unlike,
      "write one for this model with --write-calib-table; one without the line `model` is taken for any model with these tensors",
    );
  const read = entries.map(([name, entry]) => [name, readEntry(name, entry, use, bad)] as const);
  const choices = read.flatMap(([name, { choice }]) => (choice ? [[name, choice] as const] : []));
  return calibrationFrom(new Map(choices), new Map(read.map(([name, { range }]) => [name, range])));
}
