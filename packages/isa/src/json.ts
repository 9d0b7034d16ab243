import type { DebugBlock, DebugTable, DebugTensor, IoTable, TensorPlace } from "./object.js";

/** Canonical JSON: keys sorted by code unit, no white space, shortest numbers. Equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** A value does not have the shape of its table; the message says where. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

type Check<T> = (value: unknown, at: string) => T;

function fail(at: string, want: string): never {
  throw new ShapeError(`${at} must be ${want}`);
}

const integer =
  (min: number, max: number): Check<number> =>
  (v, at) =>
    typeof v === "number" && Number.isInteger(v) && v >= min && v <= max ? v : fail(at, `an integer in ${min}..${max}`);

const text: Check<string> = (v, at) => (typeof v === "string" ? v : fail(at, "a string"));
const positive: Check<number> = (v, at) =>
  typeof v === "number" && Number.isFinite(v) && v > 0 ? v : fail(at, "a finite number above 0");

const oneOf =
  <const T extends readonly (string | number)[]>(...values: T): Check<T[number]> =>
  (v, at) =>
    values.includes(v as T[number]) ? (v as T[number]) : fail(at, `one of ${values.join(", ")}`);

const list =
  <T>(item: Check<T>): Check<readonly T[]> =>
  (v, at) =>
    Array.isArray(v) ? v.map((x, i) => item(x, `${at}[${i}]`)) : fail(at, "an array");

const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (v, at) =>
    v === undefined ? v : check(v, at);

type Shape<T> = { readonly [K in keyof T]-?: Check<T[K]> };

const object =
  <T>(shape: Shape<T>): Check<T> =>
  (v, at) => {
    if (typeof v !== "object" || v === null || Array.isArray(v)) return fail(at, "an object");
    const given = v as Readonly<Record<string, unknown>>;
    const extra = Object.keys(given).find((k) => !Object.hasOwn(shape, k));
    if (extra !== undefined) fail(`${at}.${extra}`, "absent: no such field");
    const entries = (Object.keys(shape) as (keyof T & string)[]).map(
      (k) => [k, shape[k](given[k], `${at}.${k}`)] as const,
    );
    return Object.fromEntries(entries.filter(([, x]) => x !== undefined)) as T;
  };

const uint32 = integer(0, 2 ** 32 - 1);
const size = integer(0, 2 ** 32);
const count = integer(0, Number.MAX_SAFE_INTEGER);
const reference = integer(-1, Number.MAX_SAFE_INTEGER);
const int = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
/** Bytes; elements of 2 and 4 bits are quarters and halves apart. */
const step: Check<number> = (v, at) =>
  typeof v === "number" && Number.isSafeInteger(4 * v) ? v : fail(at, "whole quarters");

const present: Check<true | undefined> = (v, at) => (v === undefined || v === true ? v : fail(at, "true or absent"));

const placeShape: Shape<TensorPlace> = {
  name: text,
  elementType: text,
  shape: list(count),
  address: uint32,
  bits: oneOf(2, 4, 8, 16, 32, 64),
  scale: positive,
  zeroPoint: int,
  raw: present,
  bytes: size,
  layout: list(
    object({
      axis: integer(0, 255),
      div: integer(1, Number.MAX_SAFE_INTEGER),
      extent: integer(0, Number.MAX_SAFE_INTEGER),
      stride: step,
    }),
  ),
};

/** Every element a layout reaches lies in [address, address + bytes), and those bytes in the 32-bit address space. */
function checkExtent(p: TensorPlace, at: string): void {
  if (p.address + p.bytes > 2 ** 32) fail(`${at}.bytes`, "inside the 32-bit address space");
  let low = 0;
  let high = 0;
  for (const [i, term] of p.layout.entries()) {
    const dim = p.shape[term.axis];
    if (dim === undefined) fail(`${at}.layout[${i}].axis`, "an axis of the shape");
    const reach = Math.min(term.extent - 1, Math.floor(Math.max(dim - 1, 0) / term.div)) * term.stride;
    if (reach < 0) low += reach;
    else high += reach;
  }
  if (p.shape.includes(0)) return;
  if (low < 0 || high + p.bits / 8 > p.bytes) fail(`${at}.layout`, `inside the tensor's ${p.bytes} bytes`);
}

function checkRaw(p: TensorPlace, at: string): void {
  const fits = p.bits === 32 && p.scale === 1 && p.zeroPoint === 0;
  if (!fits) fail(`${at}.raw`, "absent: binary32 words have 32 bits, scale 1 and zero point 0");
  if (!/float|double/.test(p.elementType)) fail(`${at}.raw`, `absent: ${p.elementType} is no float type`);
}

const placed =
  <T extends TensorPlace>(check: Check<T>): Check<T> =>
  (v, at) => {
    const p = check(v, at);
    checkExtent(p, at);
    if (p.raw) checkRaw(p, at);
    return p;
  };

const place = placed(object<TensorPlace>(placeShape));
const debugTensor = placed(object<DebugTensor>({ ...placeShape, block: reference, node: reference }));

const ioTable = object<IoTable>({ inputs: list(place), outputs: list(place) });

const debugTable = object<DebugTable>({
  model: text,
  nodes: list(object({ id: count, name: text, op: text })),
  blocks: list(
    object<DebugBlock>({
      id: count,
      name: text,
      unit: oneOf("systolic", "tandem", "both"),
      start: uint32,
      words: uint32,
      nodes: list(count),
      macs: optional(count),
    }),
  ),
  ranges: list(object({ start: uint32, words: uint32, node: reference })),
  tensors: list(debugTensor),
});

/** Checks the shape of a table of inputs and outputs. Throws ShapeError. */
export const checkIo = (value: unknown): IoTable => ioTable(value, "io");

/** Checks the shape of a debug table whose words lie in a .text of `words` words. Throws ShapeError. */
export function checkDebug(value: unknown, words: number): DebugTable {
  const table = debugTable(value, "debug");
  for (const key of ["blocks", "ranges"] as const) {
    table[key].forEach((r, i) => {
      if (r.start + r.words > words) fail(`debug.${key}[${i}]`, `inside the ${words} words of .text`);
    });
  }
  return table;
}

export const ioJson = (table: IoTable): string => canonicalJson(table);
export const debugJson = (table: DebugTable): string => canonicalJson(table);
