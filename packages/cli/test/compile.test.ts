import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../src/tensor/npy.js";
import { accelc, scratch } from "./harness.js";

let cwd: string;

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content);
const get = (name: string): Buffer => readFileSync(join(cwd, name));
const json = (name: string) => JSON.parse(get(name).toString());

const wave = (n: number, step: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(i * step) / 2);

/** Two inputs: relu(conv(x) + s), global mean, dense. */
const MODEL: ModelText = {
  name: "small",
  inputs: [
    { name: "x", shape: ["N", 3, 6, 5] },
    { name: "s", shape: ["N", 4, 1, 1] },
  ],
  outputs: [{ name: "y", shape: ["N", 2] }],
  initializers: [
    { name: "w", shape: [4, 3, 3, 3], data: wave(108, 0.7) },
    { name: "b", shape: [4], data: wave(4, 1.1) },
    { name: "d", shape: [4, 2], data: wave(8, 0.9) },
  ],
  nodes: [
    { op: "Conv", name: "conv", inputs: ["x", "w", "b"], outputs: ["c"], attributes: { pads: { ints: [1, 1, 1, 1] } } },
    { op: "Add", name: "add", inputs: ["c", "s"], outputs: ["a"] },
    { op: "Relu", name: "relu", inputs: ["a"], outputs: ["r"] },
    { op: "GlobalAveragePool", name: "pool", inputs: ["r"], outputs: ["p"] },
    { op: "Flatten", name: "flat", inputs: ["p"], outputs: ["f"] },
    { op: "Gemm", name: "dense", inputs: ["f", "d"], outputs: ["y"] },
  ],
};

const floats = (shape: number[], step: number): Uint8Array =>
  encodeNpy({
    type: "float32",
    shape,
    data: Float32Array.from(
      wave(
        shape.reduce((a, b) => a * b, 1),
        step,
      ),
    ),
  });

const CALIB = ["--calib", "x=x.npy", "--calib", "s=s.npy"];

beforeEach(() => {
  cwd = scratch();
  put("m.onnx", encodeModel(buildModel(MODEL)));
  put("x.npy", floats([5, 3, 6, 5], 0.31));
  put("s.npy", floats([5, 4, 1, 1], 0.5));
});

