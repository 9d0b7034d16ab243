import type { MachineDescription } from "@accelc/machine";
import { ArrayProcess } from "./array-process.js";
import { Channel, Requests, Unit, type Use } from "./channel.js";
import { Counts } from "./counts.js";
import type { SimdPlan } from "./simd-plan.js";
import type { Constants, SystolicPlan } from "./systolic-plan.js";
import { TandemProcess } from "./tandem-process.js";

/** A block's regions; at least one. */
export interface BlockPlan {
  readonly systolic: SystolicPlan | undefined;
  readonly simd: SimdPlan | undefined;
  readonly tiles: number;
}

/** `cycles` since the block before it ended; first and last uses on the clock of the program. */
export interface BlockSchedule {
  readonly cycles: number;
  /** Of the block's own transfers, those under way before it began included. */
  readonly dram: Use;
  readonly dramLatency: number;
  readonly systolic: Use;
  readonly tandem: Use;
  readonly counts: Counts;
  /** Cycles in which the channel is free for the next block's constants. */
  readonly idle: number;
}

/** A block's processes. */
class BlockRun {
  readonly requests = new Requests();
  readonly counts: Counts;
  readonly array: ArrayProcess | undefined;
  readonly tandem: TandemProcess | undefined;

  constructor(machine: MachineDescription, { systolic, simd, tiles }: BlockPlan, constants: Constants | undefined) {
    const { requests } = this;
    const counts = new Counts(machine);
    this.counts = counts;
    this.array =
      systolic &&
      new ArrayProcess(machine.dram.latencyCycles, systolic, simd !== undefined, requests, counts, constants);
    this.tandem = simd && new TandemProcess(machine, simd, tiles, requests, counts, this.array);
    if (systolic !== undefined) {
      counts.instructionWords += systolic.words;
      counts.configWords += systolic.words;
      if (simd === undefined) counts.tiles += tiles;
    }
    counts.instructionWords += 1;
  }

  advance(now: number): boolean {
    const moved = this.array?.advance(now) ?? false;
    return (this.tandem?.advance(now) ?? false) || moved;
  }

  /** End of what the array or the Tandem Processor does now. */
  get end(): number {
    return Math.min(this.array?.unit.end ?? Infinity, this.tandem?.unit.end ?? Infinity);
  }

  finish(now: number): void {
    if (this.array?.unit.end === now) this.array.finish();
    if (this.tandem?.unit.end === now) this.tandem.finish();
  }

  get over(): boolean {
    return this.requests.over && this.end === Number.POSITIVE_INFINITY;
  }

  /** Whether the next block's constants may be loaded now. */
  get yields(): boolean {
    return (this.array?.remaining ?? 0) <= 1;
  }

  /** What is loaded of step 0's constants in `cycles` of the channel that the block before left, which ended at `start`. */
  ahead(cycles: number, start: number, channel: Channel): void {
    let now = start - cycles;
    while (now < start && this.array?.askEarly() && channel.next(now, this.requests)) {
      now = channel.end;
      if (now <= start) channel.finish();
    }
  }
}

/** Plays a block from `start` to its last event. */
function play(start: number, block: BlockRun, channel: Channel) {
  let [now, idle] = [start, 0];
  for (;;) {
    while (block.advance(now) || channel.next(now, block.requests));
    if (block.over) break;
    const then = Math.min(channel.end, block.end);
    if (channel.idle && block.yields) idle += then - now;
    now = then;
    block.finish(now);
    if (channel.end === now) channel.finish();
  }
  if (block.array?.done === false || block.tandem?.finished === false)
    throw new Error("the schedule of a block came to a stop");
  return { now, idle };
}

/**
 * Plays blocks one after another, from first event to last. A block's loads of constants take what the block before leaves
 * of the channel, and nothing from it: they give way to its transfers.
 *
 * @param constants DRAM bytes that no store may touch
 * @param ahead cycles for which the channel is free before the first block begins
 */
export function* schedule(
  machine: MachineDescription,
  plans: Iterable<BlockPlan>,
  constants?: Constants,
  ahead = 0,
): Generator<BlockSchedule> {
  let [start, left] = [0, ahead];
  for (const plan of plans) {
    const block = new BlockRun(machine, plan, constants);
    const channel = new Channel();
    block.ahead(left, start, channel);
    const { now, idle } = play(start, block, channel);
    yield {
      cycles: now - start,
      idle,
      dram: block.requests.use,
      dramLatency: block.requests.latency,
      systolic: block.array?.unit ?? new Unit(),
      tandem: block.tandem?.unit ?? new Unit(),
      counts: block.counts,
    };
    [start, left] = [now, idle];
  }
}
