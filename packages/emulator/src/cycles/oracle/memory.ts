import type { MachineDescription } from "@accelc/machine";

export interface MemoryRequest {
  /** Number of the block. */
  readonly block: number;
  /** Contiguous bytes of each run. */
  readonly runs: readonly number[];
  readonly done: () => void;
}

/** The DRAM controller: one request at a time, its latency, then run after run burst by burst. */
export class Memory {
  private readonly queue: MemoryRequest[] = [];
  private current: MemoryRequest | undefined;
  private wait = 0;
  private run = 0;
  /** Bytes of the run still to come, and bytes the channel could have moved of the burst under way. */
  private left = 0;
  private credit = 0;

  constructor(private readonly m: MachineDescription) {}

  get idle(): boolean {
    return this.current === undefined && this.queue.length === 0;
  }

  /** A request of the block waits or is on its way. */
  holds(block: number): boolean {
    return this.current?.block === block || this.queue.some((r) => r.block === block);
  }

  push(r: MemoryRequest): void {
    this.queue.push(r);
  }

  /** Takes up the next request; those that touch no memory are done at once. */
  accept(): boolean {
    if (this.current !== undefined) return false;
    const r = this.queue.shift();
    if (r === undefined) return false;
    if (r.runs.length === 0) {
      r.done();
      return true;
    }
    this.current = r;
    this.wait = this.m.dram.latencyCycles;
    this.run = 0;
    this.left = r.runs[0];
    this.credit = 0;
    return true;
  }

  tick(): void {
    const r = this.current;
    if (r === undefined) return;
    if (this.wait > 0) {
      this.wait -= 1;
      return;
    }
    const { bytesPerCycle, burstBytes } = this.m.dram;
    this.credit += bytesPerCycle;
    while (this.credit >= burstBytes && this.run < r.runs.length) {
      this.credit -= burstBytes;
      this.left -= burstBytes;
      if (this.left <= 0) this.left = r.runs[++this.run];
    }
    if (this.run < r.runs.length) return;
    this.current = undefined;
    r.done();
  }
}
