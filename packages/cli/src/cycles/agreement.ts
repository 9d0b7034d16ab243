import { lower } from "@accelc/compiler";
import { loadObject, simulate, stepCycles } from "@accelc/emulator";
import type { MachineDescription } from "@accelc/machine";
import { INTEGER_PASSES, lowerBound, runPasses } from "@accelc/passes";
import { type CaseClass, type CycleCase, cycleCases } from "./cases.js";

/** One case simulated twice: by schedule, and cycle by cycle. */
export interface Agreement {
  readonly kind: CaseClass;
  readonly name: string;
  readonly blocks: number;
  readonly simulated: number;
  readonly stepped: number;
  /** What no tiling can beat. */
  readonly lowerBound: number;
  /** |simulated − stepped| / stepped; the worst of the case's blocks, and of the whole. */
  readonly difference: number;
}

function compare({ kind, name, graph }: CycleCase, machine: MachineDescription): Agreement {
  const lowered = runPasses(graph, INTEGER_PASSES, { machine });
  const { plan, object } = lower(lowered, machine);
  const program = loadObject(object, machine);
  const fast = simulate(program);
  const slow = stepCycles(program);
  const stepped = slow.reduce((a, b) => a + b, 0);
  const off = (x: number, y: number) => (x === y ? 0 : Math.abs(x - y) / y);
  const difference = Math.max(off(fast.cycles, stepped), ...slow.map((y, i) => off(fast.blocks[i]!.cycles, y)));
  return {
    kind,
    name,
    blocks: slow.length,
    simulated: fast.cycles,
    stepped,
    lowerBound: lowerBound(lowered, plan.program, machine).cycles,
    difference,
  };
}

/** The agreement table on a small machine. */
export const measureAgreement = (machine: MachineDescription): readonly Agreement[] =>
  cycleCases().map((c) => compare(c, machine));

export const worstOf = (rows: readonly Agreement[]): number => Math.max(...rows.map((r) => r.difference));
export const meanOf = (rows: readonly Agreement[]): number =>
  rows.reduce((sum, r) => sum + r.difference, 0) / rows.length;
