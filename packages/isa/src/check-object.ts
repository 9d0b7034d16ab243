import { checkDebug, checkIo, ShapeError } from "./json.js";
import { type AccelObject, type AccelSymbol, FORMAT_VERSION } from "./object.js";

function checkSymbols(symbols: readonly AccelSymbol[], words: number): void {
  const names = new Set<string>();
  let end = 0;
  for (const s of symbols) {
    const span = Number.isInteger(s.start) && Number.isInteger(s.words) && s.words >= 0 && s.start + s.words <= words;
    if (!span) throw new ShapeError(`symbol ${s.name}: words ${s.start} + ${s.words} must lie inside .text`);
    if (s.start < end) throw new ShapeError(`symbol ${s.name}: must begin where the one before it ends, or later`);
    if (s.name === "" || s.name.includes("\0")) throw new ShapeError("a symbol's name must not be empty or hold NUL");
    if (names.has(s.name)) throw new ShapeError(`symbol ${s.name}: names must be unique`);
    names.add(s.name);
    end = s.start + s.words;
  }
}

function checkMemory(o: AccelObject): void {
  const spans = [
    ["rodata", o.rodataAddress, o.rodata.length],
    ["bss", o.bssAddress, o.bssSize],
  ] as const;
  for (const [name, start, size] of spans) {
    const ok = Number.isInteger(start) && Number.isInteger(size) && start >= 0 && size >= 0 && start + size <= 2 ** 32;
    if (!ok) throw new ShapeError(`${name}: must lie in the 32-bit DRAM space`);
  }
  const apart = o.rodataAddress + o.rodata.length <= o.bssAddress || o.bssAddress + o.bssSize <= o.rodataAddress;
  if (o.rodata.length > 0 && o.bssSize > 0 && !apart) throw new ShapeError("rodata and bss must not overlap in DRAM");
}

/** Invariants of an object beyond its types, as stated in object.ts. Throws ShapeError. */
export function checkObject(o: AccelObject): void {
  if (o.formatVersion !== FORMAT_VERSION) throw new ShapeError(`format version must be ${FORMAT_VERSION}`);
  if (!/^[0-9a-f]{64}$/.test(o.machineHash)) throw new ShapeError("machine hash must be 64 lowercase hex digits");
  checkMemory(o);
  checkSymbols(o.symbols, o.text.length);
  checkIo(o.io);
  checkDebug(o.debug, o.text.length);
}
