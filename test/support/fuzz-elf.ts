import { type AccelObject, checksum, writeElf } from "@accelc/isa";
import { pick, type Random } from "./fuzz.js";

type Part = readonly [offset: number, size: number];

/** Where the sections of an ELF file lie, by name; as far as its header is intact. */
function sectionsOf(elf: Uint8Array): ReadonlyMap<string, Part> {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  const at = u64(40);
  const headers = Array.from({ length: view.getUint16(60, true) }, (_, i) => at + 64 * i);
  const strings = u64(headers[view.getUint16(62, true)]! + 24);
  const nameAt = (from: number) => {
    const end = elf.indexOf(0, from);
    return String.fromCharCode(...elf.subarray(from, end));
  };
  return new Map(headers.map((h) => [nameAt(strings + view.getUint32(h, true)), [u64(h + 24), u64(h + 32)] as const]));
}

const CHECKED = [".text", ".rodata", ".accelc.io", ".accelc.debug"];

/** Writes the checksum that the contents now have, so that a reader comes to what lies behind it. */
function repair(elf: Uint8Array, parts: ReadonlyMap<string, Part>): void {
  const data = CHECKED.map((name) => {
    const [offset, size] = parts.get(name)!;
    return elf.slice(offset, offset + size);
  });
  const [note] = parts.get(".note.accelc")!;
  new DataView(elf.buffer, elf.byteOffset).setUint32(note + 56, checksum(data), true);
}

const DIGITS = "0123456789";
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

/** Bytes of one section changed, digits of tables into digits; checksum right. */
export function mutateBytes(r: Random, original: Uint8Array): Uint8Array {
  const elf = original.slice();
  const parts = sectionsOf(elf);
  const changes = r(1, 4);
  for (let n = 0; n < changes; n++) {
    const name = pick(r, [
      ".text",
      ".text",
      ".accelc.io",
      ".accelc.io",
      ".accelc.debug",
      ".rodata",
      ".symtab",
      "header",
    ]);
    const [offset, size] = parts.get(name) ?? [0, 64];
    if (size === 0) continue;
    const digits = name.startsWith(".accelc") && r(0, 3) > 0;
    let at = offset + r(0, size - 1);
    if (digits) while (at < offset + size && !isDigit(elf[at]!)) at++;
    if (at >= offset + size) continue;
    elf[at] = digits ? pick(r, [...DIGITS]).charCodeAt(0) : r(0, 2) === 0 ? r(0, 255) : elf[at]! ^ (1 << r(0, 7));
  }
  // Bytes of sizes and offsets have moved nothing: the parts are those of the original.
  repair(elf, parts);
  return elf;
}

const NUMBERS = [
  0,
  1,
  -1,
  2,
  7,
  8,
  64,
  255,
  65536,
  2 ** 20,
  2 ** 27,
  2 ** 28,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40,
  2 ** 53 - 1,
  -(2 ** 31),
  0.5,
];
const NAMES = ["", "x", "float32", "int64", "bool", "float16", "int4", "__proto__", "constructor"];

/** The value with one number or string in it changed, an element dropped, or one doubled. */
function changedJson(r: Random, value: unknown): unknown {
  if (typeof value === "number") return r(0, 1) === 0 ? pick(r, NUMBERS) : value + r(-9, 9);
  if (typeof value === "string") return pick(r, NAMES);
  if (Array.isArray(value)) {
    if (value.length === 0) return value;
    const at = r(0, value.length - 1);
    const kind = r(0, 9);
    if (kind === 0) return value.filter((_, i) => i !== at);
    if (kind === 1) return [...value.slice(0, at), value[at], ...value.slice(at)];
    return value.map((x, i) => (i === at ? changedJson(r, x) : x));
  }
  if (typeof value === "object" && value !== null) {
    const key = pick(r, Object.keys(value));
    return { ...value, [key]: changedJson(r, (value as Record<string, unknown>)[key]) };
  }
  return value;
}

/** The object with its tables or its addresses changed; it need not be one that can be written. */
export function mutateObject(r: Random, o: AccelObject): AccelObject {
  let out = o;
  for (let n = r(1, 3); n > 0; n--) {
    const kind = r(0, 9);
    if (kind < 7) out = { ...out, io: changedJson(r, out.io) as AccelObject["io"] };
    else if (kind === 7)
      out = { ...out, bssSize: pick(r, [0, 1, 100, out.bssSize - 1, out.bssSize >> 1, 2 ** 32, -1]) };
    else if (kind === 8)
      out = { ...out, bssAddress: out.bssAddress + pick(r, [-64, 64, 4096, -out.bssAddress, 2 ** 31]) };
    else out = { ...out, rodataAddress: out.rodataAddress + pick(r, [-64, 64, 4096, 2 ** 31]) };
  }
  return out;
}

/** The same as a file, where it can be written. */
export function asFile(o: AccelObject): Uint8Array | undefined {
  try {
    return writeElf(o);
  } catch {
    return undefined;
  }
}
