/** The mapping search's objective: what mappings are compared by, and how many of them are played in full. */
import type { Block, BlockProgram, TensorId } from "@accelc/ir";
import type { TensorTable } from "./tensors.js";

/** What running a program once costs. Energy is relative to one int8 multiply-accumulate; null where the machine has no table. */
export interface Cost {
  readonly cycles: number;
  readonly energy: number | null;
  /** Cycles in which the DRAM channel is busy. */
  readonly traffic: number;
  /** Cycles in which the DRAM channel is free for constants of the block behind. */
  readonly idle: number;
}

/** What a program finds: DRAM bytes [from, to) that are constants, and cycles in which the channel may load them before it begins. */
export interface Start {
  readonly constants: { readonly from: number; readonly to: number };
  readonly ahead: number;
}

/** The cost of a program as its words are executed; what is no constant may lie anywhere. */
export type Measure = (program: BlockProgram, start: Start) => Cost;

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

export const ZERO_COST: Cost = { cycles: 0, energy: 0, traffic: 0, idle: 0 };

/** Of `b` behind `a`. */
export const addCosts = (a: Cost, b: Cost): Cost => ({
  cycles: a.cycles + b.cycles,
  energy: a.energy === null || b.energy === null ? null : a.energy + b.energy,
  traffic: a.traffic + b.traffic,
  idle: b.idle,
});

/** Whether `a` is better than `b`; where an objective does not tell them apart, cycles do. Unknown energy counts as equal. */
export function better(a: Cost, b: Cost, objective: Objective): boolean {
  const [x, y] = [score(a, objective), score(b, objective)];
  return x === y ? a.cycles < b.cycles : x < y;
}

/**
 * What latency pays for traffic that hides behind work: a cycle of the DRAM channel counts as this part of a cycle. Without it
 * weights would be loaded over and over where that begins a block a few cycles earlier. It costs two per cent of the cycles at most.
 */
const TRAFFIC_PRICE = 1 / 64;

/** Latency and its price, in cycles. */
export const pricedCycles = ({ cycles, traffic }: Pick<Cost, "cycles" | "traffic">): number =>
  cycles + TRAFFIC_PRICE * traffic;

/** What an objective sums over blocks. Unknown energy counts as 1. */
export function score({ cycles, energy, traffic }: Cost, objective: Objective): number {
  if (objective === "latency") return pricedCycles({ cycles, traffic });
  const e = energy ?? 1;
  return objective === "energy" ? e : e * cycles;
}

/** Where constants of a fragment begin in DRAM. */
const CONSTANTS = 2 ** 28;

/** One block as a program, and where its constants lie. `draft` has no number yet. */
export function fragment(
  draft: Omit<Block, "id">,
  tensors: readonly TensorId[],
  table: TensorTable,
): { readonly program: BlockProgram; readonly constants: Start["constants"] } {
  const used = [...new Set(tensors)].map((id) => table.get(id));
  let to = CONSTANTS;
  const storages = [...new Set(used.map((t) => t.storage))].map((id) => {
    const { bytes, data } = table.spaces[id]!;
    const address = data ? to : 0;
    if (data) to += bytes;
    return { id, bytes, address, live: [0, 0] as const };
  });
  const blocks = [{ ...draft, id: 0 } as Block];
  const program = { lanes: table.lanes, tensors: used, storages, blocks, inputs: [], outputs: [] };
  return { program, constants: { from: CONSTANTS, to } };
}
