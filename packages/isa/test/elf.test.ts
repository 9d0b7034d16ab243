import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccelObject, ElfError, type ElfErrorCode, readElf, ShapeError, writeElf } from "../src/index.js";
import { objectArb, SMALL } from "./objects.js";

const SEED = 4217;
const BYTES = writeElf(SMALL);

function codeOf(bytes: Uint8Array): ElfErrorCode | "ok" {
  try {
    readElf(bytes);
    return "ok";
  } catch (e) {
    if (e instanceof ElfError) return e.code;
    throw e;
  }
}

const SECTION_TABLE = Number(new DataView(BYTES.buffer).getBigUint64(40, true));
const header = (section: number) => SECTION_TABLE + 64 * section;
const fieldOf = (section: number, field: number) =>
  Number(new DataView(BYTES.buffer).getBigUint64(header(section) + field, true));

function edit(change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = BYTES.slice();
  change(new DataView(bytes.buffer), bytes);
  return bytes;
}

/** Replaces the JSON of a section (5 io, 6 debug) by a text of at most its length, padded with blanks. */
const withJson = (section: number, from: string, to: string) =>
  edit((_, bytes) => {
    const at = fieldOf(section, 24);
    const size = fieldOf(section, 32);
    const text = new TextDecoder()
      .decode(bytes.subarray(at, at + size))
      .replace(from, to)
      .padEnd(size);
    expect(text.length).toBe(size);
    bytes.set(new TextEncoder().encode(text), at);
  });

