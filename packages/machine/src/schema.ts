import { z } from "zod";
import { COMPUTE_OPS } from "./latency.js";

/** Operand formats of the array with a rate of their own; FP8 1-5-2 runs at the rate of `hfp8`. */
export const ARRAY_FORMATS = ["int8", "int4", "int2", "hfp8", "fp16"] as const;
export type ArrayFormat = (typeof ARRAY_FORMATS)[number];

/** Reduction elements of a pass per byte of an IBUF row. */
const PER_ROW_BYTE: { readonly [F in ArrayFormat]: number } = { int8: 1, int4: 2, int2: 4, hfp8: 1, fp16: 0.5 };

const count = (min: number, max: number) => z.int().min(min).max(max);
const positive = z.number().positive();
const rate = z.number().nonnegative();
/** Rows of a double-buffered buffer, both halves together. */
const halved = count(2, 2 ** 24).refine((n) => n % 2 === 0, "must be even: the buffer is two equal halves");

const array = z.strictObject({
  rows: count(2, 1024),
  columns: count(2, 1024),
  formats: z.strictObject({ int8: positive, int4: rate, int2: rate, hfp8: rate, fp16: rate }),
});

const buffers = z.strictObject({ ibufRows: halved, wbufBlocks: halved, bbufRows: halved, obufRows: halved });

const tandem = z.strictObject({
  lanes: count(2, 1024),
  vmemRows: count(1, 2 ** 24),
  immSlots: count(1, 32),
  iteratorsPerNamespace: count(1, 32),
  loopLevels: count(1, 8),
  specialFunctions: z.boolean(),
});

const dram = z.strictObject({
  bytesPerCycle: positive,
  burstBytes: count(1, 4096),
  latencyCycles: count(0, 1_000_000),
  addressBits: z.literal(32),
});

/** Events that energy is counted by. */
export const ENERGY_EVENTS = ["macInt8", "laneOp", "sramByte", "dramByte", "instructionWord"] as const;

const energy = z.partialRecord(z.enum(ENERGY_EVENTS), rate);

const latencyCycles = z.partialRecord(z.enum(COMPUTE_OPS), count(0, 10_000));

const shape = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, '.', '_' or '-'"),
  array,
  buffers,
  tandem,
  instructionBufferWords: count(1, 2 ** 30),
  dram,
  frequencyHz: positive,
  latencyCycles,
  energy: energy.default({}),
  ties: z.enum(["even", "up"]),
  sources: z.record(z.string(), z.string()).default({}),
});

/** Types and ranges of single fields; `joinedRules` has the rest. */
export const machineSchema = shape;

/** Broken rules that join two fields, of a description whose other fields may be anything. */
export function joinedRules(m: unknown): { readonly path: string[]; readonly message: string }[] {
  const number = (...path: string[]): number => {
    const x = valueAt(m, path);
    return typeof x === "number" ? x : Number.NaN;
  };
  const [rows, columns, lanes] = [number("array", "rows"), number("array", "columns"), number("tandem", "lanes")];
  const differ = (a: number, b: number) => !Number.isNaN(a) && !Number.isNaN(b) && a !== b;
  const formats = ARRAY_FORMATS.flatMap((f) => {
    const path = ["array", "formats", f];
    const x = number(...path);
    if (Number.isNaN(x)) return [];
    const whole = `must be ${PER_ROW_BYTE[f]}, what a row of array.rows bytes holds, or 0`;
    const elements = `times array.rows (${rows}) must be a whole number of reduction elements`;
    return [
      ...(x !== 0 && x !== PER_ROW_BYTE[f] ? [{ path, message: whole }] : []),
      ...(!Number.isNaN(rows) && !Number.isInteger(rows * x) ? [{ path, message: elements }] : []),
    ];
  });
  const sources = valueAt(m, ["sources"]);
  const named = typeof sources === "object" && sources !== null ? Object.keys(sources) : [];
  return [
    ...(differ(columns, rows) ? [{ path: ["array", "columns"], message: `must equal array.rows (${rows})` }] : []),
    ...(differ(lanes, columns)
      ? [{ path: ["tandem", "lanes"], message: `must equal array.columns (${columns})` }]
      : []),
    ...formats,
    ...named
      .filter((path) => valueAt(m, path.split(".")) === undefined)
      .map((path) => ({ path: ["sources", path], message: "names no field of this description" })),
  ];
}

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/**
 * One machine. Units are in the names; rows of IBUF are `rows` bytes, blocks of WBUF rows × columns bytes, rows of BBUF,
 * OBUF and VMEM `lanes` int32. IBUF, WBUF, BBUF and OBUF sizes are totals of two halves; vmemRows holds for each of
 * VMEM1, VMEM2. `array.formats` gives reduction elements per pass, relative to `rows`; what does not fill a row's bytes is 0: not supported.
 * `latencyCycles` are extra cycles per vector instruction, by its name in the
 * instruction table (absent: 0). `energy` is relative to one int8 multiply-accumulate, never joules, and
 * an absent event is unknown, not free. `sources` maps a field path to where its number comes from.
 */
export type MachineDescription = Frozen<z.output<typeof shape>>;

/** The value at a path of keys, or undefined. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = root;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}
