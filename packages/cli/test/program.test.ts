import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeElf } from "@accelc/isa";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../src/tensor/npy.js";
import { accelc, scratch } from "./harness.js";
import { identityElf, identityObject } from "./programs.js";

let cwd: string;

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content);
const get = (name: string): Uint8Array => new Uint8Array(readFileSync(join(cwd, name)));
const floats = (shape: number[], ...data: number[]): Uint8Array =>
  encodeNpy({ type: "float32", shape, data: Float32Array.from(data) });

beforeEach(() => {
  cwd = scratch();
  put("p.elf", identityElf());
});

describe("run", () => {
  it("runs stacked samples, writes outputs and counts", async () => {
    put("x.npy", floats([2, 4], 0, 0.5, -1, 1, 2, 2.5, 1000, -1000));
    const r = await accelc(["run", "p.elf", "--input", "x=x.npy", "--output-dir", "out", "--stats-json", "s.json"], {
      cwd,
    });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(r.stdout).toMatch(
      /^2 samples in \d+\.\d\d s, written to out\ny\/out:0 {2}float32\[2,4\] {2}min -63\.5 {2}max 64\n$/,
    );
    expect(readdirSync(join(cwd, "out"))).toEqual(["y_out_0.npy"]);
    expect(decodeNpy(get("out/y_out_0.npy"))).toEqual({
      type: "float32",
      shape: [2, 4],
      data: Float32Array.of(0, 0.5, -1, 1, 2, 2.5, 64, -63.5),
    });
    const stats = JSON.parse(readFileSync(join(cwd, "s.json"), "utf8"));
    expect(stats).toMatchObject({ version: 1, samples: 2, engine: "fast", blocks: 1, traps: 0 });
    expect(stats.coverage).toEqual({ regions: 1, fastRegions: 1, calls: {}, fallbacks: {} });
    expect(stats.profile).toMatchObject({ samples: 2, gemm: 0, tandem: 0, transfer: 0, blocks: [{ gemm: 0 }] });
    expect(stats.profile.seconds).toBeLessThanOrEqual(stats.seconds);
    expect(stats).toMatchObject({ cyclesPerSample: 2, macUtilization: 0, energyPerSample: 12 });
    expect(stats.secondsPerSample).toBeCloseTo(stats.seconds / 2);
  });

  it("stops a sample after --max-cycles", async () => {
    put("x.npy", floats([1, 4], 0, 0.5, -1, 1));
    const run = (n: string) => accelc(["run", "p.elf", "--input", "x=x.npy", "--max-cycles", n], { cwd });
    expect(await run("2")).toMatchObject({ status: 0 });
    const r = await run("1");
    expect(r).toMatchObject({ status: 1, stdout: "" });
    expect(r.stderr).toMatch(
      /^p\.elf: EM2016: the program ran for more than 1 steps \[word 0, block 0.*\]\n {2}help: .*maxSteps/,
    );
    expect(await run("0")).toMatchObject({ status: 2 });
  });

  it("dumps the stored integers of tensors in memory", async () => {
    put("x.npy", floats([1, 4], 0, 0.5, -1, 1));
    const r = await accelc(["run", "p.elf", "--input", "x=x.npy", "--dump-tensors", "t", "--quiet"], { cwd });
    expect(r).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(decodeNpy(get("t/y_out_0.npy"))).toEqual({
      type: "int32",
      shape: [1, 4],
      data: Int32Array.of(-1, 0, -3, 1),
    });
  });

  it("dumps no more than 4 GiB", async () => {
    const { debug, ...rest } = identityObject();
    const [t] = debug.tensors;
    const tensors = [t!, { ...t!, name: "large", shape: [2 ** 15, 2 ** 15] }];
    put("large.elf", writeElf({ ...rest, debug: { ...debug, tensors } }));
    put("x.npy", floats([1, 4], 0, 0.5, -1, 1));
    const r = await accelc(["run", "large.elf", "--input", "x=x.npy", "--dump-tensors", "l"], { cwd });
    expect(r).toMatchObject({ status: 1, stdout: "" });
    expect(r.stderr).toBe(
      "CL1006: --dump-tensors: 2 tensors take 4294971392 bytes, more than 4294967296\n  help: compile the model in parts\n",
    );
    expect(readdirSync(join(cwd, "l"))).toEqual([]);
  });

  it.each([
    [
      [],
      "p.elf: EM1007: inputs do not fit the program:\n  x: missing, expected float32 [1, 4]\n  help: see the expected values above\n",
    ],
    [
      ["--input", "x=no.npy"],
      "CL1001: cannot read no.npy: no such file or folder\n  help: check the path and its permissions\n",
    ],
    [
      ["--input", "x=p.elf"],
      "CL1003: p.elf is not a tensor file: it is neither .npy nor .npz, and its name does not end in .pb\n  help: give a .npy, .npz or ONNX TensorProto .pb file\n",
    ],
    [
      ["--input", "x=nan.npy"],
      "p.elf: EM1007: inputs do not fit the program:\n  x: element 1 is NaN\n  help: see the expected values above\n",
    ],
    [
      ["--input", "x=f8.npy", "--input", "z=f8.npy"],
      "p.elf: EM1007: inputs do not fit the program:\n  x: type is float64, expected float32\n  z: no such input, expected x\n  help: see the expected values above\n",
    ],
    [
      ["--input", "x=nan.npy", "--output-dir", "p.elf"],
      "CL1002: cannot write p.elf: it exists and is not a folder\n  help: choose an existing folder that can be written to\n",
    ],
    [
      ["--input", "x=nan.npy", "--stats-json", "no/s.json"],
      "CL1002: cannot write no/s.json: no such file or folder\n  help: choose an existing folder that can be written to\n",
    ],
  ])("%j: status 1", async (argv, stderr) => {
    put("nan.npy", floats([1, 4], 0, Number.NaN, 0, 0));
    put("f8.npy", encodeNpy({ type: "float64", shape: [1, 4], data: new Float64Array(4) }));
    expect(await accelc(["run", "p.elf", ...argv], { cwd })).toEqual({ status: 1, stdout: "", stderr });
    expect(existsSync(join(cwd, "s.json"))).toBe(false);
  });

  it("refuses a truncated, a corrupted and a foreign program", async () => {
    const whole = identityElf();
    put("cut.elf", whole.subarray(0, 300));
    const broken = whole.slice();
    broken.fill(0xff, 40, 60);
    put("broken.elf", broken);
    put("other.elf", identityElf("tandem-16x16"));
    put("text.elf", "hello");
    const run = (file: string, ...more: string[]) => accelc(["run", file, ...more], { cwd });
    const texts = [
      await run("cut.elf"),
      await run("broken.elf"),
      await run("text.elf"),
      await run("other.elf", "--target", "tandem-32x32"),
    ];
    expect(texts.map((r) => r.status)).toEqual([1, 1, 1, 1]);
    expect(texts.map((r) => r.stderr)).toMatchInlineSnapshot(`
      [
        "cut.elf: EM1001: not a binary of this toolchain: the file ends before the part it announces: the section header table ends at byte 1928, the file at 300
        help: compile the model again
      ",
        "broken.elf: EM1001: not a binary of this toolchain: the parts of the file contradict each other: a header has an unexpected size
        help: compile the model again
      ",
        "text.elf: EM1001: not a binary of this toolchain: the file is not an ELF object: the first bytes are not 7f 45 4c 46
        help: compile the model again
      ",
        "other.elf: EM1004: the binary was compiled for another machine: tandem-16x16, hash 81b634bdfef8cb7db7dc9b1523f4ecdeccf08da5552d9ec1e685622a629cca98; the given machine tandem-32x32 has hash 4e2e59748f6613565638e46004691df6b19127cb99d511e4e0d2c75379e9d065
        help: compile again for this machine, or pass the description used when compiling
      ",
      ]
    `);
  });

  it("gives diagnostics as JSON lines", async () => {
    const r = await accelc(["run", "p.elf", "--diagnostics", "json"], { cwd });
    expect(r.status).toBe(1);
    expect(JSON.parse(r.stderr)).toMatchObject({ code: "EM1007", location: { model: "p.elf" } });
  });
});

