import { measureOn } from "@accelc/compiler";
import { printGraph, prune } from "@accelc/ir";
import { loadMachine, type MachineDescription, machinePreset } from "@accelc/machine";
import { type Measure, OBJECTIVES, type PlanOptions } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { checkExact, random } from "./support/exactness.js";
import { randomGraph } from "./support/random-graph.js";

/** Graphs per run; ACCELC_SEED moves the whole range of seeds. */
const COUNT = Number(process.env.ACCELC_GRAPHS ?? 120);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const PLANS = 3;

const MACHINES: readonly MachineDescription[] = [
  machinePreset("tandem-8x8"),
  machinePreset("tandem-16x16"),
  machinePreset("tandem-32x32"),
  loadMachine({
    name: "narrow",
    extends: "tandem-8x8",
    buffers: { ibufRows: 512, wbufBlocks: 32, bbufRows: 8, obufRows: 64 },
    tandem: { vmemRows: 96 },
    dram: { burstBytes: 32, bytesPerCycle: 8, latencyCycles: 7 },
  }),
];

/** Costs that have nothing to do with the mapping, above every lower bound: any mapping that fits may be taken. */
function anyMapping(next: () => number): Measure {
  return () => ({ cycles: 1e12 * (1 + next()), energy: next(), traffic: 0, idle: Math.floor(next() * 4000) });
}

function randomPlan(next: () => number, machine: MachineDescription): PlanOptions {
  const pick = <T>(xs: readonly T[]): T => xs[Math.floor(next() * xs.length)]!;
  const measure = pick([undefined, measureOn(machine), anyMapping(next), anyMapping(next), anyMapping(next)]);
  const [pack, residency] = [pick([true, false, undefined]), pick([true, false, undefined])];
  return {
    fuse: next() < 0.7,
    objective: pick(OBJECTIVES),
    budget: pick([0, 1, 2, 4, 8, 64, 1000]),
    seed: Math.floor(next() * 1000),
    ...(measure ? { measure } : {}),
    ...(pack === undefined ? {} : { pack }),
    ...(residency === undefined ? {} : { residency }),
  };
}

describe("whatever is chosen for a graph", () => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}, ${PLANS} plans of each`, {
    timeout: 1_200_000,
  }, () => {
    console.log(`options: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const failures: string[] = [];
    let [tensors, programs] = [0, new Set<string>()];
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++) {
      const machine = MACHINES[seed % MACHINES.length]!;
      const graph = prune(randomGraph(seed + 70_000, { steps: 2 + (seed % 8), rows: machine.array.rows }));
      const next = random(seed);
      for (let plan = 0; plan < PLANS; plan++) {
        const options = randomPlan(next, machine);
        const { measure, ...named } = options;
        const where = `seed ${seed}, ${machine.name}, ${JSON.stringify(named)}${measure ? ", measured" : ""}`;
        try {
          const r = checkExact(graph, seed, machine, options);
          tensors += r.tensors;
          programs.add(`${seed} ${r.elf.length} ${hash(r.elf)}`);
          if (r.mismatches.length > 0) failures.push(`${where}: ${r.mismatches.join("; ")}\n${printGraph(graph)}`);
        } catch (e) {
          failures.push(`${where}: ${e instanceof Error ? `${e.message}\n${e.stack}` : String(e)}`);
        }
      }
    }
    console.log(`options: ${tensors} tensors compared, ${programs.size} different programs`);
    expect(failures).toEqual([]);
    expect(programs.size).toBeGreaterThan(1.5 * COUNT);
  });
});

const hash = (bytes: Uint8Array): number => bytes.reduce((h, x) => (Math.imul(h, 31) + x) | 0, 7);
