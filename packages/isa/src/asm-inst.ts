import { encode, type Field, FORMS, type Form, fieldRange, formFor, isFieldValue } from "./codec.js";
import type { Inst } from "./table.js";

/** One line cannot be assembled: what is wrong, and what to write instead. */
export class Fault extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** Decimal or 0x hexadecimal, optionally negative; undefined if it is no number. */
export function parseNumber(text: string): number | undefined {
  return /^-?(\d+|0x[0-9a-f]+)$/i.test(text)
    ? (text.startsWith("-") ? -1 : 1) * Number(text.replace("-", ""))
    : undefined;
}

function parseValue(op: string, field: Field, text: string): number {
  const named = field.seg.names?.indexOf(text) ?? -1;
  if (named >= 0) return named;
  const number = parseNumber(text);
  const negative = number !== undefined && number < 0 && number >= -32768 && field.width === 16;
  const raw = negative ? number + 2 ** 16 : number;
  if (raw !== undefined && isFieldValue(field, raw)) return raw;
  const range = field.width === 16 ? "-32768..65535" : fieldRange(field);
  throw new Fault(
    `${op}: ${field.name} cannot be "${text}"`,
    `${field.name} is ${field.seg.doc}; write one of ${range}`,
  );
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The candidate closest to a misspelt name. */
export function nearest(name: string, candidates: readonly string[]): string {
  const scored = candidates.map((c) => [distance(name.slice(0, 40), c), c] as const);
  return scored.reduce((best, x) => (x[0] < best[0] ? x : best))[1];
}

/** How an instruction is written: `set_iter loop=…, count=…`. */
export function usage(form: Form): string {
  const names = form.fields.map((f) => f.name);
  const parts = names
    .filter((n) => !(n.endsWith("_ix") && names.includes(n.replace(/_ix$/, "_ns"))))
    .map((n) => (names.includes(n.replace(/_ns$/, "_ix")) ? `${n.replace(/_ns$/, "")}=ns[ix]` : `${n}=…`));
  return [form.op, parts.join(", ")].join(" ").trimEnd();
}

const PAIR = /^(\w+)\s*=\s*(-?[\w]+)(?:\s*\[\s*(\w+)\s*\])?$/;

/** `stem=ns[ix]` or `name=value`, as names and texts of raw fields. */
function splitArgument(form: Form, text: string): readonly (readonly [string, string])[] {
  const match = PAIR.exec(text);
  if (match === null) throw new Fault(`${form.op}: cannot read "${text}"`, `write: ${usage(form)}`);
  const [, name, value, index] = match;
  return index === undefined
    ? [[name!, value!]]
    : [
        [`${name}_ns`, value!],
        [`${name}_ix`, index],
      ];
}

function parseFields(form: Form, text: string): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  const parts = text.trim() === "" ? [] : text.split(",").map((p) => p.trim());
  for (const [name, value] of parts.flatMap((p) => splitArgument(form, p))) {
    const field = form.fields.find((f) => f.name === name);
    if (field === undefined) throw new Fault(`${form.op} has no field ${name}`, `write: ${usage(form)}`);
    if (Object.hasOwn(values, name)) throw new Fault(`${form.op}: ${name} is given twice`, "keep one of them");
    values[name] = parseValue(form.op, field, value);
  }
  const missing = form.fields.filter((f) => !Object.hasOwn(values, f.name)).map((f) => f.name);
  if (missing.length > 0) throw new Fault(`${form.op} lacks ${missing.join(", ")}`, `write: ${usage(form)}`);
  return values;
}

/** Instruction of one line without comment. Throws Fault. */
export function parseInst(line: string): Inst {
  const [, name, rest] = /^(\S+)(.*)$/.exec(line.trim()) ?? ["", "", ""];
  const form = formFor(name!);
  if (form === undefined) {
    const near = nearest(
      name!,
      FORMS.map((f) => f.op),
    );
    throw new Fault(`unknown instruction "${name}"`, `did you mean ${usage(formFor(near)!)}?`);
  }
  return { op: form.op, ...parseFields(form, rest!) } as unknown as Inst;
}

export const parseWord = (line: string): number => encode(parseInst(line));
