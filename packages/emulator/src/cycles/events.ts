import { trapAt } from "../errors.js";
import type { Machine } from "../state.js";
import type { BlockPlan } from "./schedule.js";
import type { SimdPlan } from "./simd-plan.js";

/**
 * Events of a simulation: a word read, a step of the array, what the Tandem Processor does at a tile, a run of a transfer
 * whose cost is not known yet, a word permuted once, two sets of rows compared. The same on every host.
 */
export const DEFAULT_EVENTS = 2 ** 28;

/** Counts events before they are played; traps once there are more than `m.maxSteps`. `at` is by default the current word. */
export function charge(
  m: Machine,
  events: number,
  { address, block }: { readonly address: number; readonly block: number } = m,
): void {
  m.steps += events;
  if (!(m.steps <= m.maxSteps)) throw trapAt(m.locate(address, block), "events", { limit: m.maxSteps });
}

/** Actions of a tile, each looking at the transfers it waits for, and vector instructions, which are counted one by one. */
const perTile = ({ actions, transfers }: SimdPlan): number =>
  actions.reduce((n, a) => n + 1 + (a.kind === "work" ? a.work.body.length : 0), 0) + transfers.length;

/** Of a block, costs of transfers apart. */
export const blockEvents = ({ systolic, simd, tiles }: BlockPlan): number =>
  (systolic === undefined ? 0 : systolic.tiles * systolic.steps * (1 + systolic.loads.length)) +
  (simd === undefined ? 0 : tiles * perTile(simd));
