import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";
import { AccelcError, CompilerBug } from "@accelc/ir";
import { readElf } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
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
    expect(r.object?.debug.blocks.map((b) => b.macs)).toEqual([27 * 18]);
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
      equalize: true,
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
    const error = await compile(bytes, { precision: "int5", weightQuant: "least" }).catch((e: AccelcError) => e);
    expect((error as AccelcError).diagnostics.map((d) => d.code)).toEqual(["PA2002", "PA2002"]);
  });

  it.each(["minmax", "percentile", "mse", "octav", "pact"])("chooses ranges of activations by %s", async (actQuant) => {
    const r = await compile(bytes, { calibration, actQuant, modelName: "m.onnx" });
    const scale = r.integerGraph.values.get(r.integerGraph.inputs[0]!.value)!.type.quant!.scale[0]!;
    const { min, max } = r.calibration.ranges.x!;
    expect(scale).toBe((Math.max(0, max) - Math.min(0, min)) / 255);
    const table = { file: "t.json", table: JSON.parse(JSON.stringify(r.calibration)) };
    expect((await compile(bytes, { calibTable: table })).elf).toEqual(r.elf);
    expect(r.diagnostics.map((d) => d.code)).toEqual(actQuant === "pact" ? ["PA3003"] : []);
    expect(r.report.diagnostics).toEqual(r.diagnostics);
  });

  it.each(["max", "mse", "octav", "sawb"])("chooses scales of weights by %s", async (weightQuant) => {
    const r = await compile(bytes, { calibration, weightQuant, modelName: "m.onnx" });
    expect(r.elf.length).toBeGreaterThan(0);
    const notes = r.diagnostics.map((d) => `${d.code} ${d.message}`);
    const sawb = "PA3001 SAWB is not used for 1 weight tensors of 8 bits: their scales follow from the maximum";
    expect(notes).toEqual(weightQuant === "sawb" ? [sawb] : []);
  });

  it.each(["int16", "int4", "int2"])("compiles to %s, its table for its bits", async (precision) => {
    const options = { precision, actQuant: "mse", weightQuant: "mse" };
    const r = await compile(bytes, { ...options, calibration });
    expect(r.calibration.bits).toBe(Number(precision.slice(3)));
    const table = { file: "t.json", table: JSON.parse(JSON.stringify(r.calibration)) };
    expect((await compile(bytes, { precision, weightQuant: "mse", calibTable: table })).elf).toEqual(r.elf);
    const eight = await compile(bytes, { weightQuant: "mse", calibTable: table });
    expect(eight.elf).toEqual((await compile(bytes, { actQuant: "mse", weightQuant: "mse", calibration })).elf);
  });

  it("refuses formats that the machine's array does not have", async () => {
    const whole = machinePreset("tandem-32x32");
    const target = { ...whole, array: { ...whole.array, formats: { ...whole.array.formats, int4: 0, hfp8: 0 } } };
    for (const [precision, reason] of [
      ["int4", "has no int4"],
      ["hfp8", "has no hfp8"],
    ] as const) {
      const error = await compile(bytes, { calibration, precision, target }).catch((e: AccelcError) => e);
      expect(error).toMatchObject({ code: "PA2002" });
      expect((error as AccelcError).message).toContain(reason);
    }
  });

  const METHODS = ["minmax", "percentile", "mse", "octav", "pact"].flatMap((actQuant) =>
    ["max", "mse", "octav", "sawb"].map((weightQuant) => [actQuant, weightQuant] as const),
  );
  it.each(METHODS)("takes activations and weights of zeros, and constants: %s, %s", async (actQuant, weightQuant) => {
    const zeros = encodeModel(
      buildModel({ ...MODEL, initializers: [{ name: "w", shape: [3, 2, 3, 3], data: new Array(54).fill(0) }] }),
    );
    for (const precision of ["int8", "int4", "int2"])
      for (const [model, level] of [
        [bytes, 0],
        [bytes, 3],
        [bytes, 1e-38],
        [zeros, 1],
        [bytes, 1e20],
      ] as const) {
        const data = new Float32Array(50).fill(level);
        data[7] = level === 0 ? 1e-45 : 0;
        const x = { type: "float32" as const, shape: [1, 2, 5, 5], data };
        const r = await compile(model, { calibration: { x }, precision, actQuant, weightQuant });
        const scales = [...r.integerGraph.values.values()].flatMap((v) => v.type.quant?.scale ?? []);
        expect(scales.every((s) => s > 0 && Number.isFinite(s))).toBe(true);
      }
  });

  it("refuses calibration data that are one number throughout", async () => {
    for (const level of [0, 3]) {
      const x = { type: "float32" as const, shape: [2, 2, 5, 5], data: new Float32Array(100).fill(level) };
      const error = await compile(bytes, { calibration: { x } }).catch((e: AccelcError) => e);
      expect(error).toMatchObject({ code: "PA1007" });
      expect((error as AccelcError).message).toContain(`calibration data for input x hold ${level} throughout`);
    }
  });

  it.each(["int16", "int4", "int2"])(
    "quantizes to %s, also from its own table, and reports its layers",
    async (precision) => {
      const r = await compile(bytes, { calibration, precision });
      const table = { file: "t.json", table: JSON.parse(JSON.stringify(r.calibration)) };
      expect((await compile(bytes, { calibTable: table, precision })).elf).toEqual(r.elf);
      const [layer] = r.report.layers;
      // One layer is the first and the last: 16 bits in, 8 bits of weights.
      expect(layer).toMatchObject({ node: "conv", activations: "int16", weights: "int8" });
      expect(layer!.input).toMatchObject({ tensor: "x", range: "calibrated" });
      const { min, max } = layer!.input;
      expect([min!, max!]).toEqual([expect.closeTo(-0.5, 2), expect.closeTo(0.5, 2)]);
    },
  );

  it("takes formats of single layers, and says which edges are wide", async () => {
    const layers = new Map([["conv", { activations: "int4", weights: "int2" } as const]]);
    const r = await compile(bytes, { calibration, layers });
    expect(r.report.layers).toMatchObject([{ activations: "int4", weights: "int2" }]);
    const none = { first: false, shortcuts: false, last: false };
    const narrow = await compile(bytes, { calibration, precision: "int2", edges: none });
    expect(narrow.report.layers).toMatchObject([{ activations: "int2", weights: "int2" }]);
    const unknown = new Map([["cnov", layers.get("conv")!]]);
    await expect(compile(bytes, { calibration, layers: unknown })).rejects.toMatchObject({ code: "PA2004" });
  });

  it("takes the clips of a trained network as ranges, and the maximum of what no clip bounds", async () => {
    const clipped: ModelText = {
      ...MODEL,
      outputs: [{ name: "z", shape: [1, 3, 1, 1] }],
      initializers: [
        ...MODEL.initializers!,
        { name: "v", shape: [3, 3, 3, 3], data: wave(81, 0.9) },
        { name: "lo", shape: [], data: [0] },
        { name: "hi", shape: [], data: [0.7] },
      ],
      nodes: [
        { op: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["c"] },
        { op: "Clip", name: "clip", inputs: ["c", "lo", "hi"], outputs: ["y"] },
        { op: "Conv", name: "head", inputs: ["y", "v"], outputs: ["z"] },
      ],
    };
    const model = encodeModel(buildModel(clipped));
    const edges = { last: false };
    const r = await compile(model, { calibration, precision: "int4", weightQuant: "sawb", edges, modelName: "m.onnx" });
    const alpha = Math.fround(0.7);
    expect(r.report.layers[1]).toMatchObject({
      activations: "int4",
      weights: "int4",
      input: { tensor: "y", min: 0, range: "learned" },
    });
    expect(r.report.layers[1]!.input.max).toBeCloseTo(alpha, 12);
    expect(r.diagnostics.map((d) => d.code)).toEqual(["PA3001", "PA3003"]);
    const free = await compile(model, { calibration, precision: "int4", actQuant: "minmax", edges });
    expect(free.report.layers[1]!.input.range).toBe("calibrated");
  });

  it("lets a range that was put in by hand win", async () => {
    const r = await compile(bytes, { calibration, actQuant: "mse" });
    const table = JSON.parse(JSON.stringify(r.calibration));
    table.ranges.x = { ...table.ranges.x, min: -2, max: 3.1 };
    const edited = await compile(bytes, { calibTable: { file: "t.json", table } });
    const { scale } = edited.integerGraph.values.get(edited.integerGraph.inputs[0]!.value)!.type.quant!;
    expect(scale[0]).toBe(5.1 / 255);
  });

  it("lets it win over a clip that the model has learned", async () => {
    const clipped = encodeModel(
      buildModel({
        ...MODEL,
        outputs: [{ name: "z", shape: [1, 2, 3, 3] }],
        initializers: [
          ...MODEL.initializers!,
          { name: "v", shape: [2, 3, 1, 1], data: [1, 2, -2, 3, 1, 1] },
          { name: "lo", shape: [], data: [0] },
          { name: "hi", shape: [], data: [1.5] },
        ],
        nodes: [
          MODEL.nodes[0]!,
          { op: "Clip", name: "clip", inputs: ["c", "lo", "hi"], outputs: ["y"] },
          { op: "Conv", name: "last", inputs: ["y", "v"], outputs: ["z"] },
        ],
      }),
    );
    const scaleOf = (r: Awaited<ReturnType<typeof compile>>) =>
      [...r.integerGraph.values.values()].find((v) => v.source === "y" && v.type.quant)!.type.quant!.scale[0]!;
    const r = await compile(clipped, { calibration, actQuant: "pact" });
    expect(scaleOf(r)).toBe(1.5 / 255);
    const table = JSON.parse(JSON.stringify(r.calibration));
    table.ranges.y.max = 1.25;
    const edited = await compile(clipped, { calibTable: { file: "t.json", table }, actQuant: "pact" });
    expect(scaleOf(edited)).toBe((1.25 - Math.min(0, table.ranges.y.min)) / 255);
  });

  it("takes weights by SAWB where clips look trained, unless told otherwise", async () => {
    const levels = (a: number, b: number) =>
      encodeModel(
        buildModel({
          ...MODEL,
          outputs: [{ name: "z", shape: [1, 2, 3, 3] }],
          initializers: [
            ...MODEL.initializers!,
            { name: "v", shape: [2, 3, 1, 1], data: wave(6, 1.3) },
            { name: "u", shape: [2, 2, 1, 1], data: wave(4, 0.8) },
            ...[0, a, b].map((x, i) => ({ name: `l${i}`, shape: [], data: [x] })),
          ],
          nodes: [
            { op: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["c"] },
            { op: "Clip", name: "clip1", inputs: ["c", "l0", "l1"], outputs: ["y"] },
            { op: "Conv", name: "middle", inputs: ["y", "v"], outputs: ["d"] },
            { op: "Clip", name: "clip2", inputs: ["d", "l0", "l2"], outputs: ["e"] },
            { op: "Conv", name: "last", inputs: ["e", "u"], outputs: ["z"] },
          ],
        }),
      );
    const codes = async (model: Uint8Array, options: { precision: string; weightQuant?: string }) =>
      (await compile(model, { calibration, ...options })).diagnostics.map((d) => d.code);
    expect(await codes(levels(1.5, 0.75), { precision: "int4" })).toContain("PA3005");
    expect(await codes(levels(1.5, 0.75), { precision: "int4", weightQuant: "max" })).not.toContain("PA3005");
    expect(await codes(levels(1.5, 0.75), { precision: "int8" })).not.toContain("PA3005");
    expect(await codes(levels(6, 6), { precision: "int4" })).not.toContain("PA3005");
  });

  it("equalizes and corrects biases, and says where it cannot", async () => {
    const two = encodeModel(
      buildModel({
        ...MODEL,
        outputs: [{ name: "z", shape: [1, 2, 3, 3] }],
        initializers: [...MODEL.initializers!, { name: "v", shape: [2, 3, 1, 1], data: [1, 90, -2, 3, 70, 1] }],
        nodes: [...MODEL.nodes, { op: "Conv", name: "last", inputs: ["y", "v"], outputs: ["z"] }],
      }),
    );
    const options = { calibration, equalize: true, biasCorrection: true };
    const r = await compile(two, options);
    expect(Object.keys(r.calibration.ranges)).toEqual(["c (equalized)", "x", "y (equalized)", "z"]);
    expect(r.diagnostics).toEqual([]);
    const table = JSON.parse(JSON.stringify(r.calibration));
    const again = await compile(two, { ...options, calibTable: { file: "t.json", table } });
    expect(again.elf).toEqual(r.elf);
    expect((await compile(two, { calibration })).elf).not.toEqual(r.elf);
    delete table.ranges.x.measured;
    const without = await compile(two, { ...options, calibTable: { file: "t.json", table } });
    expect(without.diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([
      "PA3004 the biases of 1 layers are not corrected: calibration has no means of their inputs' channels",
    ]);
  });

  it("refuses the table of another model", async () => {
    const { calibration: table } = await compile(bytes, { calibration });
    const other = encodeModel(
      buildModel({ ...MODEL, initializers: [{ ...MODEL.initializers![0]!, data: wave(54, 0.6) }] }),
    );
    const error = await compile(other, { calibTable: { file: "t.json", table } }).catch((e: AccelcError) => e);
    expect(error).toMatchObject({ code: "CL1004" });
    expect((error as AccelcError).message).toContain(`of the model with SHA-256 ${table.model}, and this one has `);
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
