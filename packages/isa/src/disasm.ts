import { decode, type Field, formFor } from "./codec.js";
import { readElf } from "./elf-read.js";
import { writeElf } from "./elf-write.js";
import { canonicalJson } from "./json.js";
import type { AccelObject, DebugTable } from "./object.js";
import type { Inst } from "./table.js";

function valueText(field: Field, value: number): string {
  const name = field.seg.names?.[value];
  if (name != null) return name;
  return String(field.seg.signed && value >= 2 ** (field.width - 1) ? value - 2 ** field.width : value);
}

/** `mnemonic field=value, …`; a namespace and its index are written together: `dst=vmem1[3]`. */
export function formatInst(inst: Inst): string {
  const fields = formFor(inst.op)!.fields;
  const values = inst as unknown as Readonly<Record<string, number>>;
  const parts: string[] = [];
  for (const field of fields) {
    const value = values[field.name]!;
    const stem = field.name.replace(/_(ns|ix)$/, "");
    if (field.name === `${stem}_ix`) parts[parts.length - 1] += `[${value}]`;
    else if (fields.some((f) => f.name === `${stem}_ix`)) parts.push(`${stem}=${valueText(field, value)}`);
    else parts.push(`${field.name}=${valueText(field, value)}`);
  }
  return parts.length === 0 ? inst.op : `${inst.op} ${parts.join(", ")}`;
}

/** Text of one word; `.word 0x…` where it does not decode. */
export function formatWord(word: number): string {
  const inst = decode(word);
  return inst === undefined ? `.word 0x${(word >>> 0).toString(16).padStart(8, "0")}` : formatInst(inst);
}

const hex = (n: number): string => `0x${n.toString(16)}`;
const LABEL = /^[A-Za-z_$][\w.$]*$/;
const BASE64_BYTES = 72;

function* rodataLines(data: Uint8Array): Generator<string> {
  for (let i = 0; i < data.length; i += BASE64_BYTES) {
    yield `.base64 ${btoa(String.fromCharCode(...data.subarray(i, i + BASE64_BYTES)))}`;
  }
}

/** Lines that stand before a word: labels, ends of symbols, the node the words come from. */
function marks(o: AccelObject): ReadonlyMap<number, readonly string[]> {
  const lines = new Map<number, string[]>();
  const add = (at: number, line: string) => {
    const there = lines.get(at);
    if (there === undefined) lines.set(at, [line]);
    else there.push(line);
  };
  o.symbols.forEach((s, i) => {
    const end = s.start + s.words;
    add(s.start, `${LABEL.test(s.name) ? s.name : JSON.stringify(s.name)}:`);
    if (end !== o.text.length && o.symbols[i + 1]?.start !== end) add(end, ".end");
  });
  const nodes = new Map(o.debug.nodes.map((n) => [n.id, n]));
  for (const r of o.debug.ranges) {
    const node = nodes.get(r.node);
    if (node !== undefined) add(r.start, `  ; word ${r.start}: node ${JSON.stringify(node.name)} (${node.op})`);
  }
  return lines;
}

function* textLines(o: AccelObject): Generator<string> {
  const before = marks(o);
  for (let i = 0; i <= o.text.length; i++) {
    yield* before.get(i) ?? [];
    if (i < o.text.length) yield `  ${formatWord(o.text[i]!)}`;
  }
}

function* debugLines(debug: DebugTable): Generator<string> {
  yield `.model ${JSON.stringify(debug.model)}`;
  for (const n of debug.nodes) yield `.node ${canonicalJson(n)}`;
  for (const b of debug.blocks) yield `.block ${canonicalJson(b)}`;
  for (const r of debug.ranges) yield `.range ${canonicalJson(r)}`;
  for (const t of debug.tensors) yield `.tensor ${canonicalJson(t)}`;
}

function* objectLines(o: AccelObject): Generator<string> {
  yield `.format ${o.formatVersion}`;
  yield `.machine ${JSON.stringify(o.machineName)} ${o.machineHash}`;
  yield `.rodata ${hex(o.rodataAddress)}`;
  yield* rodataLines(o.rodata);
  yield `.bss ${hex(o.bssAddress)} ${o.bssSize}`;
  for (const p of o.io.inputs) yield `.input ${canonicalJson(p)}`;
  for (const p of o.io.outputs) yield `.output ${canonicalJson(p)}`;
  yield* debugLines(o.debug);
  yield ".text";
  yield* textLines(o);
}

/** The whole object as text; `parseObject` gives the same object back. */
export const formatObject = (o: AccelObject): string => `${[...objectLines(o)].join("\n")}\n`;

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/**
 * The whole object file as text; `assembleObject` gives the same bytes back. A file that another tool has rearranged
 * gives the same object but not the same bytes; the first line then says so. Throws ElfError.
 */
export function disassembleObject(bytes: Uint8Array): string {
  const object = readElf(bytes);
  const text = formatObject(object);
  return same(writeElf(object), bytes)
    ? text
    : `; this file was rearranged by another tool: assembling the text gives the same object, not the same bytes\n${text}`;
}
