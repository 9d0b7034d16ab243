import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModel, encodeModel } from "@accelc/frontend";
import { describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../src/tensor/npy.js";
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

  it("has the same outputs and the same error on any number of threads", async () => {
    const cwd = scratch();
    writeFileSync(join(cwd, "p.elf"), identityElf());
    const data = Float32Array.from({ length: 400 }, (_, i) => (i % 100) / 2);
    const put = (name: string) => writeFileSync(join(cwd, name), encodeNpy({ type: "float32", shape: [100, 4], data }));
    put("x.npy");
    data[170] = Number.NaN;
    data[390] = Number.NaN;
    put("nan.npy");
    const run = (threads: string, input: string, ...more: readonly string[]) =>
      accelc(["run", "p.elf", "--input", `x=${input}`, "--threads", threads, "--output-dir", threads, ...more], cwd);
    for (const threads of ["1", "2", "3"]) {
      expect(await run(threads, "x.npy", ...(threads === "3" ? ["--dump-tensors", "t"] : []))).toMatchObject({
        code: 0,
      });
      const [got, want] = [threads, "1"].map((f) => readFileSync(join(cwd, f, "y_out_0.npy")));
      expect(got!.equals(want!)).toBe(true);
      const failed = await run(threads, "nan.npy");
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain("x: element 2 is NaN (sample 42)\n  x: element 2 is NaN (sample 97)\n");
    }
    const dumped = decodeNpy(new Uint8Array(readFileSync(join(cwd, "t", "y_out_0.npy"))));
    expect([...dumped.data]).toEqual([396, 397, 398, 399].map((i) => (i % 100) - 1));
  });

  it("has threads help with one sample", async () => {
    const cwd = scratch();
    writeFileSync(join(cwd, "p.elf"), identityElf());
    const data = Float32Array.from({ length: 4 }, (_, i) => i / 2);
    writeFileSync(join(cwd, "x.npy"), encodeNpy({ type: "float32", shape: [1, 4], data }));
    const r = await accelc(["run", "p.elf", "--input", "x=x.npy", "--threads", "3", "--stats-json", "s.json"], cwd);
    expect(r).toMatchObject({ code: 0, stderr: "" });
    const { threads } = JSON.parse(readFileSync(join(cwd, "s.json"), "utf8"));
    expect(threads).toEqual({ available: true, used: 3, helpers: 2, piecesCut: 0, partsHelped: 0 });
  });

  it("verifies the same on any number of threads", async () => {
    const cwd = scratch();
    const wave = (n: number, step: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(i * step) / 2);
    const model = buildModel({
      inputs: [{ name: "x", shape: [1, 2, 5, 5] }],
      outputs: [{ name: "y", shape: [1, 3, 3, 3] }],
      initializers: [{ name: "w", shape: [3, 2, 3, 3], data: wave(54, 0.7) }],
      nodes: [{ op: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["y"] }],
    });
    writeFileSync(join(cwd, "m.onnx"), encodeModel(model));
    const data = Float32Array.from(wave(50 * 7, 0.3));
    writeFileSync(join(cwd, "x.npy"), encodeNpy({ type: "float32", shape: [7, 2, 5, 5], data }));
    const verify = (threads: string) =>
      accelc(["verify", "m.onnx", "--calib", "x=x.npy", "--threads", threads, "--json"], cwd);
    const [one, three] = [await verify("1"), await verify("3")];
    expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(one.stdout)).toMatchObject({ samples: 7, mismatches: 0 });
    expect(three).toEqual(one);
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
