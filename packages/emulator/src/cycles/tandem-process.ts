import { NS } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { type Requests, Unit } from "./channel.js";
import type { Counts } from "./counts.js";
import { findHazards, type Hazards } from "./hazards.js";
import type { Rows } from "./rows.js";
import type { Action, SimdPlan } from "./simd-plan.js";

/** The array's side of the hand-over; undefined in a block without a systolic region. */
export interface Producer {
  readonly handedOver: number;
  released: number;
}

/** A transfer whose START was executed, held back until the transfers it must follow are done. */
interface Parked {
  readonly transfer: number;
  readonly tile: number;
  readonly action: number;
}

/**
 * The Tandem Processor and its access engine. The region runs once per tile, in order; what touches OBUF waits for the
 * hand-over. A load whose rows no word before
 * its START touches runs ahead from the second tile on: when tile t − 2 has ended where its window keeps it apart from
 * tile t − 1, else when tile t − 1 has ended. Everything else about transfers starts where START stands.
 */
export class TandemProcess {
  readonly unit = new Unit();
  private readonly hazards: Hazards;
  /** Per action, and for the end of the region: does it wait for the tile that the array hands over? */
  private readonly takes: readonly boolean[];
  private tile = 0;
  private action = 0;
  private running = false;
  /** Per transfer: tiles whose transfer is done, and for loads that run ahead the next tile to ask for. */
  private readonly done: number[];
  private readonly next: number[];
  private readonly parked: Parked[] = [];
  /** Stores under way per tile; a tile has ended when its region has and they are done. */
  private readonly stores = new Map<number, number>();
  private ended = 0;
  private toRelease = 0;
  private readonly obufStores = [0, 0];
  /** The action that starts a transfer. */
  private readonly startOf: readonly number[];

  constructor(
    private readonly machine: MachineDescription,
    private readonly plan: SimdPlan,
    private readonly tiles: number,
    private readonly requests: Requests,
    private readonly counts: Counts,
    private readonly producer: Producer | undefined,
  ) {
    this.hazards = findHazards(plan);
    this.takes = [...plan.actions.map((a) => takesOutputs(a, plan)), true];
    this.startOf = plan.actions.flatMap((a, at) => (a.kind === "start" ? [at] : []));
    this.done = plan.transfers.map(() => 0);
    this.next = plan.transfers.map(() => Number.POSITIVE_INFINITY);
  }

  get finished(): boolean {
    return this.ended === this.tiles;
  }

  advance(now: number): boolean {
    let moved = this.release();
    moved = this.endTiles() || moved;
    moved = this.askAhead() || moved;
    moved = this.unpark() || moved;
    return this.act(now) || moved;
  }

  finish(): void {
    this.unit.stop();
    this.action += 1;
  }

  private act(now: number): boolean {
    if (!this.unit.idle || this.tile === this.tiles) return false;
    if (!this.running) {
      this.running = true;
      this.counts.tiles += 1;
      this.counts.configWords += this.plan.configWords;
      this.counts.instructionWords += this.plan.words;
    }
    if (this.takes[this.action] && this.producer !== undefined && this.producer.handedOver <= this.tile) return false;
    if (this.action === this.plan.actions.length) {
      this.endRegion();
      return true;
    }
    const a = this.plan.actions[this.action];
    if (a.kind === "words") this.unit.start(now, a.cycles);
    else if (a.kind === "work") {
      if (this.blocked(this.action, this.tile)) return false;
      this.counts.work(a.work);
      this.unit.start(now, a.work.cycles);
    } else {
      if (a.kind === "release") this.toRelease = this.tile + 1;
      else this.startTransfer(a.transfer);
      this.action += 1;
    }
    return true;
  }

  private endRegion(): void {
    this.toRelease = this.tile + 1;
    this.tile += 1;
    this.action = 0;
    this.running = false;
  }

