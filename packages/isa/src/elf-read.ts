import { checkObject } from "./check-object.js";
import { checksum } from "./checksum.js";
import {
  EHDR,
  ElfError,
  EM_ACCELC,
  ET_EXEC,
  NOTE_OWNER,
  NT_ACCELC_MACHINE,
  PHDR,
  SECTION_NAMES,
  SECTIONS,
  type SectionName,
  SHDR,
  SHT,
  SYM,
  TEXT_ADDRESS,
} from "./elf-format.js";
import { checkDebug, checkIo, ShapeError } from "./json.js";
import { type AccelObject, type AccelSymbol, FORMAT_VERSION } from "./object.js";

interface Header {
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly align: number;
  readonly entry: number;
}

type Sections = Readonly<Record<SectionName, Header>>;

const viewOf = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);

/** 64-bit value as a number; anything above 2^53 lies outside every file and address space. */
const u64 = (view: DataView, at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

function inFile(bytes: Uint8Array, offset: number, size: number, what: string): void {
  if (offset + size > bytes.length) {
    throw new ElfError("truncated", `${what} ends at byte ${offset + size}, the file at ${bytes.length}`);
  }
}

function checkIdent(bytes: Uint8Array): void {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw new ElfError("not-elf", "the first bytes are not 7f 45 4c 46");
  }
  inFile(bytes, 0, EHDR, "the ELF header");
  if (bytes[4] !== 2) throw new ElfError("wrong-kind", "it is not 64 bits");
  if (bytes[5] !== 1) throw new ElfError("wrong-kind", "it is not little-endian");
  const view = viewOf(bytes);
  const machine = view.getUint16(18, true);
  if (machine !== EM_ACCELC) throw new ElfError("wrong-kind", `e_machine is 0x${machine.toString(16)}, not 0xacc1`);
  if (view.getUint16(16, true) !== ET_EXEC) throw new ElfError("wrong-kind", "it is not an executable");
  if (bytes[6] !== 1 || view.getUint32(20, true) !== 1) throw new ElfError("wrong-kind", "the ELF version is not 1");
}

function checkTables(bytes: Uint8Array): void {
  const view = viewOf(bytes);
  const sizes = [view.getUint16(52, true), view.getUint16(54, true), view.getUint16(58, true)];
  if (sizes.join() !== [EHDR, PHDR, SHDR].join()) throw new ElfError("layout", "a header has an unexpected size");
  const segments = view.getUint16(56, true);
  const at = u64(view, 32);
  inFile(bytes, at, segments * PHDR, "the program header table");
  inFile(bytes, u64(view, 40), view.getUint16(60, true) * SHDR, "the section header table");
  for (let i = 0; i < segments; i++) {
    const p = at + i * PHDR;
    inFile(bytes, u64(view, p + 8), u64(view, p + 32), `segment ${i}`);
  }
}

function readHeader(view: DataView, at: number): Header {
  return {
    type: view.getUint32(at + 4, true),
    address: u64(view, at + 16),
    offset: u64(view, at + 24),
    size: u64(view, at + 32),
    align: u64(view, at + 48),
    entry: u64(view, at + 56),
  };
}

/** Decodes copies: hosts may refuse views on shared memory, in which a file may lie. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes.slice());
  } catch {
    throw new ElfError("layout", `${what} is not UTF-8`);
  }
}

/** NUL-terminated name of at most `limit` bytes, its NUL included. */
function nameAt(table: Uint8Array, at: number, limit: number, what: string): Uint8Array {
  const rest = table.subarray(at, at + limit);
  const end = rest.indexOf(0);
  if (end < 0) throw new ElfError("layout", `the name of ${what} lies outside its string table or is too long`);
  return rest.subarray(0, end);
}

const dataOf = (bytes: Uint8Array, h: Header): Uint8Array => bytes.subarray(h.offset, h.offset + h.size);

function checkOverlap(ranges: readonly (readonly [name: string, offset: number, size: number])[]): void {
  const used = ranges.filter(([, , size]) => size > 0).sort((a, b) => a[1] - b[1]);
  used.forEach(([name, offset], i) => {
    const before = used[i - 1];
    if (before !== undefined && before[1] + before[2] > offset) {
      throw new ElfError("layout", `${before[0]} and ${name} overlap in the file`);
    }
  });
}

function findSections(bytes: Uint8Array): Sections {
  const view = viewOf(bytes);
  const at = u64(view, 40);
  const count = view.getUint16(60, true);
  const stringsIndex = view.getUint16(62, true);
  if (stringsIndex >= count) throw new ElfError("missing-section", ".shstrtab");
  const headers = Array.from({ length: count }, (_, i) => readHeader(view, at + i * SHDR));
  const strings = headers[stringsIndex]!;
  inFile(bytes, strings.offset, strings.size, "the section name table");
  const names = dataOf(bytes, strings);
  const found: Partial<Record<SectionName, Header>> = {};
  headers.forEach((h, i) => {
    if (h.type === SHT.NULL) return;
    const what = `section ${i}`;
    const name = decodeText(nameAt(names, view.getUint32(at + i * SHDR, true), 256, what), `the name of ${what}`);
    if (h.type !== SHT.NOBITS) inFile(bytes, h.offset, h.size, `section ${name}`);
    if (!Object.hasOwn(SECTIONS, name)) return;
    const known = name as SectionName;
    if (found[known] !== undefined) throw new ElfError("layout", `section ${name} occurs twice`);
    if (h.type !== SECTIONS[known]) throw new ElfError("layout", `section ${name} has type ${h.type}`);
    found[known] = h;
  });
  const missing = SECTION_NAMES.filter((n) => found[n] === undefined);
  if (missing.length > 0) throw new ElfError("missing-section", missing.join(", "));
  const all = found as Sections;
  checkOverlap([
    ["the ELF header", 0, EHDR],
    ["the program header table", u64(view, 32), view.getUint16(56, true) * PHDR],
    ["the section header table", at, count * SHDR],
    ...SECTION_NAMES.filter((n) => n !== ".bss").map((n) => [n, all[n].offset, all[n].size] as const),
  ]);
  return all;
}

