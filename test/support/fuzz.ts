import { decode, encode, FORMS, type Form, formFor, type Inst, UNIT } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { blocks, randoms } from "../../packages/emulator/test/build.js";
import { randomProgram } from "../../packages/emulator/test/random-program.js";

export type Random = (low: number, high: number) => number;
export const pick = <T>(r: Random, list: readonly T[]): T => list[r(0, list.length - 1)]!;

/** Generators of near seeds begin alike; these do not. */
export function seeded(seed: number): Random {
  const r = randoms(Math.imul(seed + 1, 0x9e3779b1));
  for (let i = 0; i < 4; i++) r(0, 1);
  return r;
}

const EXTREMES = [0, 1, 2, 7, 8, 31, 32, 0x7fff, 0x8000, 0xffff, 0xfffe];

/** A word of the form with random fields, small and extreme values among them. */
function randomWord(r: Random, form: Form): number {
  let word = form.match;
  for (const f of form.fields) {
    const names = f.seg.names;
    const value =
      names !== undefined
        ? r(0, f.max)
        : Math.min(f.max, r(0, 2) === 0 ? pick(r, EXTREMES) : r(0, r(0, 1) === 0 ? 12 : f.max));
    word += value * 2 ** f.shift;
  }
  return word;
}

/** Forms of a unit, control words apart. */
const FORMS_OF = [UNIT.SYSTOLIC, UNIT.SIMD].map((unit) => {
  const name = unit === UNIT.SYSTOLIC ? "systolic" : "simd";
  return FORMS.filter((f) => f.row.unit === name || f.row.unit === "either");
});

const region = (unit: number, body: readonly Inst[]): readonly Inst[] => [
  { op: "sync_start", unit, buf: 0, group: 0, count: body.length + 1 },
  ...body,
  { op: "sync_end", unit, buf: 0, group: 0 },
];

/** Words that mean something one by one, in regions that are well-formed. */
export function randomWords(r: Random): readonly Inst[] {
  const body = (unit: number): Inst[] => {
    const found: Inst[] = [];
    const n = r(1, 24);
    while (found.length < n) {
      const inst = decode(randomWord(r, pick(r, FORMS_OF[unit]!)));
      if (inst !== undefined) found.push(inst);
    }
    return found;
  };
  return blocks(
    ...Array.from({ length: r(1, 2) }, () => {
      const units = pick(r, [[UNIT.SYSTOLIC], [UNIT.SIMD], [UNIT.SYSTOLIC, UNIT.SIMD]]);
      return units.map((unit) => region(unit, body(unit)));
    }),
  );
}

const CONTROL = new Set(["sync_start", "sync_end", "block_end"]);

/** Index of the START whose region has the word; -1 for a word outside. */
function startOf(words: readonly Inst[], at: number): number {
  for (let i = 0; i < words.length; i++) {
    const inst = words[i]!;
    if (inst.op !== "sync_start") continue;
    if (at > i && at < i + 1 + inst.count) return i;
    i += inst.count;
  }
  return -1;
}

/** Replaces `remove` words at `at`, inside one region, by others; the region's START counts them. */
export function splice(words: readonly Inst[], at: number, remove: number, added: readonly Inst[]): readonly Inst[] {
  const start = startOf(words, at);
  const head = words[start];
  if (head?.op !== "sync_start" || at + remove >= start + 1 + head.count) return words;
  const count = head.count - remove + added.length;
  if (count > formFor("sync_start")!.fields.find((f) => f.name === "count")!.max) return words;
  const out = [...words.slice(0, at), ...added, ...words.slice(at + remove)];
  out[start] = { ...head, count };
  return out;
}

/** The word with a field changed a little, at random or to an extreme; or with a bit changed. */
function changed(r: Random, inst: Inst): Inst | undefined {
  const word = encode(inst);
  const { fields } = formFor(inst.op)!;
  if (fields.length === 0 || r(0, 3) === 0) return decode((word ^ (1 << r(0, 31))) >>> 0);
  const { max, shift, width } = pick(r, fields);
  const now = Math.floor(word / 2 ** shift) & max;
  const value = pick(r, [now + r(-3, 3), now * 2, now >> 1, r(0, max), pick(r, EXTREMES), max, 0]) & max;
  return decode((word - now * 2 ** shift + (value & (2 ** width - 1)) * 2 ** shift) >>> 0);
}

/** One to four changes of words inside regions. `others`: programs to take words from. */
export function mutate(r: Random, program: readonly Inst[], others: readonly (readonly Inst[])[]): readonly Inst[] {
  let words = program;
  for (let n = r(1, 4); n > 0; n--) {
    const at = r(0, words.length - 1);
    const inst = words[at]!;
    const kind = r(0, 9);
    if (kind === 9 || !CONTROL.has(inst.op)) {
      if (kind < 6 || kind === 9) {
        const next = changed(r, inst);
        if (next === undefined) n += r(0, 1);
        else words = words.map((w, i) => (i === at ? next : w));
      } else if (kind === 6) words = splice(words, at, 1, []);
      else if (kind === 7)
        words = splice(
          words,
          at,
          0,
          [words[r(0, words.length - 1)]!].filter((w) => !CONTROL.has(w.op)),
        );
      else {
        const from = pick(r, others);
        const first = r(0, from.length - 1);
        const taken = from.slice(first, first + r(1, 12)).filter((w) => !CONTROL.has(w.op));
        words = splice(words, at, 0, taken);
      }
    }
  }
  return words;
}

/** A program of the generator that the fast engine is tested with, made worse. */
export const wildProgram = (r: Random, machine: MachineDescription, others: readonly (readonly Inst[])[]) =>
  mutate(r, randomProgram(r, machine, pick(r, [0, 0, 3])), others);

/** The shortest program found that `fails`: regions without words that do not matter. */
export function minimize(program: readonly Inst[], fails: (words: readonly Inst[]) => boolean): readonly Inst[] {
  let words = withoutBlocks(program, fails);
  for (let size = words.length >> 1; size >= 1; size >>= 1) {
    for (let at = words.length - size; at >= 0; at -= size) {
      const fewer = splice(words, at, size, []);
      if (fewer !== words && fails(fewer)) words = fewer;
    }
  }
  return words;
}

function withoutBlocks(program: readonly Inst[], fails: (words: readonly Inst[]) => boolean): readonly Inst[] {
  const ends = program.flatMap((w, i) => (w.op === "block_end" ? [i] : []));
  let kept = ends.map((end, i) => program.slice(i === 0 ? 0 : ends[i - 1]! + 1, end));
  const joined = (list: readonly (readonly Inst[])[]) =>
    list.flatMap((b, i) => [...b, { op: "block_end", last: i === list.length - 1 ? 1 : 0 } as const]);
  for (let i = kept.length - 1; i >= 0 && kept.length > 1; i--) {
    const fewer = kept.filter((_, j) => j !== i);
    if (fails(joined(fewer))) kept = fewer;
  }
  return joined(kept);
}