describe("compile", () => {
  it("writes one ELF file next to where it is called, and says what it did", async () => {
    mkdirSync(join(cwd, "models"));
    put("models/net.onnx", get("m.onnx"));
    const r = await accelc(["models/net.onnx", ...CALIB], { cwd });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(r.stdout).toMatch(
      /^models\/net\.onnx: 6 nodes \(2 on the array, \d on Tandem, \d folded\) in \d+ blocks?, [\d,]+ instructions, [\d,]+ bytes of weights, [\d,]+ bytes of activations; [\d,]+ bytes in net\.elf, for tandem-32x32, in \d+\.\d\d s\.\n$/,
    );
    expect(readdirSync(cwd).sort()).toEqual(["m.onnx", "models", "net.elf", "s.npy", "x.npy"]);
  });

  it("is deterministic, whatever the files are called", async () => {
    await accelc(["compile", "m.onnx", "-o", "a.elf", ...CALIB], { cwd });
    put("other.onnx", get("m.onnx"));
    await accelc(["compile", "./other.onnx", "-o", "b.elf", ...CALIB], { cwd });
    expect(get("a.elf").equals(get("b.elf"))).toBe(true);
  });

  it("takes ranges from a table that it wrote", async () => {
    await accelc(["m.onnx", "-o", "a.elf", ...CALIB, "--write-calib-table", "t.json"], { cwd });
    expect(json("t.json")).toMatchObject({ version: 1, ranges: { x: { max: expect.any(Number) } } });
    expect(Object.keys(json("t.json").ranges)).toEqual(Object.keys(json("t.json").ranges).sort());
    const r = await accelc(["m.onnx", "-o", "b.elf", "--calib-table", "t.json", "--quiet"], { cwd });
    expect(r).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(get("a.elf").equals(get("b.elf"))).toBe(true);
  });

  it("narrows ranges by percentile", async () => {
    await accelc(["m.onnx", ...CALIB, "--write-calib-table", "a.json"], { cwd });
    await accelc(
      ["m.onnx", ...CALIB, "--act-quant", "percentile", "--percentile", "95", "--write-calib-table", "b.json"],
      { cwd },
    );
    expect(json("b.json").ranges.c.max).toBeLessThan(json("a.json").ranges.c.max);
  });

  it("reports as JSON", async () => {
    await accelc(["m.onnx", ...CALIB, "--report-json", "r.json"], { cwd });
    const report = json("r.json");
    expect(report).toMatchObject({
      version: 1,
      model: "m.onnx",
      target: "tandem-32x32",
      precision: "int8",
      nodes: { total: 6, systolic: 2 },
      macs: 4 * 27 * 30 + 8,
      diagnostics: [],
    });
    expect(Object.keys(report.seconds)).toEqual([
      "total",
      "import",
      "canonicalize",
      "calibrate",
      "quantize",
      "lower",
      "link",
    ]);
    const { total, systolic, tandem, folded } = report.nodes;
    expect(systolic + tandem + folded).toBe(total);
    expect(report.bytes.total).toBe(get("m.elf").length);
    expect(report.instructions * 4).toBe(report.bytes.text);
    expect(report.blocks.length).toBeGreaterThan(0);
    expect(report.blocks[0]).toMatchObject({ id: 0, nodes: expect.arrayContaining(["conv"]), unit: "both" });
    const { estimated, simulated, lowerBound, gap } = report.cycles;
    expect(estimated).toBe(simulated);
    expect(simulated).toBe(report.blocks.reduce((sum: number, b: { cycles: number }) => sum + b.cycles, 0));
    expect(lowerBound).toBeGreaterThan(0);
    expect(gap).toBeCloseTo(estimated / lowerBound - 1);
    for (const b of report.blocks) {
      expect(["dram", "systolic", "tandem", "latency"]).toContain(b.boundBy);
      expect(b.dramBytes + b.cycles).toBeGreaterThan(0);
      if (b.unit !== "tandem") expect(["weight", "input", "output", "single"]).toContain(b.dataflow);
    }
    expect(report.blocks[0].stops[0].reason).toMatch(/GEMM|window|movement|shape/);
    expect(report.bytes.activations).toBeGreaterThanOrEqual(report.bytes.activationsLowerBound);
    const inputs = report.blocks.flatMap((b: { input?: unknown }) => b.input ?? []);
    expect(inputs).toHaveLength(2);
    expect(inputs[0]).toEqual({ place: "DRAM", reason: expect.any(String) });
  });

  it("explains partition, tiling and memory", async () => {
    const say = async (what: string) =>
      (await accelc(["m.onnx", ...CALIB, "--quiet", "--explain", what], { cwd })).stdout;
    expect(await say("partition")).toMatch(/^block 0 compute %.*: \d+ cycles: conv \(Conv\)/);
    expect(await say("partition")).toMatch(/\n {2}conv \(Conv\): array \d+.*; all on Tandem \d+.*; moving \d+\n/);
    expect(await say("partition")).toMatch(/\n {2}ends ahead of .*: a block has one GEMM\n/);
    expect(await say("tiling")).toMatch(/double-buffered .*; \d+ cycles; .* measured/);
    expect(await say("memory")).toMatch(/^constants: \d+ bytes at 0x10000\nactivations: \d+ bytes/);
  });

  it("chooses mappings by cycles, energy or both, within a budget", async () => {
    const cycles = async (...flags: string[]) => {
      expect((await accelc(["m.onnx", ...CALIB, "--report-json", "o.json", ...flags], { cwd })).status).toBe(0);
      return JSON.parse(get("o.json").toString()).cycles.estimated as number;
    };
    const best = await cycles();
    expect(await cycles("--search-budget", "1")).toBeGreaterThanOrEqual(best);
    expect(await cycles("--optimize", "energy")).toBeGreaterThanOrEqual(best);
    expect(await cycles("--optimize", "edp")).toBeGreaterThanOrEqual(best);
    const { status, stderr } = await accelc(["m.onnx", ...CALIB, "--optimize", "speed"], { cwd });
    expect([status, stderr]).toEqual([1, expect.stringContaining("PA2002")]);
  });

  it("dumps the graph after passes", async () => {
    await accelc(["m.onnx", ...CALIB, "--dump-ir", "ir"], { cwd });
    const files = readdirSync(join(cwd, "ir"));
    expect(files[0]).toBe("00-import.txt");
    expect(get(`ir/${files[0]}`).toString()).toMatch(/^graph "small"\(%x: float32\[1,3,6,5\]/);
    const quantized = files.find((f) => f.endsWith("-quantize.txt"))!;
    expect(get(`ir/${quantized}`).toString()).toMatch(/int8\[1,3,6,5\]\{scale /);
    await accelc(["m.onnx", ...CALIB, "--dump-ir", "one", "--dump-after", "quantize"], { cwd });
    expect(readdirSync(join(cwd, "one"))).toEqual([quantized]);
  });

  it("stops after a stage without an ELF file", async () => {
    const r = await accelc(["m.onnx", "--stop-after", "canonicalize", "--timing", "--report-json", "r.json"], { cwd });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(r.stdout).toMatch(
      /^stopped after canonicalize\ntotal +\d\.\d{3} s\nimport +\d\.\d{3} s\ncanonicalize +\d\.\d{3} s\n$/,
    );
    expect(json("r.json")).toMatchObject({ instructions: 0, blocks: [] });
    expect(existsSync(join(cwd, "m.elf"))).toBe(false);
  });

  it("compiles for a machine in a file", async () => {
    put("mine.json", JSON.stringify({ name: "mine", extends: "tandem-16x16", instructionBufferWords: 4096 }));
    const r = await accelc(["m.onnx", ...CALIB, "--target", "mine.json"], { cwd });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    const refused = await accelc(["run", "m.elf", "--input", "x=x.npy", "--input", "s=s.npy"], { cwd });
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("EM1003") });
    const ran = await accelc(["run", "m.elf", "--input", "x=x.npy", "--input", "s=s.npy", "--target", "mine.json"], {
      cwd,
    });
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining("5 samples") });
  });

  it("is silent about progress when piped, whatever it takes", async () => {
    expect((await accelc(["m.onnx", ...CALIB], { cwd })).stderr).toBe("");
    expect((await accelc(["verify", "m.onnx", ...CALIB], { cwd })).stderr).toBe("");
  });
});

