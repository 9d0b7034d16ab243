import { elements, type Graph, prune } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { INTEGER_PASSES, type OperandFormat, type QuantizeOptions, quantize, runPasses } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { randomGraph } from "../packages/passes/test/quantize-random.js";
import { calibrate, random } from "../packages/passes/test/quantize-support.js";
import { checkExact, randomOptions } from "./support/exactness.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 500);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const machine = machinePreset("tandem-32x32");

const OPTIONS: readonly QuantizeOptions[] = [
  { precision: "int8", weights: "max" },
  { precision: "int8", weights: "max" },
  { precision: "int8", weights: "octav", weightVector: 2 },
  { precision: "int16", weights: "max" },
  { precision: "int4", weights: "mse" },
  { precision: "int4", weights: "max", weightVector: 3, edges: { first: false, shortcuts: false, last: false } },
  { precision: "int4", weights: "max", edges: { first: false, shortcuts: false, last: false } },
  { precision: "int2", weights: "sawb", learnedClips: true },
  { precision: "int2", weights: "max", edges: { first: false, shortcuts: false, last: false } },
  { precision: "fp16", weights: "max" },
  { precision: "hfp8", weights: "max" },
  { precision: "hfp8", weights: "max", edges: { first: false, last: false } },
];

const INTEGERS: readonly OperandFormat[] = ["int2", "int4", "int8", "int16"];

/** Formats of the seed's own for every layer, in one graph of eight. */
function optionsFor(g: Graph, seed: number): QuantizeOptions {
  const options = OPTIONS[seed % OPTIONS.length]!;
  if (seed % 8 !== 3) return options;
  const next = random(seed + 11);
  const pick = () => INTEGERS[Math.floor(((next() + 1) / 2) * INTEGERS.length)]!;
  const gemms = g.nodes.filter((n) => n.op === "conv" || n.op === "matmul");
  const layers = new Map(gemms.map((n) => [n.loc.node, { activations: pick(), weights: pick() }]));
  return { precision: "int8", weights: "max", layers };
}

function quantized(seed: number): Graph {
  const g = prune(randomGraph(seed, true));
  const next = random(seed + 7);
  const sample = () =>
    new Map(
      g.inputs.map((p) => {
        const n = elements(g.values.get(p.value)!.type.shape);
        return [p.value, Float32Array.from({ length: n }, () => next())] as const;
      }),
    );
  return quantize(g, calibrate(g, [sample(), sample()]), optionsFor(g, seed));
}

describe("random float graphs, quantized", () => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}`, { timeout: 1_200_000 }, () => {
    console.log(`float exactness: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const failures: string[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++) {
      try {
        const integer = runPasses(quantized(seed), INTEGER_PASSES, { machine });
        const { mismatches } = checkExact(integer, seed, machine, randomOptions(seed, machine));
        if (mismatches.length > 0) failures.push(`seed ${seed}: ${mismatches.slice(0, 3).join("; ")}`);
      } catch (e) {
        failures.push(`seed ${seed}: ${e instanceof Error ? e.stack?.split("\n").slice(0, 4).join(" | ") : e}`);
      }
    }
    expect(failures).toEqual([]);
  });
});