describe("disasm and asm", () => {
  it("give the same bytes back", async () => {
    expect(await accelc(["disasm", "p.elf", "-o", "p.s"], { cwd })).toMatchObject({ status: 0, stdout: "" });
    expect(await accelc(["asm", "p.s", "-o", "q.elf"], { cwd })).toMatchObject({ status: 0, stderr: "" });
    expect(get("q.elf")).toEqual(get("p.elf"));
    const shown = await accelc(["disasm", "p.elf"], { cwd });
    expect(shown.stdout).toBe(readFileSync(join(cwd, "p.s"), "utf8"));
  });

  it("name the assembler's default output after the source", async () => {
    await accelc(["disasm", "p.elf", "-o", "net.s"], { cwd });
    await accelc(["asm", "net.s"], { cwd });
    expect(get("net.elf")).toEqual(get("p.elf"));
  });

  it("report every wrong line and write nothing", async () => {
    await accelc(["disasm", "p.elf", "-o", "p.s"], { cwd });
    put("bad.s", `${readFileSync(join(cwd, "p.s"), "utf8")}frobnicate\n`);
    const r = await accelc(["asm", "bad.s"], { cwd });
    expect(r.status).toBe(1);
    expect(r.stderr).toMatch(/^bad\.s:\d+: CL1007: /);
    expect(existsSync(join(cwd, "bad.elf"))).toBe(false);
  });

  it("refuse to overwrite their input", async () => {
    const r = await accelc(["disasm", "p.elf", "-o", "./p.elf"], { cwd });
    expect(r).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("cannot write ./p.elf: it is the input itself"),
    });
  });
});

describe("inspect of a program", () => {
  it("says what is in it", async () => {
    const r = await accelc(["inspect", "p.elf"], { cwd });
    expect(r.stdout).toMatchInlineSnapshot(`
      "machine  tandem-32x32 4e2e59748f6613565638e46004691df6b19127cb99d511e4e0d2c75379e9d065
      model    identity
      format   1
      .text    12 bytes, 3 instructions
      .rodata  0 bytes at 0x00000000
      .bss     64 bytes at 0x00001000

      input   x        float32[1,4]  0x00001000  8 bit  scale 0.5  zero -1
      output  y/out:0  float32[1,4]  0x00001000  8 bit  scale 0.5  zero -1

      block  name    unit    words  nodes
      0      block0  tandem  0+3    copy
      "
    `);
    const json = JSON.parse((await accelc(["inspect", "p.elf", "--json"], { cwd })).stdout);
    expect(json).toMatchObject({ kind: "elf", instructions: 3, blocks: [{ unit: "tandem", nodes: ["copy"] }] });
  });

  it("refuses a damaged one", async () => {
    put("cut.elf", identityElf().subarray(0, 300));
    const r = await accelc(["inspect", "cut.elf"], { cwd });
    expect(r.status).toBe(1);
    expect(r.stderr).toMatch(/^cut\.elf: CL1006: /);
  });
});
