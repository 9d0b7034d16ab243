import { compile } from "@accelc/compiler";
import { loadObject, simulate } from "@accelc/emulator";
import { machinePreset } from "@accelc/machine";
import { buildZoo, zooData, zooNetwork } from "@accelc/zoo";
import { describe, expect, it } from "vitest";
import { REDUCED } from "./support/reduced-zoo.js";

const machine = machinePreset("tandem-32x32");
const off = (estimated: number, simulated: number) => Math.abs(estimated - simulated) / simulated;
const percent = (x: number) => `${(100 * x).toFixed(2)} %`;
const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;

describe("the search's estimate", () => {
  it.each(Object.keys(REDUCED))("of %s is within 5 percent of the simulation", { timeout: 300_000 }, async (name) => {
    const network = zooNetwork(name)!;
    const { options } = REDUCED[name]!;
    const { plan, object, report } = await compile(buildZoo(network, options), {
      target: machine,
      calibration: zooData(network, options, 1),
    } as Parameters<typeof compile>[1]);
    const simulated = simulate(loadObject(object, machine));
    expect(off(report.cycles.estimated!, simulated.cycles)).toBeLessThanOrEqual(0.05);
    const searched = report.blocks.flatMap(({ search, estimated }, i) =>
      search ? [{ ...search, estimated: estimated!, simulated: simulated.blocks[i]!.cycles }] : [],
    );
    expect(searched.length).toBe(plan.searches.filter((s) => s !== undefined).length);
    expect(report.cycles.gap!).toBeGreaterThanOrEqual(0);
    // No schedule undercuts a bound, and what the search compared adds up to what is simulated.
    for (const s of searched) expect(s.least).toBeLessThanOrEqual(s.cycles + 1e-6);
    const sum = (of: (s: (typeof searched)[number]) => number) => searched.reduce((n, s) => n + of(s), 0);
    const all = off(
      sum((s) => s.estimated),
      sum((s) => s.simulated),
    );
    const single = searched.map((s) => off(s.estimated, s.simulated));
    const bound = searched.map((s) => 1 - s.least / s.cycles);
    console.log(
      `${name}: ${searched.length} blocks searched, together ${percent(all)}, one by one worst ${percent(Math.max(...single))}, mean ${percent(mean(single))}; ` +
        `bound below by ${percent(Math.max(...bound))}, mean ${percent(mean(bound))}; best of all in ${searched.filter((s) => s.left === 0).length}; gap ${percent(report.cycles.gap!)}`,
    );
    expect(Math.max(...single)).toBeLessThanOrEqual(0.05);
  });
});
