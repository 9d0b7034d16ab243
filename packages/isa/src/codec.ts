import type { FieldSeg, Seg } from "./fields.js";
import { type Inst, ISA, OPS, type Op, type Row } from "./table.js";

export interface Field {
  readonly name: string;
  readonly shift: number;
  readonly width: number;
  /** Largest raw value. */
  readonly max: number;
  readonly seg: FieldSeg;
}

/** A row folded for encoding and decoding: `(word & mask) >>> 0 === match` says that a word has this form. */
export interface Form {
  readonly op: Op;
  readonly row: Row;
  readonly match: number;
  readonly mask: number;
  readonly fields: readonly Field[];
}

const pack = (segs: readonly Seg[], pick: (s: Seg) => number): number =>
  segs.reduce((word, s) => word * 2 ** s.width + pick(s), 0);

function fieldsOf(segs: readonly Seg[]): Field[] {
  const fields: Field[] = [];
  let shift = 32;
  for (const seg of segs) {
    shift -= seg.width;
    if ("name" in seg) fields.push({ name: seg.name, shift, width: seg.width, max: 2 ** seg.width - 1, seg });
  }
  return fields;
}

function formOf(op: Op): Form {
  const row: Row = ISA[op];
  return {
    op,
    row,
    match: pack(row.segs, (s) => ("value" in s ? s.value : 0)),
    mask: pack(row.segs, (s) => ("value" in s ? 2 ** s.width - 1 : 0)),
    fields: fieldsOf(row.segs),
  };
}

export const FORMS: readonly Form[] = OPS.map(formOf);
const FORM_OF: ReadonlyMap<string, Form> = new Map(FORMS.map((f) => [f.op, f]));

export const formFor = (op: string): Form | undefined => FORM_OF.get(op);

/** Whether a raw value may stand in the field: in range, and named where the field's values are enumerated. */
export function isFieldValue(field: Field, value: number): boolean {
  if (!Number.isInteger(value) || value < 0 || value > field.max) return false;
  const names = field.seg.names;
  return names === undefined || (names[value] ?? null) !== null;
}

export function fieldRange(field: Field): string {
  const names = field.seg.names;
  if (names === undefined) return `0..${field.max}`;
  return names.flatMap((n, v) => (n === null ? [] : [`${v} (${n})`])).join(", ");
}

/** Word of an instruction, as an unsigned number. Throws RangeError naming the field and what it may hold. */
export function encode(inst: Inst): number {
  const form = FORM_OF.get(inst.op);
  if (form === undefined) throw new RangeError(`unknown instruction ${String(inst.op)}`);
  const values = inst as unknown as Readonly<Record<string, number>>;
  let word = form.match;
  for (const field of form.fields) {
    const value = values[field.name];
    if (value === undefined || !isFieldValue(field, value)) {
      throw new RangeError(`${inst.op}: field ${field.name} is ${String(value)}, allowed: ${fieldRange(field)}`);
    }
    word += value * 2 ** field.shift;
  }
  return word;
}

const BY_TOP_BYTE: readonly (readonly Form[])[] = Array.from({ length: 256 }, (_, top) =>
  FORMS.filter((f) => ((f.match ^ (top * 2 ** 24)) & f.mask & 0xff000000) === 0),
);

/** Instruction of a 32-bit word, or undefined where no form matches or a field holds a value that has no meaning. */
export function decode(word: number): Inst | undefined {
  for (const form of BY_TOP_BYTE[(word >>> 24) & 0xff]!) {
    if ((word & form.mask) >>> 0 !== form.match) continue;
    const inst: Record<string, number | string> = { op: form.op };
    for (const field of form.fields) {
      const value = (word >>> field.shift) & field.max;
      const names = field.seg.names;
      if (names !== undefined && (names[value] ?? null) === null) return undefined;
      inst[field.name] = value;
    }
    return inst as unknown as Inst;
  }
  return undefined;
}

/** Two's complement value of a raw 16-bit field. */
export const signed16 = (raw: number): number => (raw << 16) >> 16;

/** Raw 16-bit field of a number in -32768..65535. Throws RangeError outside. */
export function unsigned16(value: number): number {
  if (!Number.isInteger(value) || value < -32768 || value > 65535) {
    throw new RangeError(`${value} does not fit 16 bits`);
  }
  return value & 0xffff;
}

/** Low and high raw halves of a 32-bit value, signed or unsigned. */
export const halves = (value: number): readonly [low: number, high: number] => [
  value & 0xffff,
  (value >>> 16) & 0xffff,
];
