import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { scratch } from "./harness.js";
import { identityElf } from "./programs.js";

const BIN = fileURLToPath(new URL("../bin/accelc.js", import.meta.url));
const BUILT = existsSync(fileURLToPath(new URL("../dist/main.js", import.meta.url)));

/** Runs the built command; `close` shuts its standard output after that many bytes. */
function accelc(argv: readonly string[], cwd: string, close?: number) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    const child = spawn(process.execPath, [BIN, ...argv], { cwd });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (d: Buffer) => {
      stdout += d;
      if (close !== undefined && stdout.length >= close) child.stdout.destroy();
    });
    child.stderr.on("data", (d: Buffer) => {
      stderr += d;
    });
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
}

// Real processes need the built package; `npm test` builds first.
describe.skipIf(!BUILT)("the accelc process", () => {
  it("exits with the command's status", async () => {
    const cwd = scratch();
    expect(await accelc(["--version"], cwd)).toMatchObject({ code: 0, stderr: "" });
    expect(await accelc(["no.onnx"], cwd)).toMatchObject({ code: 1, stdout: "" });
    expect(await accelc(["run"], cwd)).toMatchObject({ code: 2, stdout: "" });
  });

  it("ends quietly when its reader goes away", async () => {
    const cwd = scratch();
    const text = Array.from({ length: 60_000 }, (_, i) => `n${i}`).join(" ");
    writeFileSync(join(cwd, "p.elf"), identityElf("tandem-32x32", text));
    const r = await accelc(["disasm", "p.elf"], cwd, 1);
    expect(r).toMatchObject({ code: 0, stderr: "" });
  });

  it("runs a program and leaves only its results", async () => {
    const cwd = scratch();
    writeFileSync(join(cwd, "p.elf"), identityElf());
    const r = await accelc(["run", "p.elf", "--input", "x=p.elf", "--output-dir", "out"], cwd);
    expect(r.code).toBe(1);
    expect(r.stderr).toContain("CL1003");
    expect(readdirSync(join(cwd, "out"))).toEqual([]);
  });
});
