import type { BlockReport, CompileReport } from "@accelc/compiler";
import { loadObject, simulate } from "@accelc/emulator";
import type { AccelObject } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";

/** The report with the cycles of the program it describes. */
export function withCycles(report: CompileReport, object: AccelObject, machine: MachineDescription): CompileReport {
  const simulated = simulate(loadObject(object, machine));
  const blocks = report.blocks.map((b, i): BlockReport => {
    const found = simulated.blocks[i];
    if (found === undefined) return b;
    const { cycles, boundBy, utilization, events } = found;
    return { ...b, cycles, boundBy, utilization, dramBytes: events.dramBytes };
  });
  return { ...report, blocks, cycles: { ...report.cycles, simulated: simulated.cycles } };
}
