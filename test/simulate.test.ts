import { load, type Program, simulate, stepCycles } from "@accelc/emulator";
import { elements, prune } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { checkExact, random, randomData } from "./support/exactness.js";
import { randomGraph } from "./support/random-graph.js";

const SEEDS = Array.from({ length: 60 }, (_, i) => 4000 + i);

/** What the emulator counts while it executes. */
function counted(p: Program) {
  const next = random(1);
  const inputs = Object.fromEntries(
    p.object.io.inputs.map((t) => {
      const dtype = t.elementType as "int8";
      return [t.name, { type: dtype, shape: t.shape, data: randomData(dtype, elements(t.shape), next) }] as const;
    }),
  );
  const { stats } = p.run(inputs as never);
  return {
    macs: stats.macs,
    systolicTiles: stats.systolicTiles,
    tiles: stats.tiles,
    configWords: stats.configWords,
    permutedWords: stats.permutedWords,
    issues: Object.fromEntries([...stats.issues].sort()),
    read: Object.fromEntries([...stats.dramRead].filter(([, n]) => n > 0).sort()),
    written: Object.fromEntries([...stats.dramWritten].filter(([, n]) => n > 0).sort()),
  };
}

function simulated(p: Program) {
  const r = simulate(p);
  const sum = (of: (b: (typeof r.blocks)[number]) => number) => r.blocks.reduce((n, b) => n + of(b), 0);
  const traffic = (key: "read" | "written") =>
    Object.fromEntries(
      Object.entries(r.dramBytes)
        .map(([port, t]) => [port, t[key]] as const)
        .filter(([, n]) => n > 0)
        .sort(),
    );
  return {
    macs: r.macs,
    systolicTiles: sum((b) => b.systolicTiles),
    tiles: sum((b) => b.tiles),
    configWords: sum((b) => b.configWords),
    permutedWords: sum((b) => b.permutedWords),
    issues: Object.fromEntries(Object.entries(r.vectorInstructions).sort()),
    read: traffic("read"),
    written: traffic("written"),
  };
}

describe("the simulator", () => {
  it(`counts what the emulator counts, seeds ${SEEDS[0]} to ${SEEDS.at(-1)}`, () => {
    for (const seed of SEEDS) {
      const machine = machinePreset(seed % 2 === 0 ? "tandem-8x8" : "tandem-32x32");
      const graph = prune(randomGraph(seed, { steps: 2 + (seed % 9), rows: machine.array.rows }));
      const { elf } = checkExact(graph, seed, machine, { fuse: seed % 5 !== 0 });
      const program = load(elf, machine);
      expect(simulated(program), `seed ${seed}`).toEqual(counted(program));
    }
  });

  it("agrees with the cycle-by-cycle oracle within 5 % on every block and 1 % on average", () => {
    const machine = machinePreset("tandem-8x8");
    const far: string[] = [];
    let [sum, blocks] = [0, 0];
    for (const seed of SEEDS) {
      const graph = prune(randomGraph(seed, { steps: 2 + (seed % 9), most: 4000, rows: machine.array.rows }));
      const program = load(checkExact(graph, seed, machine, { fuse: seed % 5 !== 0 }).elf, machine);
      const fast = simulate(program).blocks;
      stepCycles(program).forEach((slow, i) => {
        const off = slow === 0 ? 0 : Math.abs(fast[i]!.cycles - slow) / slow;
        if (off > 0.05) far.push(`seed ${seed}, block ${i}: ${fast[i]!.cycles} for ${slow}`);
        sum += off;
        blocks++;
      });
    }
    console.log(`cycles: ${blocks} blocks, mean difference ${((100 * sum) / blocks).toFixed(3)} %`);
    expect(far).toEqual([]);
    expect(sum / blocks).toBeLessThanOrEqual(0.01);
  });
});
