import { evaluate, type Graph, GraphBuilder, type TensorType } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { calibrate, type FloatOracle, inputChannels } from "../src/calibration/index.js";
import { quantize } from "../src/index.js";
import { gaussian, uniform } from "./distributions.js";

const type = (shape: readonly number[]): TensorType => ({ dtype: "float32", shape });
const at = (op: string) => ({ model: "m.onnx", node: "n", op });
const SAMPLES = 400;

function layers(seed: number): Graph[] {
  const conv = new GraphBuilder("conv");
  const x = conv.input({ name: "x", elementType: "float32" }, type([1, 6, 1, 1]));
  const w = conv.constant(type([4, 3, 1, 1]), gaussian(seed, 12));
  const b = conv.constant(type([4]), gaussian(seed + 1, 4));
  const attrs = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 2, fill: 0 };
  conv.output({
    name: "y",
    value: conv.add("conv", [x, w, b], attrs as never, at("Conv"), { source: "y" }),
    elementType: "float32",
  });
  const dense = new GraphBuilder("dense");
  const v = dense.input({ name: "x", elementType: "float32" }, type([1, 6]));
  const m = dense.constant(type([6, 4]), gaussian(seed + 2, 24));
  dense.output({
    name: "y",
    value: dense.add("matmul", [v, m], {} as never, at("MatMul"), { source: "y" }),
    elementType: "float32",
  });
  return [conv.finish(), dense.finish()];
}

/** Exact outputs of the float layer, per channel. */
function real(g: Graph, x: Float32Array): number[] {
  const n = g.nodes[0]!;
  const w = g.values.get(n.inputs[1]!)!.data as Float32Array;
  const b = n.inputs[2] === undefined ? undefined : (g.values.get(n.inputs[2])!.data as Float32Array);
  return [0, 1, 2, 3].map((o) =>
    n.op === "conv"
      ? [0, 1, 2].reduce((s, k) => s + w[3 * o + k]! * x[3 * Math.floor(o / 2) + k]!, b![o]!)
      : x.reduce((s, v, k) => s + v * w[4 * k + o]!, 0),
  );
}

describe("bias correction", () => {
  it("takes the mean error out of every output channel", async () => {
    for (let seed = 1; seed <= 12; seed++)
      for (const g of layers(seed)) {
        const next = uniform(seed);
        const xs = Array.from({ length: SAMPLES }, () => Float32Array.from({ length: 6 }, (_, c) => c + next()));
        const shape = g.values.get(g.inputs[0]!.value)!.type.shape;
        const samples = xs.map((data) => ({ x: { type: "float32" as const, shape, data } }));
        const oracle: FloatOracle = {
          tensors: ["y"],
          run: async (feed) =>
            new Map([
              ["y", { type: "float32", shape: [1, 4], data: Float32Array.from(real(g, feed.x!.data as Float32Array)) }],
            ]),
        };
        const c = await calibrate(oracle, samples, ["x", "y"], {
          method: { kind: "minmax" },
          channels: inputChannels(g),
        });
        const meanErrors = (biasCorrection: boolean, weightVector?: number): number => {
          const q = quantize(g, c, { precision: "int8", weights: "max", biasCorrection, weightVector });
          const [p, out] = [q.inputs[0]!, q.outputs[0]!];
          const [gx, gy] = [q.values.get(p.value)!.type.quant!, q.values.get(out.value)!.type.quant!];
          const sums = [0, 0, 0, 0];
          for (const x of xs) {
            const codes = Int8Array.from(x, (v) =>
              Math.max(-128, Math.min(127, Math.round(v / gx.scale[0]!) + gx.zeroPoint)),
            );
            const y = evaluate(q, new Map([[p.value, codes]])).get(out.value)!;
            const exact = real(g, x);
            for (let o = 0; o < 4; o++) sums[o]! += gy.scale[0]! * (Number(y[o]) - gy.zeroPoint) - exact[o]!;
          }
          return Math.hypot(...sums.map((s) => s / SAMPLES));
        };
        expect(meanErrors(true), `seed ${seed} ${g.name}`).toBeLessThan(0.35 * meanErrors(false));
        expect(meanErrors(true, 2), `seed ${seed} ${g.name}, vectors`).toBeLessThan(0.35 * meanErrors(false));
      }
  });
});
