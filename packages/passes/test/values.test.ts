import { type Graph, printGraph, prune, valueIn } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOAT_PASSES, type Pass, runPasses } from "../src/index.js";
import { floatValues, relativeError } from "./float-reference.js";
import { randomGraph, randomInputs } from "./random-graph.js";

const ctx = { machine: machinePreset("tandem-32x32") };
const runs = Number(process.env.ACCELC_PROPERTY_RUNS ?? 300);
const passes = [...new Map(FLOAT_PASSES.map((p) => [p.name, p])).values()];

function check(g: Graph, list: readonly Pass[], seed: number, tolerance: number): void {
  const after = runPasses(g, list, ctx);
  const inputs = randomInputs(g, seed);
  const [old, next] = [floatValues(g, inputs), floatValues(after, inputs)];
  expect(after.inputs).toEqual(g.inputs);
  expect(after.outputs.map((o) => [o.name, o.elementType])).toEqual(g.outputs.map((o) => [o.name, o.elementType]));
  g.outputs.forEach((o, i) => {
    const value = after.outputs[i]!.value;
    expect(valueIn(after, value).type).toEqual(valueIn(g, o.value).type);
    const error = relativeError(old.get(o.value) as Float32Array, next.get(value) as Float32Array);
    expect(error, `output ${o.name}`).toBeLessThan(tolerance);
  });
  const bySource = new Map([...g.values.values()].flatMap((v) => (v.source === undefined ? [] : [[v.source, v.id]])));
  for (const v of after.values.values()) {
    if (v.source === undefined) continue;
    const want = old.get(bySource.get(v.source)!) as Float32Array;
    expect(relativeError(want, next.get(v.id) as Float32Array), `source ${v.source}`).toBeLessThan(tolerance);
  }
}

describe("random float graphs keep outputs and sourced values", () => {
  for (const pass of passes)
    it(`under ${pass.name}`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => check(randomGraph(seed), [pass], seed, 1e-5)),
        { seed: 20240, numRuns: runs },
      );
    });

  // Differences of nearly equal values magnify the rounding of the passes before.
  it("under the whole pipeline", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) =>
        check(randomGraph(seed, 14), FLOAT_PASSES, seed, 1e-4),
      ),
      { seed: 20241, numRuns: 2 * runs },
    );
  });

  it("applies every pass to some of them", () => {
    const changed = new Map(passes.map((p) => [p.name, 0]));
    for (let seed = 1; seed <= 300; seed++) {
      let before = randomGraph(seed, 14);
      for (const p of FLOAT_PASSES) {
        const after = runPasses(before, [p], ctx);
        if (printGraph(after) !== printGraph(prune(before))) changed.set(p.name, changed.get(p.name)! + 1);
        before = after;
      }
    }
    for (const [name, count] of changed) expect(count, name).toBeGreaterThan(0);
  });
});