function checkAlignment(sections: Sections): void {
  for (const name of SECTION_NAMES) {
    const { align, offset, address } = sections[name];
    const ok = align <= 1 || (Number.isInteger(Math.log2(align)) && offset % align === 0 && address % align === 0);
    if (!ok) throw new ElfError("layout", `section ${name} is misaligned`);
  }
  const text = sections[".text"];
  if (text.size % 4 !== 0) throw new ElfError("layout", "the size of .text is not a multiple of 4 bytes");
  if (text.address !== TEXT_ADDRESS) throw new ElfError("layout", ".text is not at its address");
}

const hex = (x: number): string => x.toString(16).padStart(8, "0");

interface Machine {
  readonly formatVersion: number;
  readonly machineName: string;
  readonly machineHash: string;
}

function readNote(bytes: Uint8Array): { readonly machine: Machine; readonly sum: number } {
  const owner = `${NOTE_OWNER}\0`;
  const bad = new ElfError("layout", "the note in .note.accelc is malformed");
  if (bytes.length < 60) throw bad;
  const view = viewOf(bytes);
  const desc = view.getUint32(4, true);
  const ownerOk =
    view.getUint32(0, true) === owner.length && [...owner].every((c, i) => bytes[12 + i] === c.charCodeAt(0));
  if (!ownerOk || view.getUint32(8, true) !== NT_ACCELC_MACHINE) throw bad;
  if (desc < 40 || Math.ceil(desc / 4) * 4 !== bytes.length - 20) throw bad;
  const formatVersion = view.getUint32(20, true);
  if (formatVersion !== FORMAT_VERSION) {
    throw new ElfError("version", `it is ${formatVersion}, this program reads ${FORMAT_VERSION}`);
  }
  const hash = Array.from(bytes.subarray(24, 56), (b) => b.toString(16).padStart(2, "0")).join("");
  const machineName = decodeText(bytes.subarray(60, 20 + desc), "the machine name");
  return { machine: { formatVersion, machineName, machineHash: hash }, sum: view.getUint32(56, true) };
}

function readWords(bytes: Uint8Array): Uint32Array {
  const view = viewOf(bytes);
  const words = new Uint32Array(bytes.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(i * 4, true);
  return words;
}

/** Names do not share bytes, so that all of them together are no longer than the string table. */
function readSymbols(bytes: Uint8Array, entry: number, names: Uint8Array): AccelSymbol[] {
  if (entry !== SYM || bytes.length % SYM !== 0 || bytes.length === 0) {
    throw new ElfError("layout", ".symtab is not a table of 24-byte symbols");
  }
  const view = viewOf(bytes);
  let budget = names.length;
  return Array.from({ length: bytes.length / SYM - 1 }, (_, i) => {
    const at = SYM * (i + 1);
    const what = `symbol ${i + 1}`;
    const raw = nameAt(names, view.getUint32(at, true), budget, what);
    budget -= raw.length + 1;
    const name = decodeText(raw, `the name of ${what}`);
    const start = (u64(view, at + 8) - TEXT_ADDRESS) / 4;
    return { name, start, words: u64(view, at + 16) / 4 };
  });
}

function readJson<T>(bytes: Uint8Array, name: string, check: (value: unknown) => T): T {
  try {
    return check(JSON.parse(utf8.decode(bytes.slice())));
  } catch (e) {
    const detail = e instanceof ShapeError ? e.message : "it is not valid JSON in UTF-8";
    throw new ElfError("json", `${name}: ${detail}`);
  }
}

function checked(o: AccelObject): AccelObject {
  try {
    checkObject(o);
  } catch (e) {
    if (e instanceof ShapeError) throw new ElfError("layout", e.message);
    throw e;
  }
  return o;
}

/**
 * Object of an ELF file. `rodata` is a view of the given bytes, not a copy. Throws ElfError on anything that is not such
 * a file; never reads outside the bytes and never allocates more than a small multiple of their length.
 */
export function readElf(bytes: Uint8Array): AccelObject {
  checkIdent(bytes);
  checkTables(bytes);
  const sections = findSections(bytes);
  const data = (name: SectionName) => dataOf(bytes, sections[name]);
  const { machine, sum } = readNote(data(".note.accelc"));
  checkAlignment(sections);
  const text = readWords(data(".text"));
  const object = checked({
    ...machine,
    text,
    symbols: readSymbols(data(".symtab"), sections[".symtab"].entry, data(".strtab")),
    rodata: data(".rodata"),
    rodataAddress: sections[".rodata"].address,
    bssAddress: sections[".bss"].address,
    bssSize: sections[".bss"].size,
    io: readJson(data(".accelc.io"), ".accelc.io", checkIo),
    debug: readJson(data(".accelc.debug"), ".accelc.debug", (v) => checkDebug(v, text.length)),
  });
  const found = checksum([data(".text"), data(".rodata"), data(".accelc.io"), data(".accelc.debug")]);
  if (found !== sum) throw new ElfError("checksum", `found ${hex(found)}, written ${hex(sum)}`);
  return object;
}
