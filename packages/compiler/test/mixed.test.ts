import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";
import type { AccelcError } from "@accelc/ir";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../src/index.js";
import { type Option, rankSteps, takeSteps } from "../src/mixed/choose.js";

/** Numbers without a pattern, in [−1, 1). */
const noise = (n: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });

const dense = (name: string, from: number, to: number, seed: number) => ({
  name,
  shape: [from, to],
  data: noise(from * to, seed).map((x) => x / Math.sqrt(from / 3)),
});

/** Three dense layers whose weights are what the time goes into: fewer bits, fewer cycles. */
const MODEL: ModelText = {
  name: "dense",
  inputs: [{ name: "x", shape: [1, 32] }],
  outputs: [{ name: "y", shape: [1, 10] }],
  initializers: [dense("a", 32, 256, 1), dense("b", 256, 256, 2), dense("c", 256, 10, 3)],
  nodes: [
    { op: "MatMul", name: "first", inputs: ["x", "a"], outputs: ["h"] },
    { op: "Relu", name: "relu1", inputs: ["h"], outputs: ["r"] },
    { op: "MatMul", name: "second", inputs: ["r", "b"], outputs: ["i"] },
    { op: "Relu", name: "relu2", inputs: ["i"], outputs: ["s"] },
    { op: "MatMul", name: "third", inputs: ["s", "c"], outputs: ["y"] },
  ],
};

const bytes = encodeModel(buildModel(MODEL));
const calibration = {
  x: { type: "float32" as const, shape: [40, 32], data: Float32Array.from(noise(40 * 32, 9)) },
};
const mixed = (maxDrop: number) => compile(bytes, { calibration, precision: "mixed", maxDrop, seed: 3 });
const everything = mixed(100);

describe("precision mixed", () => {
  it("takes no step that costs more than the bound, and those that save most where all are allowed", async () => {
    const [none, all] = [(await mixed(0)).report.mixed!, (await everything).report.mixed!];
    expect(none.drop).toBeLessThanOrEqual(0);
    expect(all.cycles.chosen).toBeLessThan(all.cycles.int8);
    expect(all.cycles.chosen).toBeLessThanOrEqual(none.cycles.chosen);
    expect(all.layers.map((l) => l.node)).toEqual(["first", "second", "third"]);
    expect(all.layers[1]!.format).toBe("int2");
    expect(all.layers[1]!.candidates.int4!.saves).toBeGreaterThan(0);
    expect(all).toMatchObject({ maxDrop: 100, metric: "predictions", seed: 3, samples: { each: 32, whole: 40 } });
  });

  it("gives the same bytes for the same seed", async () => {
    const [a, b] = [await everything, await mixed(100)];
    expect(b.elf).toEqual(a.elf);
    expect(b.report.mixed).toEqual(a.report.mixed);
    expect(a.report.precision).toBe("mixed");
  });

  it("leaves a layer that was given formats as it is", async () => {
    const layers = new Map([["second", { activations: "int8", weights: "int8" }]] as const);
    const r = await compile(bytes, { calibration, precision: "mixed", maxDrop: 100, layers });
    const weights = [...r.integerGraph.values.values()].filter((v) => v.data && v.type.shape.join() === "256,256");
    expect(weights.map((v) => v.type.dtype)).toEqual(["int8"]);
  });

  it("needs samples, and a bound that is one", async () => {
    const calibTable = { file: "t.json", table: (await compile(bytes, { calibration })).calibration };
    const error = await compile(bytes, { calibTable, precision: "mixed", maxDrop: -1 }).catch((e: AccelcError) => e);
    expect((error as AccelcError).diagnostics.map((d) => d.message)).toEqual([
      "--precision mixed is not available: formats are chosen by running samples, and --calib-table has none",
      "--max-drop -1 is not available: a drop is a number of percent, 0 or more",
    ]);
  });
});

const option = fc.record({
  noise: fc.double({ min: 0, max: 1, noNaN: true }),
  cycles: fc.integer({ min: 0, max: 99 }),
});

describe("steps", () => {
  it("save cycles, and within a group more per added noise the earlier they come", () => {
    fc.assert(
      fc.property(fc.array(fc.array(option, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (groups) => {
        const options = groups.map((g) => g.map((o, format): Option<number> => ({ ...o, format })));
        const steps = rankSteps(options);
        const rates = steps.map((s) => s.saves / Math.max(s.adds, Number.MIN_VALUE));
        expect(rates).toEqual([...rates].sort((a, b) => b - a));
        expect(steps.every((s) => s.saves > 0 && s.format > 0)).toBe(true);
      }),
      { seed: 5 },
    );
  });

  it("are taken as a run by bisection, then one by one", () => {
    const asked: string[] = [];
    const within = (bad: readonly number[]) => (taken: readonly number[]) => {
      asked.push(taken.join());
      return taken.every((i) => !bad.includes(i));
    };
    expect(takeSteps(5, 4, within([]))).toEqual([0, 1, 2, 3, 4]);
    expect(takeSteps(5, 4, within([2]))).toEqual([0, 1, 3, 4]);
    expect(takeSteps(5, 0, within([2]))).toEqual([0, 1]);
    expect(takeSteps(5, 2, within([0, 1, 2, 3, 4]))).toEqual([]);
    expect(takeSteps(0, 4, within([]))).toEqual([]);
    expect(asked).toContain("0,1,3,4");
  });
});
