import type { MachineDescription } from "@accelc/machine";

export interface MemoryRequest {
  /** Number of the block. */
  readonly block: number;
  /** Contiguous bytes of each run. */
  readonly runs: readonly number[];
  readonly done: () => void;
}

/** A request on its way: its latency, then run after run burst by burst. */
class Transfer {
  private wait: number;
  private run = 0;
  /** Bytes of the run still to come, and bytes the channel could have moved of the burst under way. */
  private left: number;
  private credit = 0;

  constructor(
    private readonly m: MachineDescription,
    readonly request: MemoryRequest,
  ) {
    this.wait = m.dram.latencyCycles;
    this.left = request.runs[0];
  }

  /** True where that was its last cycle. */
  tick(): boolean {
    if (this.wait > 0) {
      this.wait -= 1;
      return false;
    }
    const { bytesPerCycle, burstBytes } = this.m.dram;
    const { runs } = this.request;
    this.credit += bytesPerCycle;
    while (this.credit >= burstBytes && this.run < runs.length) {
      this.credit -= burstBytes;
      this.left -= burstBytes;
      if (this.left <= 0) this.left = runs[++this.run];
    }
    return this.run === runs.length;
  }
}

/** The DRAM controller: one request at a time, and in cycles without one what the next block fetches ahead. */
export class Memory {
  private readonly queue: MemoryRequest[] = [];
  private current: Transfer | undefined;
  private ahead: Transfer | undefined;

  constructor(private readonly m: MachineDescription) {}

  /** Nothing is fetched ahead, and there is no request that it would have to wait for. */
  get idle(): boolean {
    return this.current === undefined && this.ahead === undefined && this.queue.length === 0;
  }

  /** A request of the block waits or is on its way. */
  holds(block: number): boolean {
    return this.current?.request.block === block || this.queue.some((r) => r.block === block);
  }

  push(r: MemoryRequest): void {
    this.queue.push(r);
  }

  /** Begins a request that moves in cycles in which nothing else does. */
  pushAhead(r: MemoryRequest): void {
    if (r.runs.length === 0) r.done();
    else this.ahead = new Transfer(this.m, r);
  }

  /** The next block begins: what it fetches is a request like any other, and the first. */
  turn(): void {
    this.current = this.ahead;
    this.ahead = undefined;
  }

  /** Takes up the next request; those that touch no memory are done at once. */
  accept(): boolean {
    if (this.current !== undefined) return false;
    const r = this.queue.shift();
    if (r === undefined) return false;
    if (r.runs.length === 0) r.done();
    else this.current = new Transfer(this.m, r);
    return true;
  }

  tick(): void {
    const served = this.current ?? this.ahead;
    if (served?.tick() !== true) return;
    if (served === this.current) this.current = undefined;
    else this.ahead = undefined;
    served.request.done();
  }
}
