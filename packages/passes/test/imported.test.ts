import {
  AccelcError,
  type CodeGrid,
  type Data,
  evaluate,
  type Graph,
  GraphBuilder,
  prune,
  type ValueId,
  verifyGraph,
} from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { roundHalfEven } from "@accelc/numerics";
import { describe, expect, it } from "vitest";
import { calibrationTensors, FLOAT_PASSES, quantize, runPasses } from "../src/index.js";
import { floatValues } from "./float-reference.js";
import { importedGraph } from "./imported-random.js";
import { Random } from "./random-graph.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 300);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const ctx = { machine: machinePreset("tandem-32x32") };

interface Difference {
  readonly codes: number;
  readonly different: number;
  /** Largest difference, in steps. */
  readonly worst: number;
}

/** The float graph and the integer graph on one random input: codes that differ, over all quantized tensors. */
function compare(g: Graph, seed: number): Difference {
  const canonical = runPasses(g, FLOAT_PASSES, ctx);
  expect(calibrationTensors(canonical)).toEqual([]);
  const integer = quantize(canonical, { ranges: new Map() }, { precision: "int8", weights: "max" });
  verifyGraph(integer, "integer", "test");
  const r = new Random(seed + 99);
  const port = g.inputs[0]!;
  const size = g.values.get(port.value)!.type.shape.reduce((p, n) => p * n, 1);
  const data = Float32Array.from({ length: size }, () => r.int(-640, 640) / 256);
  const floats = floatValues(canonical, new Map([[port.name, data]]));
  const { dtype, quant } = integer.values.get(integer.inputs[0]!.value)!.type;
  const top = 2 ** ({ int8: 8, int16: 16, int32: 32 }[dtype as "int8"] - 1);
  const code = (x: number) => Math.min(top - 1, Math.max(-top, roundHalfEven(x / quant!.scale[0]!) + quant!.zeroPoint));
  const input = Array.from(data, code);
  const stored =
    dtype === "int8" ? Int8Array.from(input) : dtype === "int16" ? Int16Array.from(input) : Int32Array.from(input);
  const values = evaluate(integer, new Map<ValueId, Data>([[integer.inputs[0]!.value, stored]]), {
    keep: [...integer.values.keys()],
  });
  let [codes, different, worst] = [0, 0, 0];
  for (const n of canonical.nodes) {
    const id = n.outputs[0]!;
    const own = integer.values.get(id)?.type.quant;
    if (n.op !== "fakeQuant" || !own || !values.has(id)) continue;
    const want = floats.get(id)! as Float32Array;
    const got = values.get(id)!;
    want.forEach((x, i) => {
      const steps = Math.abs(own.scale[0]! * (Number(got[i]) - own.zeroPoint) - x) / own.scale[0]!;
      codes++;
      if (steps > 0.01) different++;
      if (process.env.DBG && steps > 0.01)
        console.log(id, i, x, got[i], (floats.get(n.inputs[0]!) as Float32Array)[i]! / n.attrs.scale[0]!);
      worst = Math.max(worst, steps);
    });
  }
  return { codes, different, worst };
}

function run(dyadic: boolean) {
  const all = { codes: 0, different: 0, graphs: 0 };
  const failures: string[] = [];
  for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 5; seed++) {
    try {
      const d = compare(prune(importedGraph(seed, { dyadic })), seed);
      all.codes += d.codes;
      all.different += d.different;
      if (d.different > 0) all.graphs++;
      if (dyadic && d.different > 0)
        failures.push(`seed ${seed}: ${d.different} of ${d.codes} codes, by up to ${d.worst}`);
    } catch (e) {
      failures.push(`seed ${seed}: ${(e as Error).stack?.split("\n").slice(0, 4).join(" | ")}`);
    }
  }
  console.log(
    `imported grids, ${dyadic ? "powers of two" : "any scale"}: ${all.different} of ${all.codes} codes differ, in ${all.graphs} of ${COUNT} graphs from seed ${FIRST}`,
  );
  return { ...all, failures };
}

