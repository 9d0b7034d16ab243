import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readElf, writeElf } from "@accelc/isa";
import { machineHash, machinePreset } from "@accelc/machine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { random } from "../support/exactness.js";
import { accelc, glyphs, type Outcome, succeed, temporaryFolder } from "./support.js";

const SEED = 20_251;
const FLIPS = 150;

const folder = temporaryFolder();
const cwd = folder.path;
let elf: Uint8Array;
let before: readonly string[];

beforeAll(async () => {
  glyphs.prepare(cwd);
  await succeed(cwd, "compile", glyphs.model, "-o", "model.elf", "--calib", "image=calib.npy");
  elf = new Uint8Array(readFileSync(join(cwd, "model.elf")));
  writeFileSync(join(cwd, "bad.elf"), "");
  before = readdirSync(cwd).sort();
});
afterAll(folder.dispose);

const run = (bytes: Uint8Array, ...more: readonly string[]): Promise<Outcome> => {
  writeFileSync(join(cwd, "bad.elf"), bytes);
  return accelc(cwd, "run", "bad.elf", "--input", "image=x.npy", ...more);
};

/** Exit 1 with one diagnostic, no stack trace, and nothing written. */
function expectRefusal(r: Outcome, what: string, code = /[A-Z]{2}\d{4}/): void {
  expect(r.status, `${what}: ${r.stderr}`).toBe(1);
  expect(r.stdout, what).toBe("");
  expect(r.stderr.match(/^(?:bad\.elf: )?(?:node .*: )?[A-Z]{2}\d{4}: /gm) ?? [], `${what}: ${r.stderr}`).toHaveLength(
    1,
  );
  expect(r.stderr, what).toMatch(code);
  expect(r.stderr, what).toMatch(/^ {2}help: .+$/m);
  expect(r.stderr, what).not.toMatch(/^\s+at .*[(:]\d+/m);
  expect(readdirSync(cwd).sort(), what).toEqual(before);
}

describe("a truncated ELF file", () => {
  it("is refused wherever it ends", async () => {
    const next = random(SEED);
    const ends = [0, 1, 3, 4, 15, 16, 63, 64, elf.length - 1, ...Array.from({ length: 40 }, () => next() * elf.length)];
    for (const end of ends.map(Math.floor)) expectRefusal(await run(elf.subarray(0, end)), `${end} bytes`);
  });

  it("is refused by every command that reads one", async () => {
    writeFileSync(join(cwd, "bad.elf"), elf.subarray(0, elf.length >> 1));
    expectRefusal(await accelc(cwd, "disasm", "bad.elf", "-o", "bad.s"), "disasm", /CL1006/);
    expectRefusal(await accelc(cwd, "inspect", "bad.elf"), "inspect", /CL1006/);
  });
});

describe("a corrupted ELF file", () => {
  it(`runs or is refused with one diagnostic, ${FLIPS} flipped bits`, { timeout: 600_000 }, async () => {
    console.log(`corrupted ELF: seed ${SEED}`);
    const next = random(SEED);
    let refused = 0;
    for (let i = 0; i < FLIPS; i++) {
      const bytes = elf.slice();
      // Half of them outside the constants, which are most of the file and may hold anything.
      const at = Math.floor(i % 2 === 0 ? next() * 8192 : next() * elf.length);
      bytes[at]! ^= 1 << Math.floor(next() * 8);
      const r = await run(bytes, "--quiet");
      if (r.status === 0) expect(r).toEqual({ status: 0, stdout: "", stderr: "" });
      else {
        refused++;
        expectRefusal(r, `bit flipped in byte ${at}`);
      }
    }
    expect(refused).toBeGreaterThan(FLIPS / 10);
  });

  it("leaves no output behind when it traps", async () => {
    const object = readElf(elf);
    const text = object.text.slice();
    text[text.length >> 1] = 0xffff_ffff;
    const results = temporaryFolder();
    try {
      const files = ["--output-dir", join(results.path, "out"), "--stats-json", join(results.path, "stats.json")];
      const r = await run(writeElf({ ...object, text }), ...files);
      expectRefusal(r, "an undefined word", /EM2001: word 0xffffffff is not an instruction/);
      expect(readdirSync(results.path, { recursive: true })).toEqual(["out"]);
    } finally {
      results.dispose();
    }
  });
});

describe("an ELF file for another machine", () => {
  const changed = (change: object): Uint8Array => writeElf({ ...readElf(elf), ...change });

  it("is refused where the machine is unknown", async () => {
    expectRefusal(await run(changed({ machineName: "tandem-7x7" })), "unknown machine", /EM1003.*tandem-7x7/);
  });

  it("is refused where the machine's description differs", async () => {
    const hash = machineHash(machinePreset("tandem-16x16"));
    expectRefusal(await run(changed({ machineHash: hash })), "other description", /EM1004.*tandem-32x32/);
  });

  it("is refused where another machine is given", async () => {
    expectRefusal(await run(elf, "--target", "tandem-16x16"), "other machine", /EM1004.*tandem-16x16/);
  });

  it("is refused where it is for another processor", async () => {
    const bytes = elf.slice();
    new DataView(bytes.buffer).setUint16(18, 0x3e, true);
    expectRefusal(await run(bytes), "x86-64", /EM1001/);
  });
});
