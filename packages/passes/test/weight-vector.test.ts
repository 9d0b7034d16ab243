import { type Graph, GraphBuilder, prune, type TensorType, verifyGraph } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { quantize } from "../src/index.js";
import { randomGraph } from "./quantize-random.js";
import { calibrate, encode, overflows, quality, random, samples } from "./quantize-support.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 60);

const worst = (g: Graph, q: Graph, seed: number): number => Math.min(...quality(g, q, seed));

/** A convolution and a matrix product whose weights differ by 2^8 between vectors of four input channels. */
function layered(seed: number): Graph[] {
  const next = random(seed);
  const type = (shape: readonly number[]): TensorType => ({ dtype: "float32", shape });
  const at = (op: string) => ({ model: "m.onnx", node: "n", op });
  const gain = (channel: number) => 2 ** (-8 * (Math.floor(channel / 4) % 2));
  const conv = new GraphBuilder("conv");
  const x = conv.input({ name: "x", elementType: "float32" }, type([1, 10, 5, 5]));
  const w = Float32Array.from({ length: 6 * 10 * 9 }, (_, i) => next() * gain(Math.floor(i / 9) % 10));
  const b = conv.constant(type([6]), Float32Array.from({ length: 6 }, next));
  const attrs = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, fill: 0 };
  const y = conv.add("conv", [x, conv.constant(type([6, 10, 3, 3]), w), b], attrs as never, at("Conv"), {
    source: "y",
  });
  conv.output({ name: "y", value: y, elementType: "float32" });
  const dense = new GraphBuilder("dense");
  const v = dense.input({ name: "x", elementType: "float32" }, type([3, 16]));
  const m = Float32Array.from({ length: 16 * 7 }, (_, i) => next() * gain(Math.floor(i / 7)));
  const z = dense.add("matmul", [v, dense.constant(type([16, 7]), m)], {} as never, at("MatMul"), { source: "y" });
  dense.output({ name: "y", value: z, elementType: "float32" });
  return [conv.finish(), dense.finish()];
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const EDGES = { first: false, shortcuts: false, last: false };

describe("scales per vector of input channels", () => {
  it(`keep every sum in int32 and the float graph's values, on ${COUNT} random graphs`, () => {
    for (const precision of ["int8", "int16", "int4"] as const)
      for (let seed = 1; seed <= COUNT; seed++) {
        const g = prune(randomGraph(seed));
        const ranges = calibrate(g, samples(g, seed));
        const q = quantize(g, ranges, { precision, weights: "max", weightVector: 2 });
        verifyGraph(q, "integer", "quantize");
        expect(overflows(q, encode(q, samples(g, seed)[0]!)), `seed ${seed}`).toEqual([]);
        const plain = quantize(g, ranges, { precision, weights: "max" });
        expect(worst(g, q, seed), `${precision}, seed ${seed}`).toBeGreaterThan(
          Math.min(40, worst(g, plain, seed)) - 14,
        );
      }
  });

  it("follow weights that differ between vectors", () => {
    const layers = new Map([["n", { activations: "int8", weights: "int4" } as const]]);
    const options = { precision: "int4", weights: "max", edges: EDGES, layers } as const;
    const mean = (weightVector?: number): number => {
      const all = SEEDS.flatMap((seed) =>
        layered(seed).map((g) =>
          worst(g, quantize(g, calibrate(g, samples(g, seed)), { ...options, weightVector }), seed),
        ),
      );
      return all.reduce((a, b) => a + b, 0) / all.length;
    };
    expect(mean(4)).toBeGreaterThan(mean() + 0.5);
  });

  it("have the scales of the publication: whole numbers up to 15, of which the greatest vector has 15", () => {
    const g = layered(1)[1]!;
    const options = { precision: "int8", weights: "max", weightVector: 4 } as const;
    const q = quantize(g, calibrate(g, samples(g, 1)), options);
    const factors = q.nodes
      .filter((n) => n.op === "imul" || n.op === "imacc")
      .filter((n) => n.outputs[0]!.includes(".acc"))
      .map((n) => Array.from(q.values.get(n.inputs.at(-1)!)!.data as Int32Array));
    expect(factors.length).toBe(4);
    for (const f of factors) for (const s of f) expect(s >= 0 && s <= 15).toBe(true);
    for (let o = 0; o < 7; o++) expect(Math.max(...factors.map((f) => f[f.length === 1 ? 0 : o]!))).toBe(15);
  });
});

it("one scale per tensor is that of its greatest weight", () => {
  const g = layered(1)[1]!;
  const q = quantize(g, calibrate(g, samples(g, 1)), { precision: "int8", weights: "max", weightPerTensor: true });
  for (const n of q.nodes) {
    if (n.op !== "conv" && n.op !== "matmul") continue;
    const { data, type } = q.values.get(n.inputs[1]!)!;
    if (!data) continue;
    expect(new Set(type.quant!.scale).size).toBe(1);
    expect(Math.max(...Array.from(data as Int8Array, Math.abs))).toBe(127);
  }
});