describe(`random quantized graphs, seeds from ${FIRST}`, () => {
  it("under scales that are powers of two every code is the float graph's, ties included", () => {
    expect(run(true).failures).toEqual([]);
  });

  it("under any scale codes differ where the float graph's own arithmetic decides a tie, if at all", () => {
    const { failures, codes, different } = run(false);
    expect(failures).toEqual([]);
    expect(different).toBeLessThan(2e-4 * codes);
  });
});

/** x, quantized, convolved by weights of 2 × 2 × 3 × 3 on a grid. */
function convolved(weights: CodeGrid, zero = 0, pads = [0, 0, 0, 0]): Graph {
  const b = new GraphBuilder("g");
  const loc = { model: "m", node: "conv", op: "Conv" };
  b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [1, 2, 4, 4] });
  const grid = { shape: [], scale: [0.5], zero: [zero], codes: [-128, 127] as const, rounding: "even" as const };
  const q = b.add("fakeQuant", ["x"], grid, loc);
  const shape = [2, 2, 3, 3];
  const data = Float32Array.from({ length: 36 }, () => 1);
  const w = b.constant({ dtype: "float32", shape }, data, { id: "w", grid: weights });
  const attrs = { strides: [1, 1], dilations: [1, 1], pads, groups: 1, fill: 0 };
  b.output({ name: "y", value: b.add("conv", [q, w], attrs, loc), elementType: "float32" });
  return b.finish();
}

describe("PA2001: stated grids that the array has no sums for", () => {
  const refused = (g: Graph): string => {
    try {
      quantize(runPasses(g, FLOAT_PASSES, ctx), { ranges: new Map() }, { precision: "int8", weights: "max" });
      return "accepted";
    } catch (e) {
      if (!(e instanceof AccelcError)) throw e;
      return `${e.code}: ${e.message}`;
    }
  };
  const ones = (n: number, f: (i: number) => number = () => 1) => Array.from({ length: n }, (_, i) => f(i));
  const codes = [-128, 127] as const;

  it("scales within a kernel", () => {
    const grid = { shape: [2, 2, 3, 3], scale: ones(36, (i) => 2 ** -(i % 2)), zero: ones(36, () => 0), codes };
    expect(refused(convolved(grid))).toBe(
      "PA2001: Conv cannot be quantized: the scales of its weights change within a kernel, or between matrices",
    );
  });

  it("codes of more than 16 bits", () => {
    const grid = { shape: [], scale: [2 ** -20], zero: [0], codes: [-(2 ** 31), 2 ** 31 - 1] as const };
    expect(refused(convolved(grid))).toBe(
      "PA2001: Conv cannot be quantized: its weights have codes of more than 16 bits",
    );
  });

  it("padding that the input's grid does not hold", () => {
    const grid = { shape: [], scale: [1], zero: [0], codes };
    expect(refused(convolved(grid, 0, [1, 1, 1, 1]))).toBe("accepted");
    expect(refused(convolved(grid, 200))).toBe("accepted");
    expect(refused(convolved(grid, 200, [1, 1, 1, 1]))).toBe(
      "PA2001: Conv cannot be quantized: its padding holds 0, and the grid of its input, with the zero point 200, does not",
    );
  });
});

it("what the model leaves open is calibrated, and its inputs are asked for", () => {
  const b = new GraphBuilder("g");
  const loc = { model: "m", node: "n", op: "N" };
  b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [1, 4] });
  const shape = [4, 4];
  const w = b.constant({ dtype: "float32", shape }, new Float32Array(16).fill(0.5), { id: "w" });
  const grid = { shape: [], scale: [0.5], zero: [0], codes: [-8, 7] as const, rounding: "even" as const };
  const q = b.add("fakeQuant", ["x"], grid, loc, { id: "q", source: "q" });
  const h = b.add("relu", [b.add("matmul", [q, w], {}, loc, { id: "p", source: "p" })], {}, loc, {
    id: "h",
    source: "h",
  });
  b.output({ name: "y", value: b.add("matmul", [h, w], {}, loc, { id: "y", source: "y" }), elementType: "float32" });
  expect(calibrationTensors(b.finish())).toEqual(["p", "h", "y"]);
});