  private blocked(action: number, tile: number): boolean {
    const { loads, loadsSame, loadsOther, stores, storesBefore } = this.hazards.waits[action];
    if (loads.some((i) => this.done[i] <= (this.plan.transfers[i].once ? 0 : tile))) return true;
    // Of the tile `back` tiles before and of those before it.
    const missing = (i: number, back: number) =>
      this.plan.transfers[i].once
        ? this.done[i] === 0 && tile > 0 && (tile - back) % 2 === 0
        : this.done[i] <= tile - back;
    if (loadsSame.some((i) => missing(i, 2)) || loadsOther.some((i) => missing(i, 1))) return true;
    const open = (i: number, same: boolean) => {
      const at = this.startOf[i];
      // Stores started so far that may be open: those of this tile before the action, and of earlier tiles.
      const started = at < action ? tile + 1 : tile;
      const { once } = this.plan.transfers[i];
      if (once) return same && started === this.tiles && this.done[i] === 0;
      for (let t = this.done[i]; t < started; t++) if ((((tile - t) & 1) === 0) === same) return true;
      return false;
    };
    return stores.some((i) => open(i, true)) || storesBefore.some((i) => open(i, false));
  }

  private startTransfer(i: number): void {
    const t = this.plan.transfers[i];
    const { tile } = this;
    if (t.once && tile !== (t.store ? this.tiles - 1 : 0)) return;
    const ahead = this.hazards.leads[i] !== "inOrder";
    if (ahead && tile > 0) return;
    if (ahead) this.next[i] = 1;
    if (t.store) this.opened(i, tile);
    this.parked.push({ transfer: i, tile, action: this.action });
  }

  private opened(i: number, tile: number): void {
    this.stores.set(tile, (this.stores.get(tile) ?? 0) + 1);
    if (this.plan.transfers[i].port === "OBUF") this.obufStores[tile & 1] += 1;
  }

  /** Requests go to the channel once nothing they must follow is open. */
  private unpark(): boolean {
    let moved = false;
    for (let k = 0; k < this.parked.length; k++) {
      const p = this.parked[k];
      if (this.blocked(p.action, p.tile)) continue;
      this.parked.splice(k--, 1);
      this.request(p.transfer, p.tile);
      moved = true;
    }
    return moved;
  }

  private request(i: number, tile: number): void {
    const t = this.plan.transfers[i];
    const cost = t.plan.cost(t.trips(tile));
    this.counts.transfer(t.port, t.store, cost);
    this.requests.push({
      cycles: cost.cycles,
      latency: cost.bursts > 0 ? this.machine.dram.latencyCycles : 0,
      done: () => {
        this.done[i] += 1;
        if (!t.store) return;
        this.stores.set(tile, (this.stores.get(tile) ?? 0) - 1);
        if (t.port === "OBUF") this.obufStores[tile & 1] -= 1;
      },
    });
  }

  private askAhead(): boolean {
    let moved = false;
    for (let again = true; again; ) {
      again = false;
      this.plan.transfers.forEach((_, i) => {
        const tile = this.next[i];
        if (tile >= this.tiles) return;
        if (this.ended < tile - (this.hazards.leads[i] === "ahead" ? 1 : 0)) return;
        this.request(i, tile);
        this.next[i] += 1;
        again = true;
        moved = true;
      });
    }
    return moved;
  }

  private endTiles(): boolean {
    const before = this.ended;
    while (this.ended < this.tile && (this.stores.get(this.ended) ?? 0) === 0) this.stores.delete(this.ended++);
    return this.ended > before;
  }

  /** A half of OBUF goes back once released and read out by its stores. */
  private release(): boolean {
    const { producer } = this;
    if (producer === undefined || producer.released >= this.toRelease) return false;
    if (this.obufStores[producer.released & 1] > 0) return false;
    producer.released += 1;
    return true;
  }
}

const touchesOutputs = (rows: readonly Rows[]): boolean => rows.some((r) => r.ns === NS.OBUF);

function takesOutputs(a: Action, plan: SimdPlan): boolean {
  if (a.kind === "work") return touchesOutputs(a.work.reads) || touchesOutputs(a.work.writes);
  return a.kind === "release" || (a.kind === "start" && plan.transfers[a.transfer].port === "OBUF");
}
