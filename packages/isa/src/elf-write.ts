import { checkObject } from "./check-object.js";
import { checksum } from "./checksum.js";
import {
  ALIGN,
  EHDR,
  EM_ACCELC,
  ET_EXEC,
  NOTE_OWNER,
  NT_ACCELC_MACHINE,
  PF,
  PHDR,
  PT,
  SECTION_NAMES,
  SECTIONS,
  type SectionName,
  SHDR,
  SHF,
  SYM,
  TEXT_ADDRESS,
} from "./elf-format.js";
import { debugJson, ioJson } from "./json.js";
import type { AccelObject } from "./object.js";

const utf8 = new TextEncoder();
const alignUp = (n: number, to: number): number => Math.ceil(n / to) * to;

interface Section {
  readonly name: SectionName;
  readonly data: Uint8Array;
  /** Size in memory; the data's length, except .bss. */
  readonly size: number;
  readonly flags: number;
  readonly address: number;
  readonly align: number;
  readonly link: number;
  readonly info: number;
  readonly entry: number;
}

interface Placed extends Section {
  readonly offset: number;
}

const section = (name: SectionName, data: Uint8Array, more: Partial<Section> = {}): Section => ({
  name,
  data,
  size: data.length,
  flags: 0,
  address: 0,
  align: 1,
  link: 0,
  info: 0,
  entry: 0,
  ...more,
});

function wordBytes(text: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(text.length * 4);
  const view = new DataView(bytes.buffer);
  text.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  return bytes;
}

function note(o: AccelObject, sum: number): Uint8Array {
  const name = utf8.encode(o.machineName);
  const descSize = 40 + name.length;
  const bytes = new Uint8Array(20 + alignUp(descSize, 4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, NOTE_OWNER.length + 1, true);
  view.setUint32(4, descSize, true);
  view.setUint32(8, NT_ACCELC_MACHINE, true);
  bytes.set(utf8.encode(NOTE_OWNER), 12);
  view.setUint32(20, o.formatVersion, true);
  for (let i = 0; i < 32; i++) bytes[24 + i] = Number.parseInt(o.machineHash.slice(2 * i, 2 * i + 2), 16);
  view.setUint32(56, sum, true);
  bytes.set(name, 60);
  return bytes;
}

/** NUL, then each name with its NUL; offsets in order. */
function strings(names: readonly string[]): { readonly bytes: Uint8Array; readonly offsets: readonly number[] } {
  const parts = names.map((n) => utf8.encode(n));
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length + 1, 1));
  const offsets: number[] = [];
  let at = 1;
  for (const part of parts) {
    offsets.push(at);
    bytes.set(part, at);
    at += part.length + 1;
  }
  return { bytes, offsets };
}

const STT_FUNC_GLOBAL = 0x12;

function symtab(o: AccelObject, names: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(SYM * (1 + o.symbols.length));
  const view = new DataView(bytes.buffer);
  o.symbols.forEach((s, i) => {
    const at = SYM * (1 + i);
    view.setUint32(at, names[i]!, true);
    view.setUint8(at + 4, STT_FUNC_GLOBAL);
    view.setUint16(at + 6, sectionIndex(".text"), true);
    view.setBigUint64(at + 8, BigInt(TEXT_ADDRESS + s.start * 4), true);
    view.setBigUint64(at + 16, BigInt(s.words * 4), true);
  });
  return bytes;
}

/** Section 0 is the null section. */
const sectionIndex = (name: SectionName): number => SECTION_NAMES.indexOf(name) + 1;

function sectionsOf(o: AccelObject): Section[] {
  const symbolNames = strings(o.symbols.map((s) => s.name));
  const burst = (address: number) => (address % ALIGN === 0 ? ALIGN : 1);
  const none = new Uint8Array(0);
  const [text, io, debug] = [wordBytes(o.text), utf8.encode(ioJson(o.io)), utf8.encode(debugJson(o.debug))];
  return [
    section(".note.accelc", note(o, checksum([text, o.rodata, io, debug])), { align: 4 }),
    section(".text", text, { flags: SHF.ALLOC | SHF.EXEC, address: TEXT_ADDRESS, align: ALIGN }),
    section(".rodata", o.rodata, { flags: SHF.ALLOC, address: o.rodataAddress, align: burst(o.rodataAddress) }),
    section(".bss", none, {
      flags: SHF.ALLOC | SHF.WRITE,
      address: o.bssAddress,
      align: burst(o.bssAddress),
      size: o.bssSize,
    }),
    section(".accelc.io", io),
    section(".accelc.debug", debug),
    section(".symtab", symtab(o, symbolNames.offsets), {
      align: 8,
      link: sectionIndex(".strtab"),
      info: 1,
      entry: SYM,
    }),
    section(".strtab", symbolNames.bytes),
    section(".shstrtab", strings(SECTION_NAMES).bytes),
  ];
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly section: SectionName;
}

