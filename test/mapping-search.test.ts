import { measureOn } from "@accelc/compiler";
import { type Block, prune } from "@accelc/ir";
import { loadMachine, machinePreset } from "@accelc/machine";
import { type Measure, type Plan, type PlanOptions, planBlocks, pricedCycles } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { compileExact } from "./support/exactness.js";
import { randomGraph } from "./support/random-graph.js";

const SEEDS = Array.from({ length: 40 }, (_, i) => 9000 + i);

const MACHINES = [
  machinePreset("tandem-8x8"),
  machinePreset("tandem-32x32"),
  loadMachine({
    name: "narrow",
    extends: "tandem-8x8",
    buffers: { ibufRows: 256, wbufBlocks: 16, bbufRows: 8, obufRows: 64 },
    tandem: { vmemRows: 96 },
  }),
];

function planned(seed: number, options: PlanOptions): Plan {
  const machine = MACHINES[seed % MACHINES.length]!;
  const graph = prune(randomGraph(seed, { steps: 2 + (seed % 5), most: 3000, rows: machine.array.rows }));
  const { lowered } = compileExact(graph, machine, {});
  return planBlocks(lowered, machine, { measure: measureOn(machine), ...options });
}

/** What a block does, whatever its mapping. */
function keyOf(b: Block): string {
  if (b.kind !== "compute") return b.name;
  const { loads, ops, stores } = b.vector;
  const dims = b.dims.map((d) => [d.name, d.extent, d.before.extent]);
  const moved = [...loads, ...stores].map((x) => x.access.strides);
  return JSON.stringify([b.name, dims, b.gemm?.weights.strides, b.gemm?.input.strides, ops.map((o) => o.op), moved]);
}

const machineOf = (seed: number) => MACHINES[seed % MACHINES.length]!;

describe("the mapping search", () => {
  it(`never measures less than a mapping's lower bound, seeds ${SEEDS[0]} to ${SEEDS.at(-1)}`, () => {
    let blocks = 0;
    for (const seed of SEEDS)
      for (const s of planned(seed, { budget: 1 + (seed % 4), seed: seed % 3 }).searches) {
        if (s === undefined) continue;
        blocks++;
        expect(s.least, `seed ${seed}`).toBeLessThanOrEqual(s.cycles + 1e-6);
      }
    expect(blocks).toBeGreaterThan(SEEDS.length);
  });

  it("finds the best of all mappings where the budget does not end it", () => {
    let compared = 0;
    for (const seed of SEEDS.slice(0, 20)) {
      // The least that a block costs under any mapping: without a bound on the objective nothing is excluded: every mapping is measured.
      const seen = new Map<string, number>();
      const real = measureOn(machineOf(seed));
      const watch: Measure = (program, start) => {
        const cost = real(program, start);
        const key = keyOf(program.blocks[0]!);
        seen.set(key, Math.min(seen.get(key) ?? Number.POSITIVE_INFINITY, pricedCycles(cost)));
        return { ...cost, energy: 1, idle: 0 };
      };
      planned(seed, { measure: watch, objective: "energy", budget: 1e9, pack: false, residency: false });
      const least = new Map(seen);
      const cold: Measure = (program, start) => ({ ...real(program, start), idle: 0 });
      const best = planned(seed, { measure: cold, budget: 1e9, pack: false, residency: false });
      // Which groups are cut may differ; blocks that both have must not.
      best.program.blocks.forEach((b, i) => {
        const s = best.searches[i];
        const of = least.get(keyOf(b));
        if (s === undefined || of === undefined) return;
        compared++;
        expect(s.left, `seed ${seed}`).toBe(0);
        expect(pricedCycles(s), `seed ${seed}, block ${b.name}`).toBe(of);
      });
    }
    expect(compared).toBeGreaterThan(20);
  });

  it("keeps to the budget, says what it left out, and gives the same for the same seed", () => {
    for (const seed of SEEDS.slice(0, 20)) {
      const budget = 1 + (seed % 3);
      const plan = planned(seed, { budget, seed: 5 });
      for (const s of plan.searches) {
        if (s === undefined) continue;
        expect(s.measured).toBeLessThanOrEqual(budget);
        if (s.measured < budget) expect(s.left).toBe(0);
        expect(s.mappings).toBeGreaterThanOrEqual(s.measured + s.unplaced);
      }
      expect(planned(seed, { budget, seed: 5 }).program).toEqual(plan.program);
    }
  });

  it("finds mappings of the same cost for any seed where the budget does not end it", () => {
    for (const seed of SEEDS.slice(0, 12)) {
      const costs = [0, 1, 77].map((s) => {
        const [first] = planned(seed, { budget: 1e9, seed: s }).searches;
        return first && pricedCycles(first);
      });
      expect(new Set(costs).size, `seed ${seed}: ${costs}`).toBe(1);
    }
  });
});
