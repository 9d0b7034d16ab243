import { AccelcError, type Diagnostic, formatDiagnostic, type Graph, GraphBuilder, type TensorType } from "@accelc/ir";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  calibrate,
  calibrationProblems,
  calibrationTensors,
  type FloatOracle,
  inputChannels,
  RangeCollector,
  type RangeMethod,
  rangeFor,
  rangeOn,
  rangeSources,
  type SampleTensor,
  sampleCount,
  samplesOf,
} from "../src/index.js";
import { randomGraph } from "./random-graph.js";

const minmax = { kind: "minmax" } as const;
const percentile = (p: number) => ({ kind: "percentile", p }) as const;

const CODES = { bits: 8, symmetric: false };

function rangeOf(parts: readonly Float32Array[], method: RangeMethod) {
  const c = new RangeCollector();
  for (const p of parts) expect(c.add(p)).toBeUndefined();
  const s = c.statistics();
  return s && rangeFor(s, method, CODES);
}

describe("RangeCollector", () => {
  it("knows nothing before it has seen a value", () => {
    expect(rangeOf([], minmax)).toBeUndefined();
    expect(rangeOf([new Float32Array(0)], percentile(99))).toBeUndefined();
  });

  it("cuts the given share at both ends", () => {
    const values = Float32Array.from({ length: 10001 }, (_, i) => i - 5000);
    const range = rangeOf([values], percentile(99))!;
    expect(range.min).toBeGreaterThanOrEqual(-4960);
    expect(range.min).toBeLessThanOrEqual(-4900);
    expect(range.max).toBeGreaterThanOrEqual(4900);
    expect(range.max).toBeLessThanOrEqual(4960);
    expect(rangeOf([values], percentile(100))).toEqual({ min: -5000, max: 5000 });
  });

  it("drops a lone outlier and keeps a one-sided range one-sided", () => {
    const values = new Float32Array(20000).map((_, i) => (i % 2 === 0 ? 0 : (i % 100) / 100));
    const range = rangeOf([values, Float32Array.of(1000)], percentile(99.99))!;
    expect(range.min).toBe(0);
    expect(range.max).toBeLessThan(2);
    expect(rangeOf([values, Float32Array.of(1000)], minmax)).toEqual({ min: 0, max: 1000 });
  });

  it("handles constants, zeros, extremes and subnormals", () => {
    for (const x of [0, 3, -3, 9e29, -1e-45, 2 ** -149]) {
      const exact = Math.fround(x);
      expect(rangeOf([Float32Array.of(x, x)], percentile(99))).toEqual({ min: exact, max: exact });
    }
    const range = rangeOf([Float32Array.of(1e-40, 9e29, -9e29)], percentile(100));
    expect(range).toEqual({ min: -Math.fround(9e29), max: Math.fround(9e29) });
  });

  it("gives the same ranges whatever the order and the batches", () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.nat(200), (all, cut) => {
        const whole = rangeOf([Float32Array.from(all)], percentile(90));
        const parts = [all.slice(cut).reverse(), all.slice(0, cut).reverse()].map((p) => Float32Array.from(p));
        expect(rangeOf(parts, percentile(90))).toEqual(whole);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  it("is within a bin of the exact percentile", () => {
    const values = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 20, maxLength: 400 });
    fc.assert(
      fc.property(values, fc.integer({ min: 50, max: 100 }), (all, p) => {
        const sorted = Float32Array.from(all).sort();
        const cut = Math.floor((all.length * (100 - p)) / 100);
        const range = rangeOf([Float32Array.from(all)], percentile(p))!;
        for (const [got, exact] of [
          [range.min, sorted[cut]!],
          [range.max, sorted[sorted.length - 1 - cut]!],
        ] as const)
          expect(Math.abs(got - exact)).toBeLessThanOrEqual(Math.abs(exact) / 64 + 2 ** -132);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it("puts a stand-in beyond the moderate values for infinities and the like", () => {
    const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high } = Number;
    expect(rangeOf([Float32Array.of(1, 3, low)], minmax)).toEqual({ min: 1 - 64, max: 3 });
    expect(rangeOf([Float32Array.of(-100, 100), Float32Array.of(-3.4e38, high)], minmax)).toEqual({
      min: -300,
      max: 300,
    });
    expect(rangeOf([Float32Array.of(low, low)], percentile(99))).toEqual({ min: -64, max: 0 });
  });

  it("returns the first value that is not finite and takes in nothing", () => {
    const c = new RangeCollector();
    expect(c.add(Float32Array.of(1, 2))).toBeUndefined();
    expect(c.add(Float32Array.of(5, Number.NEGATIVE_INFINITY, Number.NaN))).toBeNaN();
    expect(c.add(Float32Array.of(Number.NaN))).toBeNaN();
    expect([c.count, c.statistics()!.seen]).toEqual([2, { min: 1, max: 2 }]);
  });
});

const f32 = (shape: readonly number[], fill = 0): SampleTensor => ({
  type: "float32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill),
});

function twoInputs(): Graph {
  const b = new GraphBuilder("two");
  const type = (shape: readonly number[]): TensorType => ({ dtype: "float32", shape });
  const image = b.input({ name: "image", elementType: "float32" }, type([1, 3]));
  const a = b.add("relu", [image], {}, { model: "m.onnx", node: "n", op: "Relu" });
  b.input({ name: "mask", elementType: "int64" }, { dtype: "int64", shape: [2] });
  b.output({ name: "y", value: a, elementType: "float32" });
  return b.finish();
}

const mask = (n: number): SampleTensor => ({ type: "int64", shape: [n], data: new BigInt64Array(n) });
const feeds = (o: Record<string, SampleTensor>) => new Map(Object.entries(o));
const text = (d: readonly Diagnostic[]) => d.map(formatDiagnostic);

describe("calibration data", () => {
  it("is split into samples", () => {
    const data = feeds({ image: { ...f32([2, 3]), data: Float32Array.of(1, 2, 3, 4, 5, 6) }, mask: mask(4) });
    expect(calibrationProblems(twoInputs(), data)).toEqual([]);
    expect(sampleCount(twoInputs(), data)).toBe(2);
    const samples = [...samplesOf(twoInputs(), data)];
    expect(samples.map((s) => s.image)).toEqual([
      { type: "float32", shape: [1, 3], data: Float32Array.of(1, 2, 3) },
      { type: "float32", shape: [1, 3], data: Float32Array.of(4, 5, 6) },
    ]);
    expect(samples[1]!.mask!.shape).toEqual([2]);
  });

  it("is reported whole when it does not fit", () => {
    const bad = { ...f32([1, 4]), type: "float64" as const, data: Float64Array.of(0, 0, Number.NaN, 0) };
    expect(
      text(calibrationProblems(twoInputs(), feeds({ image: bad, picture: f32([1]) }), "m.onnx")),
    ).toMatchInlineSnapshot(`
      [
        "m.onnx: PA1004: --calib names input picture, which the model does not have; its inputs are image, mask
        help: use one of the model's input names",
        "m.onnx: PA1006: calibration data for input image has type float64; the model needs float32
        help: write the array as float32, e.g. x.astype(numpy.float32)",
        "m.onnx: PA1001: calibration data for input image has shape [1,4]; the model needs [1,3] or a multiple along axis 0
        help: stack the samples along axis 0, in the model's own layout",
        "m.onnx: PA1002: calibration data for input image holds NaN at element 2
        help: remove or repair the sample: ranges are measured on it",
        "m.onnx: PA1003: no calibration data for input mask of shape [2]
        help: add --calib mask=FILE.npy",
      ]
    `);
  });

  it("needs the same number of samples everywhere", () => {
    const data = feeds({ image: f32([2, 3]), mask: mask(6) });
    expect(text(calibrationProblems(twoInputs(), data, "m.onnx"))).toMatchInlineSnapshot(`
      [
        "m.onnx: PA1001: calibration data for input mask has shape [6]; the model needs [4] or a multiple along axis 0
        help: input image holds 2 samples: give this one as many",
      ]
    `);
    const none = feeds({ image: f32([0, 3]), mask: mask(2) });
    expect(calibrationProblems(twoInputs(), none).map((d) => d.code)).toEqual(["PA1001"]);
  });
});

const oracle = (f: (x: number) => Record<string, number[]>): FloatOracle => ({
  tensors: ["a", "b"],
  run: async (inputs) => {
    const values = Object.entries(f(inputs.x!.data[0] as number));
    return new Map(values.map(([k, v]) => [k, { ...f32([v.length]), data: Float32Array.from(v) }] as const));
  },
});

describe("calibrate", () => {
  const samples = [1, 2, 3].map((v) => ({ x: f32([1], v) }));

  it("measures the oracle's tensors and the inputs, and counts samples", async () => {
    const done: number[] = [];
    const options = { method: minmax, onProgress: (n: number) => done.push(n) };
    const result = await calibrate(
      oracle((x) => ({ a: [x, -x], b: [0] })),
      samples,
      ["x", "a", "b", "gone"],
      options,
    );
    expect([...result.ranges]).toEqual([
      ["x", { min: 1, max: 3 }],
      ["a", { min: -3, max: 3 }],
      ["b", { min: 0, max: 0 }],
    ]);
    expect(done).toEqual([1, 2, 3]);
  });

  it("names the first tensor that is not finite", async () => {
    const bad = oracle((x) => ({ b: [x === 2 ? Number.NaN : 0], a: [x === 2 ? Number.POSITIVE_INFINITY : 0] }));
    const error = await calibrate(bad, samples, ["a", "b"], {
      method: minmax,
      model: "m.onnx",
      unbounded: new Set(),
    }).catch((e) => e);
    expect(error).toBeInstanceOf(AccelcError);
    expect(text((error as AccelcError).diagnostics)).toMatchInlineSnapshot(`
      [
        "m.onnx: PA1005: tensor a takes the value Infinity during calibration
        help: sample 1, counted from 0, causes it; check that sample and the model's own arithmetic",
      ]
    `);
  });
});

describe("a model in pieces", () => {
  const samples = [1, 2, 3, 4, 5].map((v) => ({ x: f32([1], v) }));
  /** Tensors of later pieces first, and every piece on two samples before the next. */
  const pieces = (tensors: (x: number) => Record<string, number[]>) => ({
    samples: 2,
    async *run(inputs: readonly (typeof samples)[number][]) {
      for (const name of ["b", "a", "x"])
        for (const [sample, feed] of inputs.entries()) {
          const [x] = feed.x.data as Float32Array;
          const data = { x: [x!], ...tensors(x!) }[name]!;
          yield { sample, values: new Map([[name, { ...f32([data.length]), data: Float32Array.from(data) }]]) };
        }
    },
  });

  it("has the ranges of the whole one", async () => {
    const tensors = (x: number) => ({ a: [x, -x], b: [x * x] });
    const names = ["x", "a", "b"];
    const whole = await calibrate(oracle(tensors), samples, names, { method: minmax });
    expect(await calibrate(pieces(tensors), samples, names, { method: minmax })).toEqual(whole);
  });

  it("names the same tensor that is not finite", async () => {
    const bad = (x: number) => ({ b: [x === 4 ? Number.NaN : 0], a: [x === 3 ? Number.NaN : 0] });
    await expect(calibrate(pieces(bad), samples, ["a", "b"], { method: minmax })).rejects.toMatchObject({
      diagnostics: [{ message: expect.stringContaining("tensor a "), hint: expect.stringContaining("sample 2,") }],
    });
  });
});

it("infinities are errors where they mask nothing", async () => {
  const samples = [1, 2, 3].map((v) => ({ x: f32([1], v) }));
  const infinite = oracle((x) => ({ b: [x], a: [Number.NEGATIVE_INFINITY] }));
  const { ranges } = await calibrate(infinite, samples, ["a", "b"], { method: minmax, unbounded: new Set(["a"]) });
  expect(ranges.get("a")).toEqual({ min: -64, max: 0 });
  const options = { method: minmax, unbounded: new Set<string>() };
  await expect(calibrate(infinite, samples, ["a", "b"], options)).rejects.toThrow(/PA1005|-Infinity/);
});

it("raw inputs need no data and may hold anything", () => {
  const b = new GraphBuilder("moved");
  const type: TensorType = { dtype: "float32", shape: [2] };
  const x = b.input({ name: "x", elementType: "float32" }, type);
  b.output({ name: "y", value: x, elementType: "float32" });
  const g = b.finish();
  const data = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY);
  expect(calibrationTensors(g)).toEqual([]);
  expect(calibrationProblems(g, new Map(), "m.onnx")).toEqual([]);
  expect(calibrationProblems(g, feeds({ x: { type: "float32", shape: [2], data } }), "m.onnx")).toEqual([]);
});

it("calibrationTensors lists every sourced float value once", () => {
  const g = randomGraph(3, 12);
  const names = calibrationTensors(g);
  expect(new Set(names).size).toBe(names.length);
  expect(names[0]).toBe("x");
  expect(names.every((n) => !n.startsWith("c"))).toBe(true);
});

it("rangeSources looks for a tensor's elements across movement", () => {
  const b = new GraphBuilder("g");
  const at = { model: "m", node: "n", op: "Relu" };
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [2, 3] });
  const t = b.add("transpose", [x], { perm: [1, 0] }, at, { id: "t" });
  const r = b.add("relu", [t], {}, at, { id: "r" });
  const u = b.add("reshape", [r], { shape: [6] }, at, { id: "u" });
  const v = b.add("reshape", [u], { shape: [3, 2] }, at, { id: "v", source: "out" });
  const w = b.add("relu", [v], {}, at, { id: "w" });
  b.output({ name: "y", value: w, elementType: "float32" });
  expect([...rangeSources(b.finish())].sort()).toEqual([
    ["r", "out"],
    ["t", "x"],
    ["u", "out"],
    ["v", "out"],
    ["x", "x"],
  ]);
});

describe("input channels", () => {
  const type = (shape: readonly number[]): TensorType => ({ dtype: "float32", shape });
  const loc = { model: "m.onnx", node: "n", op: "Conv" };

  function grouped(): Graph {
    const b = new GraphBuilder("grouped");
    const x = b.input({ name: "x", elementType: "float32" }, type([1, 4, 1, 1]));
    const w = b.constant(type([2, 2, 1, 1]), Float32Array.of(1, 2, 3, 0));
    const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 2 };
    const y = b.add("conv", [x, w], attrs as never, loc, { source: "y" });
    b.output({ name: "y", value: y, elementType: "float32" });
    return b.finish();
  }

  it("have the energy of the weights of their group, as a share of the greatest", () => {
    const { axis, energy } = inputChannels(grouped()).get("x")!;
    expect(axis).toBe(1);
    expect([...energy]).toEqual([1, 4, 9, 0].map((e) => Math.round((255 * e) / 9)));
  });

  it("weigh the error of a clip by what it does to the outputs, and have means", async () => {
    const rows = 2000;
    const data = Float32Array.from({ length: 4 * rows }, (_, i) =>
      i % 4 === 0 ? (i / 4) % 50 : i % 4 === 3 ? 900 : 1,
    );
    const samples = Array.from({ length: rows }, (_, k) => ({
      x: { type: "float32" as const, shape: [1, 4, 1, 1], data: data.subarray(4 * k, 4 * k + 4) },
    }));
    const oracle: FloatOracle = { tensors: [], run: async () => new Map() };
    const of = async (kind: "pact" | "mse") => {
      const channels = inputChannels(grouped());
      const c = await calibrate(oracle, samples, ["x"], { method: { kind }, channels });
      return {
        max: rangeOn(c, "x", { bits: 4, symmetric: false })!.max,
        means: c.choices!.get("x")!.statistics.channels,
      };
    };
    const [pact, mse] = [await of("pact"), await of("mse")];
    expect(mse.max).toBeGreaterThan(800);
    expect(pact.max).toBeLessThan(60);
    expect(pact.means!.means).toEqual([24.5, 1, 1, 900]);
  });
});
