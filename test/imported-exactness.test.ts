import { prune } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { FLOAT_PASSES, INTEGER_PASSES, quantize, runPasses } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { importedGraph } from "../packages/passes/test/imported-random.js";
import { checkExact } from "./support/exactness.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 150);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const machine = machinePreset("tandem-32x32");

describe("random graphs that carry their own quantization", () => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}`, { timeout: 1_200_000 }, () => {
    console.log(`imported exactness: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const failures: string[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++) {
      try {
        const float = runPasses(prune(importedGraph(seed, { dyadic: seed % 2 === 0 })), FLOAT_PASSES, { machine });
        const grids = quantize(float, { ranges: new Map() }, { precision: "int8", weights: "max" });
        const integer = runPasses(grids, INTEGER_PASSES, { machine });
        const { mismatches } = checkExact(integer, seed, machine, { fuse: seed % 4 !== 0 });
        if (mismatches.length > 0) failures.push(`seed ${seed}: ${mismatches.slice(0, 3).join("; ")}`);
      } catch (e) {
        failures.push(`seed ${seed}: ${e instanceof Error ? e.stack?.split("\n").slice(0, 4).join(" | ") : e}`);
      }
    }
    expect(failures).toEqual([]);
  });
});
