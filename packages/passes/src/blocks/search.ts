/** The mapping search's objective: what mappings are compared by, and how many of them are played in full. */
import type { Block, BlockProgram, TensorId } from "@accelc/ir";
import type { TensorTable } from "./tensors.js";

/** What running a program once costs. Energy is relative to one int8 multiply-accumulate; null where the machine has no table. */
export interface Cost {
  readonly cycles: number;
  readonly energy: number | null;
}

/** The cost of a program as its words are executed; the blocks may stand anywhere in DRAM. */
export type Measure = (program: BlockProgram) => Cost;

export const OBJECTIVES = ["latency", "energy", "edp"] as const;
export type Objective = (typeof OBJECTIVES)[number];

export interface SearchOptions {
  /** Without it, lower bounds decide. */
  readonly measure?: Measure;
  /** Default `latency`. */
  readonly objective?: Objective;
  /** Mappings per block that `measure` sees at most. */
  readonly budget?: number;
  /** Which of several mappings with the same bound is looked at first. Default 0: the one with larger tiles. */
  readonly seed?: number;
}

export const DEFAULT_BUDGET = 8;

export const ZERO_COST: Cost = { cycles: 0, energy: 0 };

export const addCosts = (a: Cost, b: Cost): Cost => ({
  cycles: a.cycles + b.cycles,
  energy: a.energy === null || b.energy === null ? null : a.energy + b.energy,
});

/** Whether `a` is better than `b`; where an objective does not tell them apart, cycles do. Unknown energy counts as equal. */
export function better(a: Cost, b: Cost, objective: Objective): boolean {
  const [x, y] = [score(a, objective), score(b, objective)];
  return x === y ? a.cycles < b.cycles : x < y;
}

function score({ cycles, energy }: Cost, objective: Objective): number {
  if (objective === "latency") return cycles;
  const e = energy ?? 1;
  return objective === "energy" ? e : e * cycles;
}

/** One block as a program: its tensors in DRAM somewhere. `draft` has no number yet. */
export function fragment(draft: Omit<Block, "id">, tensors: readonly TensorId[], table: TensorTable): BlockProgram {
  const used = [...new Set(tensors)].map((id) => table.get(id));
  const storages = [...new Set(used.map((t) => t.storage))].map((id) => {
    const { bytes } = table.spaces[id]!;
    return { id, bytes, address: 0, live: [0, 0] as const };
  });
  const blocks = [{ ...draft, id: 0 } as Block];
  return { lanes: table.lanes, tensors: used, storages, blocks, inputs: [], outputs: [] };
}
