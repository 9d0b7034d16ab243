/** A transfer waiting for or occupying the DRAM channel. */
export interface Request {
  readonly cycles: number;
  readonly latency: number;
  readonly done: () => void;
}

/** A resource that does one thing at a time: when it began, when it is free, and how long it was busy. */
export class Unit {
  /** End of what it does now; infinite while idle. */
  end = Number.POSITIVE_INFINITY;
  busy = 0;
  first = Number.POSITIVE_INFINITY;
  last = 0;

  get idle(): boolean {
    return this.end === Number.POSITIVE_INFINITY;
  }

  start(now: number, cycles: number): void {
    this.end = now + cycles;
    this.busy += cycles;
    if (cycles === 0) return;
    this.first = Math.min(this.first, now);
    this.last = Math.max(this.last, this.end);
  }

  stop(): void {
    this.end = Number.POSITIVE_INFINITY;
  }
}

/** The DRAM channel serves requests one after another, in the order in which they became ready. */
export class Channel extends Unit {
  /** Cycles of `busy` that were latency. */
  latency = 0;
  private readonly queue: Request[] = [];
  private head = 0;
  private current: Request | undefined;

  push(request: Request): void {
    this.queue.push(request);
  }

  /** Begins the next request; false where there is none. */
  next(now: number): boolean {
    if (!this.idle || this.head === this.queue.length) return false;
    this.current = this.queue[this.head++];
    if (this.head > 1024) this.head -= this.queue.splice(0, this.head).length;
    this.latency += this.current.latency;
    this.start(now, this.current.cycles);
    return true;
  }

  finish(): void {
    const request = this.current;
    this.stop();
    this.current = undefined;
    request?.done();
  }
}
