import { type Requests, Unit } from "./channel.js";
import type { Counts } from "./counts.js";
import { type Constants, type SystolicPlan, type SystolicTransfer, TileWalk } from "./systolic-plan.js";

/**
 * The array and its loads. Loads of step k + 1 are asked for when step k − 1 has ended; step k starts when its loads are
 * there and, where it begins a tile set, a half of OBUF is free. Step 0 follows the last step of the block before where
 * constants are loaded into WBUF and BBUF.
 */
export class ArrayProcess {
  readonly unit = new Unit();
  /** Tile sets handed over, and halves of OBUF given back. */
  handedOver = 0;
  released = 0;
  private readonly total: number;
  private readonly walk: TileWalk;
  private step = 0;
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
    if (!this.unit.idle || this.step === this.total || this.missing[this.step & 1] > 0) return moved;
    const { steps } = this.plan;
    const set = Math.floor(this.step / steps);
    if (this.step % steps === 0 && set >= this.released + 2) return moved;
    this.unit.start(now, this.plan.stepCycles);
    return true;
  }

  /** The step on the array has ended. */
  finish(): void {
    this.unit.stop();
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

  /** Asks for a load of step 0 while the block before runs and has `remaining` steps to end; false where there is none. */
  askEarly(remaining: number): boolean {
    const load = this.early[this.askedEarly];
    if (load === undefined || remaining > 1) return false;
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
