import { prune } from "@accelc/ir";
import { assembleObject, disassembleObject } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { checkExact, compileExact } from "./support/exactness.js";
import { randomGraph } from "./support/random-graph.js";

/** As in exactness.test.ts, whose binaries these are. */
const COUNT = Number(process.env.ACCELC_GRAPHS ?? 500);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const MACHINES = ["tandem-32x32", "tandem-32x32", "tandem-8x8"].map(machinePreset);

const choices = (seed: number) => {
  const machine = MACHINES[seed % MACHINES.length]!;
  const graph = prune(randomGraph(seed, { steps: 2 + (seed % 9), rows: machine.array.rows }));
  return { graph, machine, fuse: seed % 5 !== 0 };
};

/** The binary of a seed, without running it. */
function binary(seed: number): Uint8Array {
  const { graph, machine, fuse } = choices(seed);
  return compileExact(graph, machine, { fuse }).elf;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe("binaries of random graphs", () => {
  it("are the ones that are compared with the evaluator", () => {
    for (const seed of [FIRST, FIRST + 4, FIRST + 5]) {
      const { graph, machine, fuse } = choices(seed);
      expect(same(checkExact(graph, seed, machine, { fuse }).elf, binary(seed)), `seed ${seed}`).toBe(true);
    }
  });

  it(`asm(disasm(x)) == x on ${COUNT} of them from seed ${FIRST}`, { timeout: 600_000 }, () => {
    console.log(`asm round trip: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const different: number[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const elf = binary(seed);
      if (!same(assembleObject(disassembleObject(elf)), elf)) different.push(seed);
    }
    expect(different).toEqual([]);
  });
});
