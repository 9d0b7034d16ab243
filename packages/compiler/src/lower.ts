import { type Binary, emitBinary, emitText } from "@accelc/codegen";
import { decodeObject, type SimulationReport, simulate, simulateText } from "@accelc/emulator";
import type { Graph } from "@accelc/ir";
import type { AccelObject } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { blockMacs, type Measure, type Plan, type PlanOptions, planBlocks } from "@accelc/passes";

/** What the mapping search compares: the words of a mapping, scheduled as `simulate` schedules those of a binary. */
export const measureOn =
  (machine: MachineDescription): Measure =>
  (program, { constants, ahead }) =>
    simulateText(emitText(program, machine), machine, constants, ahead);

export interface Lowered {
  /** Its costs are those of blocks in their places. */
  readonly plan: Plan;
  readonly object: AccelObject;
  /** Costs by block of the plan as the search knows them: each by itself, with what the block before leaves to it. */
  readonly estimates: Plan["costs"];
  /** What the binary takes. */
  readonly simulated: SimulationReport;
  /** By block of the binary the index of the plan's block that it belongs to. */
  readonly origins: readonly number[];
}

/** A verified integer graph as an object file. */
export function lower(graph: Graph, machine: MachineDescription, options: Omit<PlanOptions, "measure"> = {}): Lowered {
  const plan = planBlocks(graph, machine, { ...options, measure: measureOn(machine) });
  const binary = withMacs(emitBinary(plan.program, plan, graph, machine), blockMacs(graph, plan.program));
  const simulated = simulate(decodeObject(binary.object, machine));
  const costs = costsOf(plan, simulated, binary.origins);
  return { plan: { ...plan, costs }, ...binary, estimates: plan.costs, simulated };
}

/** The debug table says what the graph asks for: where a block of the plan became several, the first that uses the array. */
function withMacs({ object, origins }: Binary, macs: readonly number[]): Binary {
  const left = [...macs];
  const blocks = object.debug.blocks.map((b, i) => {
    const origin = origins[i]!;
    const own = b.unit === "tandem" ? 0 : (left[origin] ?? 0);
    if (own === 0) return b;
    left[origin] = 0;
    return { ...b, macs: own };
  });
  return { object: { ...object, debug: { ...object.debug, blocks } }, origins };
}

/**
 * Costs of a plan's blocks in their places: the search knows each by itself, but the loads of a block may begin under the
 * block before it, and its iterators may be set.
 */
function costsOf({ costs }: Plan, { blocks }: SimulationReport, origins: readonly number[]): Plan["costs"] {
  const cycles = costs.map(() => 0);
  origins.forEach((origin, i) => {
    cycles[origin]! += blocks[i]!.cycles;
  });
  return costs.map((cost, i) => cost && { ...cost, cycles: cycles[i]! });
}