describe("elf", () => {
  it(`reads back what it wrote (seed ${SEED})`, () => {
    fc.assert(
      fc.property(objectArb, (o) => {
        const bytes = writeElf(o);
        const back = readElf(bytes);
        expect({ ...back, rodata: Array.from(back.rodata) }).toEqual({ ...o, rodata: Array.from(o.rodata) });
        expect(writeElf(back)).toEqual(bytes);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it("works on bytes inside a larger buffer, at any alignment", () => {
    const around = new Uint8Array(BYTES.length + 10).fill(255);
    around.set(BYTES, 3);
    expect(readElf(around.subarray(3, 3 + BYTES.length)).text).toEqual(SMALL.text);
  });

  it("weights start at a burst boundary of the file", () => expect(fieldOf(3, 24) % 64).toBe(0));

  it("a file cut short anywhere is refused", () => {
    for (let n = 0; n < BYTES.length; n++) expect(codeOf(BYTES.slice(0, n)), `${n} bytes`).not.toBe("ok");
    expect(codeOf(BYTES.slice(0, BYTES.length - 1))).toBe("truncated");
    expect(codeOf(BYTES.slice(0, 40))).toBe("truncated");
    expect(codeOf(new Uint8Array(0))).toBe("not-elf");
  });

  it("every value of every byte gives an object or an ElfError", () => {
    const bytes = BYTES.slice();
    for (let i = 0; i < bytes.length; i++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff, bytes[i]! ^ 1, bytes[i]! ^ 0x20]) {
        const kept = bytes[i]!;
        bytes[i] = value;
        codeOf(bytes);
        bytes[i] = kept;
      }
    }
  });

  it(`many random bytes changed give an object or an ElfError (seed ${SEED})`, () => {
    const change = fc.tuple(fc.nat({ max: BYTES.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const bytes = BYTES.slice();
        for (const [at, value] of changes) bytes[at] = value;
        codeOf(bytes);
      }),
      { seed: SEED, numRuns: 20_000 },
    );
  });

  it("a flipped bit in the instructions is noticed", () => {
    const bytes = edit((_, b) => {
      const at = fieldOf(2, 24);
      b[at] = b[at]! ^ 1;
    });
    expect(codeOf(bytes)).toBe("checksum");
  });

  it("deeply nested JSON is refused", () => {
    const text = "[".repeat(fieldOf(5, 32));
    const bytes = edit((_, b) => b.set(new TextEncoder().encode(text), fieldOf(5, 24)));
    expect(codeOf(bytes)).toBe("json");
  });

  it("names that share bytes cannot multiply memory", () => {
    const name = "n".repeat(200);
    const symbols = Array.from({ length: 3 }, (_, i) => ({ name: `${i}${name}`, start: i, words: 1 }));
    const bytes = writeElf({ ...SMALL, symbols });
    const view = new DataView(bytes.buffer);
    const symtab = Number(view.getBigUint64(Number(view.getBigUint64(40, true)) + 64 * 7 + 24, true));
    view.setUint32(symtab + 48, view.getUint32(symtab + 24, true), true);
    view.setUint32(symtab + 72, view.getUint32(symtab + 24, true), true);
    expect(codeOf(bytes)).toBe("layout");
  });

  it.each<[string, ElfErrorCode, Uint8Array]>([
    ["other magic", "not-elf", edit((v) => v.setUint8(0, 0))],
    ["32 bits", "wrong-kind", edit((v) => v.setUint8(4, 1))],
    ["big-endian", "wrong-kind", edit((v) => v.setUint8(5, 2))],
    ["x86-64", "wrong-kind", edit((v) => v.setUint16(18, 62, true))],
    ["relocatable", "wrong-kind", edit((v) => v.setUint16(16, 1, true))],
    ["program headers beyond the file", "truncated", edit((v) => v.setBigUint64(32, 1n << 40n, true))],
    ["section headers beyond the file", "truncated", edit((v) => v.setBigUint64(40, (1n << 64n) - 1n, true))],
    ["section beyond the file", "truncated", edit((v) => v.setBigUint64(header(3) + 32, 1n << 33n, true))],
    ["no sections", "missing-section", edit((v) => v.setUint16(60, 0, true))],
    ["a section too few", "missing-section", edit((v) => v.setUint32(header(5) + 4, 0, true))],
    ["format version 2", "version", edit((v) => v.setUint32(fieldOf(1, 24) + 20, 2, true))],
    ["overlap in the file", "layout", edit((v) => v.setBigUint64(header(5) + 24, BigInt(fieldOf(6, 24)), true))],
    ["odd size of .text", "layout", edit((v) => v.setBigUint64(header(2) + 32, 11n, true))],
    ["misaligned .text", "layout", edit((v) => v.setBigUint64(header(2) + 24, BigInt(fieldOf(2, 24) + 4), true))],
    ["bss over the end of DRAM", "layout", edit((v) => v.setBigUint64(header(4) + 32, 1n << 32n, true))],
    ["bss on rodata", "layout", edit((v) => v.setBigUint64(header(4) + 16, 4096n, true))],
    ["symbol beyond .text", "layout", edit((v) => v.setBigUint64(fieldOf(7, 24) + 40, 16n, true))],
    ["symbol at half a word", "layout", edit((v) => v.setBigUint64(fieldOf(7, 24) + 32, (1n << 32n) + 2n, true))],
    ["wrong type", "layout", edit((v) => v.setUint32(header(5) + 4, 3, true))],
    ["owner of the note", "layout", edit((v) => v.setUint8(fieldOf(1, 24) + 12, 65))],
    ["io is not JSON", "json", withJson(5, '{"inputs"', "{inputs")],
    ["io lacks outputs", "json", withJson(5, ',"outputs":[]', "")],
    ["io has an unknown field", "json", withJson(5, '"bits"', '"bitz"')],
    ["a width that does not exist", "json", withJson(5, '"bits":8', '"bits":7')],
    ["scale zero", "json", withJson(5, '"scale":0.1', '"scale":0')],
    ["a layout that leaves the tensor", "json", withJson(5, '"stride":1', '"stride":9')],
    ["a layout without its axis", "json", withJson(5, '"axis":1', '"axis":7')],
    ["a range beyond .text", "json", withJson(6, '"start":1,"words":1', '"start":1,"words":9')],
    ["debug is a list", "json", withJson(6, "{", "[")],
  ])("%s: %s", (_, code, bytes) => {
    expect(codeOf(bytes)).toBe(code);
    expect(() => readElf(bytes)).toThrow(ElfError);
    try {
      readElf(bytes);
    } catch (e) {
      expect((e as ElfError).hint).not.toBe("");
    }
  });

  it.each<[string, Partial<AccelObject>]>([
    ["another format version", { formatVersion: 2 }],
    ["a short hash", { machineHash: "00" }],
    ["overlapping memory", { bssAddress: 4096 }],
    ["rodata beyond 32 bits", { rodataAddress: 2 ** 32 - 4 }],
    ["a symbol beyond .text", { symbols: [{ name: "a", start: 2, words: 2 }] }],
    ["an unnamed symbol", { symbols: [{ name: "", start: 0, words: 1 }] }],
    [
      "one name twice",
      {
        symbols: [
          { name: "a", start: 0, words: 1 },
          { name: "a", start: 1, words: 1 },
        ],
      },
    ],
  ])("does not write %s", (_, change) => expect(() => writeElf({ ...SMALL, ...change })).toThrow(ShapeError));
});

const hasReadelf = spawnSync("readelf", ["--version"]).status === 0;
if (!hasReadelf) console.log("readelf is not installed: its test is skipped");

describe.skipIf(!hasReadelf)("readelf -a", () => {
  const empty = { text: new Uint32Array(0), symbols: [], rodata: new Uint8Array(0), bssSize: 0 };
  const bare = { ...SMALL, ...empty, debug: { ...SMALL.debug, blocks: [], ranges: [] } };
  const flipped = { ...SMALL, rodataAddress: 2 ** 31 + 3, bssAddress: 5 };
  it.each([
    ["small", SMALL],
    ["empty", bare],
    ["odd addresses, bss first", flipped],
  ])("%s prints without a warning", (name, object) => {
    const folder = mkdtempSync(join(tmpdir(), "accelc-isa-"));
    try {
      const file = join(folder, "a.elf");
      writeFileSync(file, writeElf(object));
      const { stdout, stderr } = spawnSync("readelf", ["-a", "-W", file], { encoding: "utf8", env: { LC_ALL: "C" } });
      expect(stderr).toBe("");
      expect(stdout).not.toMatch(/warning|error|corrupt|<unknown>: 0x[^a]/i);
      expect(stdout).toContain("0xacc1");
      if (name === "small") expect(stdout).toMatch(/FUNC\s+GLOBAL DEFAULT\s+2 block0/);
      execFileSync("readelf", ["-n", file]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
