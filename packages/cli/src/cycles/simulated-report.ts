import type { BlockReport, CompileReport } from "@accelc/compiler";
import { loadObject, simulate } from "@accelc/emulator";
import type { AccelObject } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";

/** The report with the cycles of the program it describes. */
export function withCycles(report: CompileReport, object: AccelObject, machine: MachineDescription): CompileReport {
  const simulated = simulate(loadObject(object, machine));
  const { lowerBound } = report.cycles;
  const gap = lowerBound === null || lowerBound === 0 ? null : simulated.cycles / lowerBound - 1;
  const blocks = report.blocks.map((b, i): BlockReport => {
    const found = simulated.blocks[i];
    if (found === undefined) return b;
    const { cycles, boundBy, utilization, events } = found;
    return { ...b, cycles, boundBy, utilization, dramBytes: events.dramBytes };
  });
  return { ...report, blocks, cycles: { estimated: simulated.cycles, lowerBound, gap } };
}
