import type { MachineDescription } from "@accelc/machine";
import { ArrayProcess } from "./array-process.js";
import { Channel, Unit } from "./channel.js";
import { Counts } from "./counts.js";
import type { SimdPlan } from "./simd-plan.js";
import type { SystolicPlan } from "./systolic-plan.js";
import { TandemProcess } from "./tandem-process.js";

/** A block's regions; at least one. */
export interface BlockPlan {
  readonly systolic: SystolicPlan | undefined;
  readonly simd: SimdPlan | undefined;
  readonly tiles: number;
}

export interface BlockSchedule {
  readonly cycles: number;
  readonly dram: Unit;
  readonly dramLatency: number;
  readonly systolic: Unit;
  readonly tandem: Unit;
  readonly counts: Counts;
}

/** Plays a block from its first event to the last: both units and the DRAM channel empty at the end. */
export function schedule(machine: MachineDescription, plan: BlockPlan): BlockSchedule {
  const counts = new Counts(machine);
  const channel = new Channel();
  const { systolic, simd, tiles } = plan;
  const array = systolic && new ArrayProcess(machine.dram.latencyCycles, systolic, simd !== undefined, channel, counts);
  const tandem = simd && new TandemProcess(machine, simd, tiles, channel, counts, array);
  if (systolic !== undefined) {
    counts.instructionWords += systolic.words;
    counts.configWords += systolic.words;
    if (simd === undefined) counts.tiles += tiles;
  }
  counts.instructionWords += 1;
  let now = 0;
  for (;;) {
    for (let moved = true; moved; ) {
      moved = array?.advance(now) ?? false;
      moved = (tandem?.advance(now) ?? false) || moved;
      moved = channel.next(now) || moved;
    }
    const end = Math.min(channel.end, array?.unit.end ?? Infinity, tandem?.unit.end ?? Infinity);
    if (end === Number.POSITIVE_INFINITY) break;
    now = end;
    if (array !== undefined && array.unit.end === now) array.finish();
    if (tandem !== undefined && tandem.unit.end === now) tandem.finish();
    if (channel.end === now) channel.finish();
  }
  if (array?.done === false || tandem?.finished === false) throw new Error("the schedule of a block came to a stop");
  return {
    cycles: now,
    dram: channel,
    dramLatency: channel.latency,
    systolic: array?.unit ?? new Unit(),
    tandem: tandem?.unit ?? new Unit(),
    counts,
  };
}
