import { compile } from "@accelc/compiler";
import { load } from "@accelc/emulator";
import { buildModel, encodeModel, type ModelText, type NewAttribute } from "@accelc/frontend";
import { createOracle } from "@accelc/oracle";
import { describe, expect, it } from "vitest";
import { random } from "./support/exactness.js";

const SEED = 7;

/** A model under construction: constants and nodes by generated names. */
class Text {
  readonly initializers: { name: string; type: string; shape: readonly number[]; data: readonly number[] }[] = [];
  readonly nodes: {
    op: string;
    name: string;
    inputs: readonly string[];
    outputs: readonly string[];
    attributes: Readonly<Record<string, NewAttribute>>;
  }[] = [];
  private readonly next = random(SEED);
  private count = 0;

  constant(type: string, shape: readonly number[], data: readonly number[]): string {
    const name = `c${this.count++}`;
    this.initializers.push({ name, type, shape, data });
    return name;
  }

  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, NewAttribute>> = {},
    out = `t${this.count++}`,
  ): string {
    this.nodes.push({ op, name: `n${this.count++}`, inputs, outputs: [out], attributes });
    return out;
  }

  integers(n: number, top: number): number[] {
    return Array.from({ length: n }, () => Math.round(this.next() * top));
  }

  scales(n: number, near: number): number[] {
    return Array.from({ length: n }, () => Math.fround(near * (1 + this.next() / 2)));
  }

  number = (x: number): string => this.constant("float32", [], [x]);

  model(shape: readonly number[]): ModelText {
    return {
      opset: 13,
      inputs: [{ name: "x", shape }],
      outputs: [{ name: "y" }],
      initializers: this.initializers,
      nodes: this.nodes,
    };
  }
}

/** As a framework quantizes a small residual network: uint8 activations, int8 weights per channel, int32 biases, pairs. */
function pairs(): ModelText {
  const t = new Text();
  const pair = (x: string, scale: number, zero: number): string => {
    const at = [t.number(scale), t.constant("uint8", [], [zero])];
    return t.node("DequantizeLinear", [t.node("QuantizeLinear", [x, ...at]), ...at]);
  };
  const layer = (x: string, sx: number, shape: readonly number[], near: number, groups = 1): string => {
    const s = t.scales(shape[0]!, near);
    const axis = { axis: { i: 0 } };
    const zeros = (type: string) =>
      t.constant(
        type,
        [s.length],
        s.map(() => 0),
      );
    const size = shape.reduce((a, b) => a * b, 1);
    const w = t.node(
      "DequantizeLinear",
      [t.constant("int8", shape, t.integers(size, 127)), t.constant("float32", [s.length], s), zeros("int8")],
      axis,
    );
    const sb = s.map((v) => Math.fround(v * sx));
    const b = t.node(
      "DequantizeLinear",
      [
        t.constant("int32", [s.length], t.integers(s.length, 2000)),
        t.constant("float32", [s.length], sb),
        zeros("int32"),
      ],
      axis,
    );
    if (shape.length === 2) return t.node("Gemm", [x, w, b], { transB: { i: 1 } });
    return t.node("Conv", [x, w, b], { pads: { ints: [1, 1, 1, 1] }, group: { i: groups } });
  };
  const window = { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } };
  const sx = Math.fround(2 / 127);
  let h = pair("x", sx, 128);
  h = pair(t.node("Relu", [layer(h, sx, [8, 3, 3, 3], 0.004)]), 0.0307, 0);
  const skip = pair(t.node("MaxPool", [h], window), 0.0307, 0);
  h = pair(layer(skip, 0.0307, [8, 8, 3, 3], 0.003), 0.0511, 120);
  h = pair(t.node("Relu", [t.node("Add", [h, skip])]), 0.0413, 0);
  h = pair(t.node("Clip", [layer(h, 0.0413, [8, 1, 3, 3], 0.01, 8), t.number(0), t.number(6)]), 0.0233, 0);
  h = pair(t.node("GlobalAveragePool", [h]), 0.0147, 0);
  h = layer(t.node("Flatten", [h]), 0.0147, [10, 8], 0.01);
  const at = [t.number(0.0213), t.constant("uint8", [], [128])];
  t.node("DequantizeLinear", [t.node("QuantizeLinear", [h, ...at]), ...at], {}, "y");
  return t.model([1, 3, 16, 16]);
}

/** The same kind of network on integers from end to end, with uint8 weights about a zero point of their own. */
function operators(): ModelText {
  const t = new Text();
  const uint8 = (x: number) => t.constant("uint8", [], [x]);
  const first = [t.number(0.0157), uint8(128)];
  const second = [t.number(0.0221), uint8(11)];
  const last = [t.number(0.0371), uint8(97)];
  const q = t.node("QuantizeLinear", ["x", ...first]);
  const bytes = (shape: readonly number[], zero: number) => {
    const data = t
      .integers(
        shape.reduce((a, b) => a * b, 1),
        127,
      )
      .map((v) => v + 128 - (v > 100 ? 0 : 1));
    return [t.constant("uint8", shape, data), t.number(0.0043), uint8(zero)];
  };
  const bias = t.constant("int32", [6], t.integers(6, 900));
  const h = t.node("QLinearConv", [q, ...first, ...bytes([6, 3, 3, 3], 121), ...second, bias], {
    pads: { ints: [1, 1, 1, 1] },
  });
  const pooled = t.node("MaxPool", [h], { kernel_shape: { ints: [4, 4] }, strides: { ints: [4, 4] } });
  const flat = t.node("Flatten", [pooled]);
  const y = t.node("QLinearMatMul", [flat, ...second, ...bytes([24, 10], 130), ...last]);
  t.node("DequantizeLinear", [y, ...last], {}, "y");
  return t.model([1, 3, 8, 8]);
}

describe("models that frameworks quantized", () => {
  for (const [name, text, step] of [
    ["quantize-dequantize pairs", pairs(), 0.0213],
    ["operators on integers", operators(), 0.0371],
  ] as const)
    it(`${name}: compile without calibration, and give ONNX Runtime's codes`, async () => {
      const bytes = encodeModel(buildModel(text));
      const program = load((await compile(bytes, { modelName: name })).elf);
      const oracle = await createOracle(bytes);
      const next = random(SEED);
      const shape = text.inputs[0]!.shape as readonly number[];
      const size = shape.reduce((a, b) => a * b, 1);
      let [codes, different] = [0, 0];
      for (let sample = 0; sample < 20; sample++) {
        const x = { type: "float32" as const, shape, data: Float32Array.from({ length: size }, () => 2 * next()) };
        const want = (await oracle.run({ x })).get("y")!.data as Float32Array;
        const got = program.run({ x }).outputs.y!.data as Float32Array;
        want.forEach((v, i) => {
          const steps = Math.abs(v - got[i]!) / step;
          expect(steps).toBeLessThan(1.01);
          codes++;
          if (steps > 0.5) different++;
        });
      }
      await oracle.release();
      console.log(`${name}: ${different} of ${codes} codes differ from ONNX Runtime's, by one`);
      expect(different).toBeLessThanOrEqual(0.02 * codes);
    });
});
