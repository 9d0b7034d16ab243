import type { IssuedOp } from "@accelc/machine";

/** Stages ahead of execute: decode, address, read, operand. */
const EXECUTE = 4;

interface InFlight {
  /** 0…3 ahead of execute, from 4 on its stages of execute, then write. */
  stage: number;
  /** Further cycles in this stage. */
  hold: number;
  /** Stages of execute. */
  readonly depth: number;
  /** Cycles that it keeps execute to itself. */
  readonly occupies: number;
}

/** Cycles an instruction spends in execute beyond one, and whether others may follow it there meanwhile. */
export type Latency = (op: IssuedOp) => { readonly extra: number; readonly pipelined: boolean };

/** The Code Repeater and the pipeline behind it: one issue per cycle, in order. Results are forwarded. */
export class Pipeline {
  private flight: InFlight[] = [];
  private trips: number[] = [];
  private next = 0;
  private counts: readonly number[] = [];
  private body: readonly IssuedOp[] = [];

  constructor(private readonly latency: Latency) {}

  get busy(): boolean {
    return this.flight.length > 0 || this.body.length > 0;
  }

  begin(counts: readonly number[], body: readonly IssuedOp[]): void {
    this.counts = counts;
    this.body = body;
    this.trips = counts.map(() => 0);
    this.next = 0;
  }

  tick(): void {
    const { flight } = this;
    for (let i = 0; i < flight.length; i++) {
      const x = flight[i];
      if (x.hold > 0) x.hold -= 1;
      else if (this.free(x.stage + 1, i)) {
        x.stage += 1;
        if (x.stage === EXECUTE) x.hold = x.occupies - 1;
      }
    }
    this.flight = flight.filter((x) => x.stage <= EXECUTE + x.depth);
    if (this.body.length > 0 && !this.flight.some((x) => x.stage === 0)) this.issue();
  }

  /** Stages up to execute hold one instruction; the older ones, in front of position i, have moved already. */
  private free(stage: number, i: number): boolean {
    if (stage > EXECUTE) return true;
    for (let j = 0; j < i; j++) if (this.flight[j].stage === stage) return false;
    return true;
  }

  private issue(): void {
    const { extra, pipelined } = this.latency(this.body[this.next]);
    this.flight.push({ stage: 0, hold: 0, depth: pipelined ? 1 + extra : 1, occupies: pipelined ? 1 : 1 + extra });
    this.next += 1;
    if (this.next < this.body.length) return;
    this.next = 0;
    for (let l = this.counts.length - 1; l >= 0; l--) {
      this.trips[l] += 1;
      if (this.trips[l] < this.counts[l]) return;
      this.trips[l] = 0;
    }
    this.body = [];
  }
}