/** Loadable parts in ascending address order, .text last; empty ones are left out. */
function segmentsOf(sections: readonly Section[]): Segment[] {
  const find = (name: SectionName) => sections[sectionIndex(name) - 1]!;
  const data: Segment[] = [
    { type: PT.LOAD, flags: PF.R, section: ".rodata" },
    { type: PT.LOAD, flags: PF.R | PF.W, section: ".bss" },
  ];
  data.sort((a, b) => find(a.section).address - find(b.section).address);
  const loads: Segment[] = [...data, { type: PT.LOAD, flags: PF.R | PF.X, section: ".text" }];
  return [{ type: PT.NOTE, flags: PF.R, section: ".note.accelc" }, ...loads.filter((s) => find(s.section).size > 0)];
}

function place(sections: readonly Section[], from: number): { readonly placed: Placed[]; readonly end: number } {
  let at = from;
  const placed = sections.map((s) => {
    const offset = alignUp(at, s.align);
    at = offset + s.data.length;
    return { ...s, offset };
  });
  return { placed, end: at };
}

const IDENT = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] as const;

function writeHeader(view: DataView, segments: number, sectionTable: number): void {
  IDENT.forEach((b, i) => {
    view.setUint8(i, b);
  });
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, EM_ACCELC, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(TEXT_ADDRESS), true);
  view.setBigUint64(32, BigInt(EHDR), true);
  view.setBigUint64(40, BigInt(sectionTable), true);
  [EHDR, PHDR, segments, SHDR, SECTION_NAMES.length + 1, sectionIndex(".shstrtab")].forEach((v, i) => {
    view.setUint16(52 + 2 * i, v, true);
  });
}

function writeSegment(view: DataView, at: number, segment: Segment, s: Placed): void {
  view.setUint32(at, segment.type, true);
  view.setUint32(at + 4, segment.flags, true);
  [s.offset, s.address, s.address, s.data.length, s.size, s.align].forEach((v, i) => {
    view.setBigUint64(at + 8 + 8 * i, BigInt(v), true);
  });
}

function writeSection(view: DataView, at: number, nameOffset: number, s: Placed): void {
  view.setUint32(at, nameOffset, true);
  view.setUint32(at + 4, SECTIONS[s.name], true);
  [s.flags, s.address, s.offset, s.size].forEach((v, i) => {
    view.setBigUint64(at + 8 + 8 * i, BigInt(v), true);
  });
  view.setUint32(at + 40, s.link, true);
  view.setUint32(at + 44, s.info, true);
  view.setBigUint64(at + 48, BigInt(s.align), true);
  view.setBigUint64(at + 56, BigInt(s.entry), true);
}

/** Bytes of the object file. Deterministic. Throws ShapeError where the object breaks its invariants. */
export function writeElf(o: AccelObject): Uint8Array {
  checkObject(o);
  const sections = sectionsOf(o);
  const segments = segmentsOf(sections);
  const { placed, end } = place(sections, EHDR + PHDR * segments.length);
  const table = alignUp(end, 8);
  const bytes = new Uint8Array(table + SHDR * (placed.length + 1));
  const view = new DataView(bytes.buffer);
  writeHeader(view, segments.length, table);
  segments.forEach((s, i) => {
    writeSegment(view, EHDR + PHDR * i, s, placed[sectionIndex(s.section) - 1]!);
  });
  const names = strings(SECTION_NAMES).offsets;
  placed.forEach((s, i) => {
    bytes.set(s.data, s.offset);
    writeSection(view, table + SHDR * (i + 1), names[i]!, s);
  });
  return bytes;
}
