import { printGraph, prune } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { checkExact, randomOptions } from "./support/exactness.js";
import { randomGraph } from "./support/random-graph.js";

/** Graphs per run; ACCELC_SEED moves the whole range of seeds. */
const COUNT = Number(process.env.ACCELC_GRAPHS ?? 500);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);

/** The fewest steps of the generator that still fail, for a readable report. */
function smallest(seed: number, steps: number, rows: number, fails: (steps: number) => string | undefined): string {
  for (let n = 1; n <= steps; n++) {
    const why = fails(n);
    if (why) return `seed ${seed}, ${n} steps: ${why}\n${printGraph(prune(randomGraph(seed, { steps: n, rows })))}`;
  }
  return `seed ${seed}: fails only at ${steps} steps`;
}

describe("random integer graphs", () => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}`, { timeout: 1_200_000 }, () => {
    console.log(`exactness: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const machines = [machinePreset("tandem-32x32"), machinePreset("tandem-32x32"), machinePreset("tandem-8x8")];
    const failures: string[] = [];
    let tensors = 0;
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++) {
      const steps = 2 + (seed % 9);
      const machine = machines[seed % machines.length]!;
      const { rows } = machine.array;
      const attempt = (n: number): string | undefined => {
        try {
          for (const engine of ["fast", "reference"] as const) {
            const graph = prune(randomGraph(seed, { steps: n, rows }));
            const r = checkExact(graph, seed, machine, randomOptions(seed, machine), engine);
            tensors += r.tensors;
            if (r.mismatches.length > 0) return `${engine} engine: ${r.mismatches.join("; ")}`;
          }
          return undefined;
        } catch (e) {
          return e instanceof Error
            ? `${e.name}: ${e.message}\n${e.stack?.split("\n").slice(1, 5).join("\n")}`
            : String(e);
        }
      };
      if (attempt(steps)) failures.push(smallest(seed, steps, rows, attempt));
    }
    console.log(`exactness: ${tensors} tensors compared`);
    expect(failures).toEqual([]);
  });
});
