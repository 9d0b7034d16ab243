import { AccelcError } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { buildModel, encodeModel, importModel, type NewNode } from "../src/index.js";
import { f, i, int64, ints, ramp, scalar } from "./import-text.js";

const SEED = 20240607;

/** mulberry32 */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const nodes: NewNode[] = [
  {
    op: "Conv",
    name: "conv",
    inputs: ["x", "w", "b"],
    outputs: ["c"],
    attributes: { pads: ints(1, 1, 1, 1), group: i(1) },
  },
  { op: "BatchNormalization", inputs: ["c", "b", "b", "b", "b"], outputs: ["n"], attributes: { epsilon: f(1e-3) } },
  { op: "Clip", inputs: ["n", "zero", "six"], outputs: ["r"] },
  {
    op: "MaxPool",
    inputs: ["r"],
    outputs: ["p"],
    attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2), ceil_mode: i(1) },
  },
  { op: "Shape", inputs: ["p"], outputs: ["s"] },
  { op: "Gather", inputs: ["s", "first"], outputs: ["s0"] },
  { op: "Concat", inputs: ["s0", "minus"], outputs: ["to"], attributes: { axis: i(0) } },
  { op: "Reshape", inputs: ["p", "to"], outputs: ["flat"] },
  { op: "ConstantOfShape", inputs: ["ws"], outputs: ["fc"], attributes: { value: { t: { shape: [1], data: [0.5] } } } },
  { op: "Gemm", inputs: ["flat", "fc"], outputs: ["y"], attributes: { transB: i(1), alpha: f(0.5) } },
];
const bytes = encodeModel(
  buildModel({
    opset: 13,
    inputs: [{ name: "x", shape: [1, 2, 6, 6] }],
    outputs: [{ name: "y", shape: [1, 3] }],
    initializers: [
      { ...ramp(3, 2, 3, 3), name: "w" },
      { ...ramp(3), name: "b" },
      { ...scalar(0), name: "zero" },
      { ...scalar(6), name: "six" },
      { ...int64(0), name: "first" },
      { ...int64(-1), name: "minus" },
      { ...int64(3, 27), name: "ws" },
    ],
    nodes,
  }),
);

/** Imports damaged bytes: a graph or an AccelcError, never anything else. Returns the codes seen. */
async function survive(damaged: Uint8Array, what: string): Promise<string[]> {
  try {
    await importModel(damaged, { modelName: "m.onnx" });
    return [];
  } catch (e) {
    if (!(e instanceof AccelcError)) throw new Error(`${what}: ${e instanceof Error ? e.stack : String(e)}`);
    for (const d of e.diagnostics) expect(d.message).not.toContain("undefined");
    return e.diagnostics.map((d) => d.code);
  }
}

describe("damaged files", () => {
  it("imports undamaged", async () => {
    expect(await survive(bytes, "whole")).toEqual([]);
  });

  it("gives only AccelcError for every truncation", async () => {
    for (let n = 0; n < bytes.length; n += 7)
      expect(await survive(bytes.subarray(0, n), `length ${n}`)).not.toEqual([]);
  });

  it(`gives only AccelcError for flipped bytes (seed ${SEED})`, async () => {
    const next = random(SEED);
    const seen = new Set<string>();
    for (let round = 0; round < 4000; round++) {
      const copy = bytes.slice();
      const flips = 1 + Math.floor(next() * 4);
      for (let k = 0; k < flips; k++) copy[Math.floor(next() * copy.length)] = Math.floor(next() * 256);
      for (const code of await survive(copy, `round ${round}`)) seen.add(code);
    }
    expect(seen.size).toBeGreaterThan(8);
  });

  it(`gives FE2001 or a structural error for noise (seed ${SEED})`, async () => {
    const next = random(SEED);
    for (let round = 0; round < 500; round++)
      expect(
        await survive(
          Uint8Array.from({ length: 200 }, () => next() * 256),
          `noise ${round}`,
        ),
      ).not.toEqual([]);
  });
});
