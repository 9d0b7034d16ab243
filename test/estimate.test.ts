import { emitText } from "@accelc/codegen";
import { compile } from "@accelc/compiler";
import { loadObject, simulate } from "@accelc/emulator";
import { decode } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { buildZoo, zooData, zooNetwork } from "@accelc/zoo";
import { describe, expect, it } from "vitest";
import { REDUCED } from "./support/reduced-zoo.js";

const machine = machinePreset("tandem-32x32");
const off = (estimated: number, simulated: number) => Math.abs(estimated - simulated) / simulated;

describe("the search's estimate", () => {
  it.each(Object.keys(REDUCED))(
    "of %s is within 5 percent of the simulation on every block",
    { timeout: 300_000 },
    async (name) => {
      const network = zooNetwork(name)!;
      const { options } = REDUCED[name]!;
      const { plan, object, report } = await compile(buildZoo(network, options), {
        target: machine,
        calibration: zooData(network, options, 1),
      } as Parameters<typeof compile>[1]);
      const { program, costs } = plan;
      const simulated = simulate(loadObject(object, machine));
      // A copy of several boxes is several blocks of the binary.
      let at = 0;
      const blocks = program.blocks.map((block, i) => {
        const text = emitText({ ...program, blocks: [block] }, machine);
        const ends = [...text].filter((word) => decode(word)?.op === "block_end").length;
        const mine = simulated.blocks.slice(at, at + ends);
        at += ends;
        return { block, estimated: costs[i]!.cycles, simulated: mine.reduce((sum, b) => sum + b.cycles, 0) };
      });
      expect(at).toBe(simulated.blocks.length);
      const worst = Math.max(...blocks.map((b) => off(b.estimated, b.simulated)));
      console.log(
        `${name}: ${blocks.length} blocks, worst ${(100 * worst).toFixed(2)} %, gap to the bound ${report.cycles.gap}`,
      );
      expect(worst).toBeLessThanOrEqual(0.05);
      expect(off(report.cycles.estimated!, simulated.cycles)).toBeLessThanOrEqual(0.05);
    },
  );
});