describe("run of what was compiled", () => {
  it("gives one row of outputs per sample, close to the float model", async () => {
    await accelc(["m.onnx", ...CALIB], { cwd });
    const r = await accelc(["run", "m.elf", "--input", "x=x.npy", "--input", "s=s.npy", "--output-dir", "out"], {
      cwd,
    });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    const y = decodeNpy(get("out/y.npy"));
    expect(y).toMatchObject({ type: "float32", shape: [5, 2] });
    expect(Math.max(...Array.from(y.data as Float32Array, Math.abs))).toBeGreaterThan(0);
  });
});

describe("verify", () => {
  it("finds no difference between integer model and emulator", async () => {
    const r = await accelc(["verify", "m.onnx", ...CALIB], { cwd });
    expect(r.stderr).toBe("");
    expect(r.status).toBe(0);
    expect(r.stdout).toMatch(/\n5 samples, \d+ tensors compared, \d+ fused: 0 mismatches\n$/);
  });

  it("reports as JSON, on given inputs and a number of samples", async () => {
    put("z.npy", floats([5, 3, 6, 5], 0.11));
    const argv = ["verify", "m.onnx", ...CALIB, "--input", "x=z.npy", "--input", "s=s.npy", "--samples", "2", "--json"];
    const report = JSON.parse((await accelc(argv, { cwd })).stdout);
    expect(report).toMatchObject({ version: 1, model: "m.onnx", samples: 2, mismatches: 0, firstDivergence: null });
    const y = report.tensors.find((t: { name: string }) => t.name === "y");
    expect(y).toMatchObject({ name: "y", node: "dense", mismatchesIntegerVsEmulator: 0 });
    expect(y.sqnrFloatVsInteger).toBeGreaterThan(20);
  });

  it("refuses inputs that do not fit", async () => {
    put("z.npy", floats([1, 3, 6, 6], 0.11));
    const r = await accelc(["verify", "m.onnx", ...CALIB, "--input", "x=z.npy", "--input", "s=s.npy"], { cwd });
    expect(r).toMatchObject({ status: 1, stderr: expect.stringContaining("PA1001: calibration data for input x") });
  });
});

describe("inspect of a model", () => {
  it("says what is in it", async () => {
    expect((await accelc(["inspect", "m.onnx"], { cwd })).stdout).toMatchInlineSnapshot(`
      "graph       small
      producer    accelc
      opsets      ai.onnx 13
      input       x  float32[1,3,6,5]
      input       s  float32[1,4,1,1]
      output      y  float32[1,2]
      nodes       6: Add 1, Conv 1, Flatten 1, Gemm 1, GlobalAveragePool 1, Relu 1
      parameters  120
      MACs        3,248
      "
    `);
    const d = JSON.parse((await accelc(["inspect", "m.onnx", "--json"], { cwd })).stdout);
    expect(d).toMatchObject({ kind: "model", parameters: 120, macs: 4 * 27 * 30 + 8, operators: { Conv: 1 } });
  });

  it("refuses what is none", async () => {
    put("bad", "hello");
    expect(await accelc(["inspect", "bad"], { cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("FE2001"),
    });
  });
});
