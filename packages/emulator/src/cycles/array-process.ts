import { type Requests, Unit } from "./channel.js";
import type { Counts } from "./counts.js";
import { type Constants, type SystolicPlan, type SystolicTransfer, TileWalk } from "./systolic-plan.js";

/**
 * The array as a pipeline of steps: the rows of one follow those of the one before, whose sums are still on their way down.
 * `end` is when rows have all entered, or when the oldest step's last sum has left.
 */
class StepPipeline extends Unit {
  /** Rows of the newest step have all entered; infinite where they have. */
  private entered = Number.POSITIVE_INFINITY;
  /** When the steps under way end, the oldest first. */
  private readonly ends: number[] = [];

  constructor(
    private readonly rows: number,
    private readonly drain: number,
  ) {
    super();
  }

  /** Rows of another step may enter. */
  get open(): boolean {
    return this.entered === Number.POSITIVE_INFINITY;
  }

  enter(now: number): void {
    const from = Math.max(now, this.ends.at(-1) ?? now);
    this.entered = now + this.rows;
    const end = this.entered + this.drain;
    this.ends.push(end);
    this.note(from, end - from);
    this.await();
  }

  /** What is due at `end`; true where a step has ended. */
  settle(): boolean {
    const now = this.end;
    if (this.entered === now) this.entered = Number.POSITIVE_INFINITY;
    const ended = this.ends[0] === now;
    if (ended) this.ends.shift();
    this.await();
    return ended;
  }

  private await(): void {
    this.end = Math.min(this.entered, this.ends[0] ?? Number.POSITIVE_INFINITY);
  }
}

/**
 * The array and its loads. Loads of step k + 1 are asked for when step k − 1 has ended; step k starts when the rows of step
 * k − 1 have entered, its loads are there and, where it begins a tile set, a half of OBUF is free. Step 0 follows the last step of the block before where
 * constants are loaded into WBUF and BBUF.
 */
export class ArrayProcess {
  readonly unit: StepPipeline;
  /** Tile sets handed over, and halves of OBUF given back. */
  handedOver = 0;
  released = 0;
  private readonly total: number;
  private readonly walk: TileWalk;
  /** Steps that have ended, that have started, whose loads were asked for. */
  private step = 0;
  private started = 0;
  private asked = 0;
  private readonly missing = [0, 0];
  private readonly storeWalk: TileWalk;
  /** Loads of step 0 that need not wait for the block before, and how many of them were asked for. */
  private readonly early: readonly SystolicTransfer[];
  private askedEarly = 0;

  constructor(
    private readonly latency: number,
    private readonly plan: SystolicPlan,
    /** A SIMD region gives the halves of OBUF back. */
    private readonly fused: boolean,
    private readonly requests: Requests,
    private readonly counts: Counts,
    constants: Constants | undefined,
  ) {
    this.unit = new StepPipeline(plan.rowsStreamed, plan.stepCycles - plan.rowsStreamed);
    this.total = plan.tiles * plan.steps;
    this.walk = new TileWalk(plan);
    this.storeWalk = new TileWalk(plan);
    this.early =
      constants === undefined
        ? []
        : plan.loads.filter((t) => t.buffer !== "IBUF" && t.within(constants, this.walk.outer));
  }

  /** Steps that have not ended. */
  get remaining(): number {
    return this.total - this.step;
  }

  get done(): boolean {
    return this.step === this.total && this.released === this.plan.tiles;
  }

  /** Does whatever can be done now; true where something was. */
  advance(now: number): boolean {
    let moved = false;
    while (this.asked < this.total && this.asked <= this.step + 1) {
      this.ask(this.asked++);
      moved = true;
    }
    const { started } = this;
    if (!this.unit.open || started === this.asked || this.missing[started & 1] > 0) return moved;
    const { steps } = this.plan;
    if (started % steps === 0 && started / steps >= this.released + 2) return moved;
    this.unit.enter(now);
    this.started += 1;
    return true;
  }

  /** Rows have entered, or a step has ended. */
  finish(): void {
    if (!this.unit.settle()) return;
    const { steps, store } = this.plan;
    this.counts.step(this.plan, this.step % steps === 0);
    this.step += 1;
    if (this.step % steps === 0) {
      this.handedOver += 1;
      this.counts.handOver(this.plan);
      if (store !== undefined) this.store(store);
      else if (!this.fused) this.released += 1;
    }
    this.storeWalk.advance();
  }

  private store(t: SystolicTransfer): void {
    this.push(t, true, this.storeWalk, () => {
      this.released += 1;
    });
  }

  private push(t: SystolicTransfer, store: boolean, walk: TileWalk, done: () => void): void {
    const cost = t.cost(walk.outer);
    this.counts.transfer(t.buffer, store, cost);
    this.requests.push({ cycles: cost.cycles, latency: cost.bursts > 0 ? this.latency : 0, done });
  }

  /** Asks for a load of step 0 ahead of the block's beginning; false where there is none. */
  askEarly(): boolean {
    const load = this.early[this.askedEarly];
    if (load === undefined) return false;
    this.askedEarly += 1;
    this.load(0, load);
    return true;
  }

  private ask(step: number): void {
    const asked = step === 0 ? this.early.slice(0, this.askedEarly) : [];
    for (const t of this.walk.moved()) if (!asked.includes(t)) this.load(step, t);
    this.walk.advance();
  }

  private load(step: number, t: SystolicTransfer): void {
    this.missing[step & 1] += 1;
    this.push(t, false, this.walk, () => {
      this.missing[step & 1] -= 1;
    });
  }
}
