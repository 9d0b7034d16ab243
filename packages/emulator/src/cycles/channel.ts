/** A transfer waiting for or occupying the DRAM channel. */
export interface Request {
  readonly cycles: number;
  readonly latency: number;
  readonly done: () => void;
}

/** What a block has of a resource: the first and the last cycle of its use, and how many are busy. */
export class Use {
  busy = 0;
  first = Number.POSITIVE_INFINITY;
  last = 0;

  note(now: number, cycles: number): void {
    this.busy += cycles;
    if (cycles === 0) return;
    this.first = Math.min(this.first, now);
    this.last = Math.max(this.last, now + cycles);
  }
}

/** A resource that does one thing at a time: when it is free, and its use. */
export class Unit extends Use {
  /** End of what it does now; infinite while idle. */
  end = Number.POSITIVE_INFINITY;

  get idle(): boolean {
    return this.end === Number.POSITIVE_INFINITY;
  }

  start(now: number, cycles: number): void {
    this.end = now + cycles;
    this.note(now, cycles);
  }

  stop(): void {
    this.end = Number.POSITIVE_INFINITY;
  }
}

/** A block's requests, in the order in which they became ready, and its use of the channel. */
export class Requests {
  readonly use = new Use();
  /** Cycles of `use.busy` that were latency. */
  latency = 0;
  private readonly queue: Request[] = [];
  private head = 0;
  private serving = 0;

  /** Nothing waits, and nothing is on the channel. */
  get over(): boolean {
    return this.serving === 0 && this.head === this.queue.length;
  }

  push(request: Request): void {
    this.queue.push(request);
  }

  /** The next request, which the channel begins now. */
  begin(now: number): Request | undefined {
    if (this.head === this.queue.length) return undefined;
    const request = this.queue[this.head++];
    if (this.head > 1024) this.head -= this.queue.splice(0, this.head).length;
    this.serving += 1;
    this.latency += request.latency;
    this.use.note(now, request.cycles);
    return request;
  }

  finish(request: Request): void {
    this.serving -= 1;
    request.done();
  }
}

/** The DRAM channel serves one request after another. */
export class Channel {
  /** End of the transfer under way; infinite while idle. */
  end = Number.POSITIVE_INFINITY;
  private current: { readonly from: Requests; readonly request: Request } | undefined;

  /** Begins the next request of a block; false where the channel is busy or the block has none. */
  next(now: number, from: Requests): boolean {
    if (this.current !== undefined) return false;
    const request = from.begin(now);
    if (request === undefined) return false;
    this.current = { from, request };
    this.end = now + request.cycles;
    return true;
  }

  get idle(): boolean {
    return this.current === undefined;
  }

  finish(): void {
    const done = this.current;
    this.end = Number.POSITIVE_INFINITY;
    this.current = undefined;
    done?.from.finish(done.request);
  }
}
