import { elements, type Graph, GraphBuilder, type TensorType, valueIn, verifyGraph } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { calibrate, type FloatOracle, rangeOn } from "../src/calibration/index.js";
import { equalize } from "../src/index.js";
import { uniform } from "./distributions.js";
import { floatValues } from "./float-reference.js";

const type = (shape: readonly number[]): TensorType => ({ dtype: "float32", shape });
const at = (node: string) => ({ model: "m.onnx", node, op: node });
const CONV = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1, fill: 0 };

/** Weights whose output channels differ by up to 2^12. */
function spread(shape: readonly number[], next: () => number): Float32Array {
  const inner = elements(shape.slice(1));
  const gains = Array.from({ length: shape[0]! }, () => 2 ** (12 * next() - 6));
  return Float32Array.from({ length: elements(shape) }, (_, i) => gains[Math.floor(i / inner)]! * (2 * next() - 1));
}

/** conv, ReLU or max pooling, conv (grouped or not), leaky ReLU, conv; and a chain of matrix products. */
function networks(seed: number): Graph[] {
  const next = uniform(seed);
  const groups = seed % 2 === 0 ? 2 : 1;
  const convs = new GraphBuilder("convs");
  let id = convs.input({ name: "x", elementType: "float32" }, type([1, 3, 6, 6]));
  const layer = (name: string, [o, i]: readonly [number, number], g: number, bias: boolean) => {
    const w = convs.constant(type([o, i / g, 2, 2]), spread([o, i / g, 2, 2], next));
    const b = bias
      ? [
          convs.constant(
            type([o]),
            Float32Array.from({ length: o }, () => next() - 0.5),
          ),
        ]
      : [];
    id = convs.add("conv", [id, w, ...b], { ...CONV, groups: g } as never, at(name), { source: name });
  };
  layer("a", [4, 3], 1, true);
  id = convs.add("relu", [id], {}, at("relu"), { source: "relu" });
  layer("b", [6, 4], groups, false);
  id = convs.add("leakyRelu", [id], { alpha: 0.125 }, at("leaky"), { source: "leaky" });
  layer("c", [5, 6], 1, true);
  convs.output({ name: "y", value: id, elementType: "float32" });

  const dense = new GraphBuilder("dense");
  let v = dense.input({ name: "x", elementType: "float32" }, type([2, 5]));
  for (const [i, [k, n]] of (
    [
      [5, 7],
      [7, 4],
      [4, 3],
    ] as const
  ).entries()) {
    const w = dense.constant(type([k, n]), spread([k, n], next));
    v = dense.add("matmul", [v, w], {} as never, at(`fc${i}`), { source: `fc${i}` });
    if (i < 2) v = dense.add("relu", [v], {}, at(`relu${i}`), { source: `relu${i}` });
  }
  dense.output({ name: "y", value: v, elementType: "float32" });
  return [convs.finish(), dense.finish()];
}

const inputsOf = (g: Graph, seed: number) => {
  const next = uniform(seed + 1000);
  return new Map(
    g.inputs.map((p) => [
      p.value,
      Float32Array.from({ length: elements(valueIn(g, p.value).type.shape) }, () => 2 * next() - 1),
    ]),
  );
};

describe("equalize", () => {
  it("changes no bit of any output, and tensors by what it says", () => {
    for (let seed = 1; seed <= 40; seed++)
      for (const g of networks(seed)) {
        const { graph, tensors } = equalize(g);
        verifyGraph(graph, "float", "equalize");
        const inputs = inputsOf(g, seed);
        const [before, after] = [floatValues(g, inputs), floatValues(graph, inputs)];
        expect(tensors.size, `seed ${seed}`).toBeGreaterThan(0);
        for (const o of graph.outputs) expect(after.get(o.value), `seed ${seed}`).toEqual(before.get(o.value));
        for (const v of graph.values.values()) {
          const t = v.source === undefined ? undefined : tensors.get(v.source);
          if (!t) continue;
          const real = before.get(v.id) as Float32Array;
          const scaled = real.map((x, i) => x / t.divisor[Math.floor(i / t.inner) % t.divisor.length]!);
          expect(after.get(v.id)).toEqual(scaled);
        }
      }
  });

  it("gives channels like ranges on both sides, except where a bias would become the greatest", () => {
    const { graph } = equalize(networks(3)[1]!);
    const [w1, w2] = graph.nodes
      .filter((n) => n.op === "matmul")
      .map((n) => valueIn(graph, n.inputs[1]!).data as Float32Array);
    for (let c = 0; c < 7; c++) {
      const r1 = Math.max(...[0, 1, 2, 3, 4].map((k) => Math.abs(w1![7 * k + c]!)));
      const r2 = Math.max(...[0, 1, 2, 3].map((n) => Math.abs(w2![4 * c + n]!)));
      expect(Math.abs(Math.log2(r1 / r2))).toBeLessThanOrEqual(1.000001);
    }
  });

  it("leaves alone what other nodes or the user read", () => {
    const b = new GraphBuilder("g");
    const x = b.input({ name: "x", elementType: "float32" }, type([1, 2]));
    const w1 = b.constant(type([2, 2]), Float32Array.of(1, 64, 1, 64));
    const w2 = b.constant(type([2, 2]), Float32Array.of(1, 1, 1, 1));
    const h = b.add("matmul", [x, w1], {} as never, at("a"), { source: "h" });
    const y = b.add("matmul", [h, w2], {} as never, at("b"), { source: "y" });
    b.output({ name: "y", value: y, elementType: "float32" });
    const chain = b.finish();
    expect([...equalize(chain).tensors.keys()]).toEqual(["h (equalized)"]);
    b.output({ name: "h", value: h, elementType: "float32" });
    expect(equalize(b.finish()).tensors.size).toBe(0);
  });

  it("has its tensors calibrated from the model's", async () => {
    const g = networks(5)[1]!;
    const { tensors } = equalize(g);
    const [name, t] = [...tensors][0]!;
    const data = Float32Array.from({ length: 14 }, (_, i) => i - 4);
    const oracle: FloatOracle = {
      tensors: [t.tensor],
      run: async () => new Map([[t.tensor, { type: "float32", shape: [2, 7], data }]]),
    };
    const c = await calibrate(oracle, [{}], [name], { method: { kind: "minmax" }, scaled: tensors });
    const scaled = Array.from(data, (x, i) => x / t.divisor[i % 7]!);
    expect(rangeOn(c, name, { bits: 8, symmetric: false })).toEqual({
      min: Math.min(...scaled),
      max: Math.max(...scaled),
    });
  });
});
