import { type Graph, GraphBuilder, type TensorType } from "@accelc/ir";
import { decode, encode, fp8 } from "@accelc/numerics";
import { expect, it } from "vitest";
import { activationPower } from "../src/blame/operands.js";
import { blame, blameTensors, quantize, RangeCollector, type Statistics } from "../src/index.js";
import { random } from "./quantize-support.js";

const LOC = { model: "m", node: "", op: "MatMul" };
const next = random(20261120);
/** A normal number, nearly. */
const normal = (): number => Array.from({ length: 12 }, next).reduce((a, b) => a + b, 0) / 2;

function statistics(values: Float32Array): Statistics {
  const c = new RangeCollector();
  c.add(values);
  return c.statistics()!;
}

/** Two matrix products in a row, the second one's weights with an outlier. */
function twoLayers(): Graph {
  const b = new GraphBuilder("g");
  const layer = (x: string, node: string, outlier: number) => {
    const data = Float32Array.from({ length: 64 * 64 }, () => normal() / 8);
    data[5] = outlier;
    const w = b.constant({ dtype: "float32", shape: [64, 64] }, data, { id: `${node}.w`, source: `${node}.w` });
    return b.add("matmul", [x, w], {}, { ...LOC, node }, { id: `${node}.y`, source: `${node}.y` });
  };
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [1, 64] });
  const first = layer(x, "first", 0.1);
  b.output({ name: "out", value: layer(first, "second", 40), elementType: "float32" });
  return b.finish();
}

it("noise from statistics is that of the values themselves", () => {
  const values = Float32Array.from({ length: 200_000 }, normal);
  const grid: TensorType = { dtype: "int8", shape: [1], quant: { scale: [0.02], zeroPoint: 10, axis: null } };
  const own = (f: (x: number) => number) => values.reduce((sum, x) => sum + (x - f(x)) ** 2, 0);
  const onGrid = own((x) => 0.02 * (Math.max(-128, Math.min(127, Math.round(x / 0.02) + 10)) - 10));
  const clipped = values.filter((x) => x / 0.02 + 10 > 127.5 || x / 0.02 + 10 < -128.5).length / values.length;
  const found = activationPower(statistics(values), grid)!;
  expect(found.noise / onGrid).toBeCloseTo(1, 1);
  expect(found.clipped).toBeCloseTo(clipped, 3);
  const format = fp8(11);
  const minifloat = activationPower(statistics(values), { dtype: "fp8e4m3", shape: [1], exponentBias: 11 })!;
  const inFormat = own((x) => decode(format, encode(format, x, "even", true)));
  expect(minifloat.noise / inFormat).toBeCloseTo(1, 1);
});

it("the layer with the outlier comes first, and its remedy is a clip of its weights", () => {
  const g = twoLayers();
  const ranges = new Map(["x", "first.y", "second.y", "out"].map((name) => [name, { min: -4, max: 4 }] as const));
  const integer = quantize(g, { ranges }, { precision: "int8", weights: "max" });
  expect(blameTensors(g)).toEqual(["x", "first.y"]);
  const values = Float32Array.from({ length: 10_000 }, normal);
  const found = blame(
    g,
    integer,
    new Map([
      ["x", statistics(values)],
      ["first.y", statistics(values)],
    ]),
  );
  expect(found.map((l) => l.node)).toEqual(["second", "first"]);
  const [worst, best] = found as [(typeof found)[0], (typeof found)[0]];
  expect(worst.weights!.format).toBe("int8");
  expect(worst.weights!.sqnr).toBeLessThan(best.weights!.sqnr);
  expect(best.own).toBeLessThan(Math.min(best.weights!.sqnr, best.activations!.sqnr));
  for (const l of found) if (l.remedy) expect(l.remedy.sqnr).toBeGreaterThanOrEqual(l.own + 1);
});

it("where values are clipped, the whole range or more bits help", () => {
  const g = twoLayers();
  const ranges = new Map([
    ["x", { min: -0.5, max: 0.5 }],
    ["first.y", { min: -4, max: 4 }],
    ["second.y", { min: -4, max: 4 }],
  ]);
  const integer = quantize(g, { ranges }, { precision: "int8", weights: "max" });
  const values = Float32Array.from({ length: 10_000 }, normal);
  const found = blame(g, integer, new Map([["x", statistics(values)]]));
  const first = found.find((l) => l.node === "first")!;
  expect(first.activations!.clipped).toBeGreaterThan(0.5);
  expect(first.remedy).toMatchObject({ operand: "activations" });
  expect(first.remedy!.option).toMatch(/--act-quant/);
  expect(found.find((l) => l.node === "second")!.activations).toBeNull();
});
