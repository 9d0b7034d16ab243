import { emitProgram, emitText } from "@accelc/codegen";
import { simulateText } from "@accelc/emulator";
import type { Graph } from "@accelc/ir";
import type { AccelObject } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { type Measure, type Plan, type PlanOptions, planBlocks } from "@accelc/passes";

/** What the mapping search compares: the words of a mapping, scheduled as `simulate` schedules those of a binary. */
export const measureOn =
  (machine: MachineDescription): Measure =>
  (program) =>
    simulateText(emitText(program, machine), machine);

export interface Lowered {
  readonly plan: Plan;
  readonly object: AccelObject;
}

/** A verified integer graph as an object file. */
export function lower(graph: Graph, machine: MachineDescription, options: Omit<PlanOptions, "measure"> = {}): Lowered {
  const plan = planBlocks(graph, machine, { ...options, measure: measureOn(machine) });
  return { plan, object: emitProgram(plan.program, plan, graph, machine) };
}
