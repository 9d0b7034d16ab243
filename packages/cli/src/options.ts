import { type Edges, type LayerFormat, OPERAND_FORMATS, type OperandFormat } from "@accelc/passes";
import { InvalidArgumentError } from "commander";
import type { NamedFile } from "./tensor/file.js";

/** `NAME=file`, repeatable, each name once. */
export function namedFile(text: string, before: readonly NamedFile[] = []): readonly NamedFile[] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("It must be NAME=file.");
  const name = text.slice(0, at);
  if (before.some(([n]) => n === name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return [...before, [name, text.slice(at + 1)]];
}

export type NamedShape = readonly [name: string, shape: readonly number[]];

/** `NAME=1,3,224,224`, repeatable, each name once. `NAME=` is a scalar. */
export function namedShape(text: string, before: readonly NamedShape[] = []): readonly NamedShape[] {
  const at = text.lastIndexOf("=");
  const dims = text.slice(at + 1);
  const shape = dims === "" ? [] : dims.split(",").map((d) => (/^\d{1,9}$/.test(d.trim()) ? Number(d) : Number.NaN));
  if (at < 1 || shape.some(Number.isNaN)) throw new InvalidArgumentError("It must be NAME=1,3,224,224.");
  const name = text.slice(0, at);
  if (before.some(([n]) => n === name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return [...before, [name, shape]];
}

const EDGES = ["first", "shortcuts", "last"];

/** `first,last`, or `none`. */
export function edges(text: string): Edges {
  const names = text === "none" ? [] : text.split(",");
  if (!names.every((n) => EDGES.includes(n)))
    throw new InvalidArgumentError("It must be none, or some of first,shortcuts,last.");
  return Object.fromEntries(EDGES.map((n) => [n, names.includes(n)]));
}

const formatNamed = (text: string): OperandFormat | undefined => OPERAND_FORMATS.find((f) => f === text);

/** `NAME=int8,int4`, repeatable, each name once. */
export function layerFormat(
  text: string,
  before: ReadonlyMap<string, LayerFormat> = new Map(),
): ReadonlyMap<string, LayerFormat> {
  const at = text.lastIndexOf("=");
  const [a, w, ...more] = text.slice(at + 1).split(",");
  const [activations, weights] = [formatNamed(a ?? ""), formatNamed(w ?? "")];
  if (at < 1 || !activations || !weights || more.length > 0)
    throw new InvalidArgumentError(`It must be NAME=int8,int4; formats are ${OPERAND_FORMATS.join(", ")}.`);
  const name = text.slice(0, at);
  if (before.has(name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return new Map([...before, [name, { activations, weights }]]);
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

export function positiveNumber(text: string): number {
  const n = wholeNumber(text);
  if (n === 0) throw new InvalidArgumentError("It must be 1 or more.");
  return n;
}

export function percentage(text: string): number {
  const p = Number(text);
  if (text.trim() === "" || !(p > 50 && p <= 100))
    throw new InvalidArgumentError("It must be above 50 and at most 100.");
  return p;
}

export function notNegative(text: string): number {
  const x = Number(text);
  if (text.trim() === "" || !(x >= 0)) throw new InvalidArgumentError("It must be a number, 0 or more.");
  return x;
}
