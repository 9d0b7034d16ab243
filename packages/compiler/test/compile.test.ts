import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";
import { AccelcError, CompilerBug } from "@accelc/ir";
import { readElf } from "@accelc/isa";
import { describe, expect, it } from "vitest";
import { fromCalibTable, toCalibTable } from "../src/calib-table.js";
import { compile, compileStages, PASS_NAMES, type Stage } from "../src/index.js";

const wave = (n: number, step: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(i * step) / 2);

const MODEL: ModelText = {
  name: "small",
  inputs: [{ name: "x", shape: [1, 2, 5, 5] }],
  outputs: [{ name: "y", shape: [1, 3, 3, 3] }],
  initializers: [{ name: "w", shape: [3, 2, 3, 3], data: wave(54, 0.7) }],
  nodes: [
    { op: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["c"] },
    { op: "Relu", name: "relu", inputs: ["c"], outputs: ["y"] },
  ],
};

const bytes = encodeModel(buildModel(MODEL));
const calibration = {
  x: { type: "float32" as const, shape: [2, 2, 5, 5], data: Float32Array.from(wave(100, 0.3)) },
};

describe("compile", () => {
  it("gives an ELF file, its object, both graphs, ranges and a report", async () => {
    const r = await compile(bytes, { calibration, modelName: "m.onnx" });
    expect(readElf(r.elf)).toEqual(r.object);
    expect(r.floatGraph.inputs[0]?.name).toBe("x");
    expect(r.integerGraph.values.get(r.integerGraph.inputs[0]!.value)?.type.dtype).toBe("int8");
    expect(Object.keys(r.calibration.ranges)).toEqual(["c", "x", "y"]);
    expect(r.report).toMatchObject({ model: "m.onnx", nodes: { total: 2, systolic: 1 }, macs: 27 * 18 });
    expect(r.diagnostics).toEqual([]);
  });

  it("gives the same bytes every time, and from its own table", async () => {
    const a = await compile(bytes, { calibration });
    const b = await compile(bytes, { calibration, modelName: "elsewhere/m.onnx" });
    const c = await compile(bytes, {
      calibTable: { file: "t.json", table: JSON.parse(JSON.stringify(a.calibration)) },
    });
    expect(b.elf).toEqual(a.elf);
    expect(c.elf).toEqual(a.elf);
  });

  it("reports stages with fractions and dumps graphs in the order of PASS_NAMES", async () => {
    const stages: (readonly [Stage, number | undefined])[] = [];
    const dumps: string[] = [];
    await compile(bytes, {
      calibration,
      onStage: (stage, fraction) => stages.push([stage, fraction]),
      onDump: (pass) => dumps.push(pass),
    });
    expect(stages.map(([s, f]) => (f === undefined ? s : f))).toEqual([
      "import",
      "canonicalize",
      "calibrate",
      0.5,
      1,
      "quantize",
      "lower",
      "link",
    ]);
    expect(dumps[0]).toBe("import");
    expect(new Set(dumps)).toEqual(new Set(PASS_NAMES));
  });

  it("invents no calibration data", async () => {
    const error = await compile(bytes, { modelName: "m.onnx" }).catch((e: AccelcError) => e);
    expect(error).toBeInstanceOf(AccelcError);
    expect(error).toMatchObject({ code: "PA1003", location: { model: "m.onnx" } });
  });

  it("refuses what is not available, all at once", async () => {
    const error = await compile(bytes, { precision: "int4", weightQuant: "sawb" }).catch((e: AccelcError) => e);
    expect((error as AccelcError).diagnostics.map((d) => d.code)).toEqual(["PA2002", "PA2002"]);
  });

  it("names the stage of an unexpected exception", async () => {
    const onDump = (pass: string) => {
      if (pass === "quantize") throw new TypeError("broken");
    };
    const error = await compile(bytes, { calibration, onDump }).catch((e: CompilerBug) => e);
    expect(error).toBeInstanceOf(CompilerBug);
    expect(error).toMatchObject({ stage: "quantize", message: "quantize: broken" });
  });
});

describe("compileStages", () => {
  it.each([
    ["import", []],
    ["calibrate", ["calibration"]],
    ["quantize", ["calibration", "integerGraph"]],
    ["lower", ["calibration", "integerGraph", "object"]],
  ] as const)("stops after %s", async (stopAfter, made) => {
    const r = await compileStages(bytes, { calibration, stopAfter });
    const optional = ["calibration", "elf", "integerGraph", "object"].filter((k) => k in r);
    expect(optional).toEqual(made);
    expect(Object.keys(r.report.seconds).at(-1)).toBe(stopAfter);
  });
});

describe("calibration tables", () => {
  it("round-trip through JSON, sorted by name", () => {
    const ranges = new Map([
      ["b", { min: -1, max: 0.1 }],
      ["a", { min: 0, max: 0 }],
    ]);
    const table = JSON.parse(JSON.stringify(toCalibTable({ ranges })));
    expect(Object.keys(table.ranges)).toEqual(["a", "b"]);
    expect(fromCalibTable(table, ["b"], "t.json").ranges).toEqual(ranges);
  });

  it.each([
    [[], "it is no object with ranges"],
    [{ version: 1, ranges: { a: { min: 2, max: 1 } } }, "the range of a is not a min and a max"],
    [{ version: 1, ranges: { a: { min: "0", max: 1 } } }, "the range of a is not a min and a max"],
    [{ version: 1, ranges: {} }, "it has no range for x"],
  ])("refuses %j", (table, reason) => {
    expect(() => fromCalibTable(table, ["x"], "t.json")).toThrow(`--calib-table t.json: ${reason}`);
  });
});
