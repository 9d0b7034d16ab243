import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { VERSION } from "../src/version.js";
import { accelc, scratch } from "./harness.js";

describe("usage", () => {
  it("prints its version, which is the package's", async () => {
    const pack = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(VERSION).toBe(pack.version);
    expect(await accelc(["--version"], { cwd: scratch() })).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  it("prints help with examples for every command", async () => {
    const cwd = scratch();
    const top = await accelc(["--help"], { cwd });
    expect(top.status).toBe(0);
    for (const c of ["compile", "run", "verify", "disasm", "asm", "inspect", "targets", "ops", "zoo", "conformance"]) {
      expect(top.stdout).toContain(`  ${c} `);
      const help = await accelc([c, "--help"], { cwd });
      expect(help).toMatchObject({ status: 0, stderr: "" });
      expect(help.stdout).toContain("Examples:\n  $ accelc ");
    }
  });

  it.each([
    [[], "error: missing required argument 'model.onnx'"],
    [["compile"], "error: missing required argument 'model.onnx'"],
    [["m.onnx", "--unheard-of", "latency"], "error: unknown option '--unheard-of'"],
    [
      ["run", "p.elf", "--engine", "slow"],
      "error: option '--engine <engine>' argument 'slow' is invalid. Allowed choices are fast, reference.",
    ],
    [
      ["m.onnx", "--calib", "x.npy"],
      "error: option '--calib <NAME=file>' argument 'x.npy' is invalid. It must be NAME=file.",
    ],
    [["m.onnx", "--calib", "x=a.npy", "--calib", "x=b.npy"], "argument 'x=b.npy' is invalid. x is given twice."],
    [["m.onnx", "--input-shape", "x=1,-3"], "argument 'x=1,-3' is invalid. It must be NAME=1,3,224,224."],
    [["m.onnx", "--seed", "abc"], "argument 'abc' is invalid. It must be a whole number."],
    [["verify", "m.onnx", "--samples", "0"], "argument '0' is invalid. It must be 1 or more."],
    [["m.onnx", "--percentile", "99"], "accelc: --percentile needs --act-quant percentile"],
    [["m.onnx", "--dump-after", "x"], "accelc: --dump-after needs --dump-ir"],
    [["m.onnx", "--dump-ir", "d", "--dump-after", "x"], "accelc: --dump-after x: passes are "],
    [
      ["m.onnx", "--stop-after", "x"],
      "accelc: --stop-after x: stages are import, canonicalize, calibrate, quantize, lower",
    ],
    [["m.onnx", "extra"], "error: too many arguments"],
  ])("%j is wrong usage: status 2", async (argv, message) => {
    const r = await accelc(argv, { cwd: scratch() });
    expect(r.stderr).toContain(message);
    expect(r).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("targets", () => {
  it("lists machines and prints one", async () => {
    const cwd = scratch();
    const list = await accelc(["targets"], { cwd });
    expect(list.stdout).toContain("tandem-32x32");
    const one = await accelc(["targets", "tandem-32x32"], { cwd });
    expect(one.stdout).toMatch(/array\.rows +32 +thesis Table 4\.4\n/);
    const json = JSON.parse((await accelc(["targets", "tandem-16x16", "--json"], { cwd })).stdout);
    expect(json.array.rows).toBe(16);
  });

  it("refuses an unknown name", async () => {
    const r = await accelc(["targets", "tandem-33x33"], { cwd: scratch() });
    expect(r.status).toBe(1);
    expect(r.stderr).toMatch(/^MA1001: unknown machine: tandem-33x33\n {2}help: Known machines: tandem-32x32, /);
  });
});

describe("ops", () => {
  it("lists operators as text, Markdown and JSON", async () => {
    const cwd = scratch();
    const text = await accelc(["ops"], { cwd });
    expect(text).toMatchObject({ status: 0, stderr: "" });
    expect(text.stdout).toMatch(/^operator +opsets +runs on +instructions per element +what is supported\n/);
    expect(text.stdout).toMatch(/\nConv +\d+\+ +systolic /);
    expect((await accelc(["ops", "--markdown"], { cwd })).stdout).toMatch(
      /^\| operator \| opsets \| runs on \| instructions per element \| what is supported \|\n\| --- \| --- \| --- \| --- \| --- \|\n\| /,
    );
    const list = JSON.parse((await accelc(["ops", "--json"], { cwd })).stdout);
    expect(list).toContainEqual(expect.objectContaining({ op: "Relu", domain: "ai.onnx", unit: "tandem" }));
  });
});
