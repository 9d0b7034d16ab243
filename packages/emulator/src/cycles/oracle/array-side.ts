import { BUFFER, type Inst } from "@accelc/isa";
import { execute } from "../../exec.js";
import { forEachRun } from "../../runs.js";
import type { Machine } from "../../state.js";
import type { Region } from "../../structure.js";
import { FIRST_INNER, FIRST_TRANSFER } from "../../systolic-state.js";
import { resolveTransfer, type Transfer } from "../../transfer.js";
import { Grid } from "./grid.js";
import type { Memory, MemoryRequest } from "./memory.js";

interface Resident {
  readonly transfer: Transfer;
  readonly unitBytes: number;
}

/** A load of a step; `half` of its buffer is overwritten from when it is asked for. */
interface Load {
  readonly buffer: number;
  readonly half: number;
  /** DRAM bytes [from, to) of each run. */
  readonly runs: readonly (readonly [from: number, to: number])[];
  asked: boolean;
}

/** A step: its loads, and by buffer the half it reads. */
interface ArrayStep {
  readonly trips: readonly number[];
  readonly loads: readonly Load[];
  readonly reads: readonly number[];
  /** Loads that are not there yet. */
  missing: number;
}

/** By buffer the half that was loaded last; every load turns its buffer over, in whatever block. */
export type Halves = number[];

/** All tile-loop trips, step by step. */
function allTrips(counts: Int32Array): number[][] {
  const found: number[][] = [];
  const walk = (l: number, trips: readonly number[]): void => {
    if (l === FIRST_INNER) found.push([...trips]);
    else for (let i = 0; i < counts[l]; i++) walk(l + 1, [...trips, i]);
  };
  walk(0, []);
  return found;
}

function runsOf({ transfer: t, unitBytes }: Resident, trips: readonly number[]): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  const base = t.tileStrides.reduce((sum, stride, l) => sum + stride * trips[l]!, t.base);
  forEachRun(
    t.loops,
    base,
    t.units,
    t.bounds,
    (l) => trips[l] ?? 0,
    (address, _, from, to) => {
      if (to > from) found.push([address + from * unitBytes, address + to * unitBytes]);
    },
  );
  return found;
}

/** The steps of a region in order: a load wherever a tile loop that moves it has another trip than the step before. */
function stepsOf(counts: Int32Array, residents: readonly Resident[], halves: Halves): ArrayStep[] {
  let before: readonly number[] | undefined;
  return allTrips(counts).map((trips) => {
    const loads: Load[] = [];
    for (const r of residents) {
      const { buffer, tileStrides } = r.transfer;
      if (before !== undefined && !trips.some((x, l) => tileStrides[l] !== 0 && x !== before![l])) continue;
      halves[buffer] = 1 - halves[buffer]!;
      loads.push({ buffer, half: halves[buffer]!, runs: runsOf(r, trips), asked: false });
    }
    before = trips;
    return { trips, loads, reads: [...halves], missing: loads.length };
  });
}

/** The array with its loads, decided cycle by cycle. */
export class ArraySide {
  /** Tile sets handed over, and halves of OBUF that are free again. */
  handedOver = 0;
  freed = 0;
  private readonly block: number;
  private readonly grid: Grid;
  private readonly steps: readonly ArrayStep[];
  private readonly inner: readonly number[];
  /** Does this step begin, and does it end a tile set? */
  private readonly begins: readonly boolean[];
  private readonly stored: Resident | undefined;
  /** Steps that have ended, and that have started. */
  private current = 0;
  private started = 0;
  private asked = 0;

  constructor(
    m: Machine,
    insts: readonly Inst[],
    region: Region,
    private readonly fused: boolean,
    private readonly memory: Memory,
    halves: Halves,
    /** Of the block before, where it has an array region. */
    private readonly previous: ArraySide | undefined,
  ) {
    this.block = m.block;
    m.unit = "systolic";
    for (let at = region.start; at < region.end; at++) {
      m.address = at;
      execute(m, insts[at]);
    }
    const s = m.systolic;
    this.grid = new Grid(m.rows, m.columns);
    const resident = (buffer: number, word: (typeof s.loads)[number]): Resident[] => {
      if (word === undefined) return [];
      const transfer = resolveTransfer(m, buffer, word);
      const packed = buffer === BUFFER.IBUF && s.pack !== undefined;
      return [{ transfer, unitBytes: packed ? 1 : transfer.rowBytes }];
    };
    const residents = [BUFFER.WBUF, BUFFER.IBUF, BUFFER.BBUF].flatMap((b) => resident(b, s.loads[b]));
    this.steps = stepsOf(s.counts, residents, halves);
    this.inner = [...s.counts.subarray(FIRST_INNER, FIRST_TRANSFER)];
    const outer = (trips: readonly number[]) => trips.filter((_, l) => s.reduction[l] === 0).join();
    this.begins = this.steps.map(({ trips }, k) => k === 0 || outer(trips) !== outer(this.steps[k - 1].trips));
    this.stored = resident(BUFFER.OBUF, s.store)[0];
  }

  get busy(): boolean {
    return this.grid.busy;
  }

  get finished(): boolean {
    return this.current === this.steps.length;
  }

  /** Number of tile sets. */
  get sets(): number {
    return this.begins.filter((b) => b).length;
  }

  decide(): boolean {
    let moved = false;
    for (; this.asked < this.steps.length && this.asked - this.current <= 1; this.asked++) {
      const step = this.steps[this.asked];
      for (const load of step.loads) if (!load.asked) this.load(step, load);
      moved = true;
    }
    const next = this.started;
    if (this.grid.feeding || next === this.asked || this.steps[next].missing > 0) return moved;
    const before = this.begins.slice(0, next).filter((b) => b).length;
    if (this.begins[next] && before - this.freed >= 2) return moved;
    this.grid.begin(this.inner);
    this.started += 1;
    return true;
  }

  /**
   * While the block before runs: asks for a load of the first step that takes nothing but constants to WBUF or BBUF, once
   * all steps of that block but the last have ended. False where there is none.
   */
  prefetch(constant: (from: number, to: number) => boolean): boolean {
    if (this.previous !== undefined && this.previous.steps.length - this.previous.current > 1) return false;
    const [step] = this.steps;
    const load = step.loads.find(
      (l) => !l.asked && l.buffer !== BUFFER.IBUF && l.runs.every(([from, to]) => constant(from, to)),
    );
    if (load === undefined) return false;
    this.memory.pushAhead(this.request(step, load));
    return true;
  }

  private load(step: ArrayStep, load: Load): void {
    this.memory.push(this.request(step, load));
  }

  private request(step: ArrayStep, load: Load): MemoryRequest {
    const reading = [...(this.previous?.open() ?? []), ...this.open()];
    for (const s of reading) {
      if (s === step) break;
      if (s.reads[load.buffer] === load.half) throw new Error(`block ${this.block} loads what a step has yet to read`);
    }
    load.asked = true;
    return {
      block: this.block,
      runs: load.runs.map(([from, to]) => to - from),
      done: () => {
        step.missing -= 1;
      },
    };
  }

  /** Steps that have not ended. */
  private open(): readonly ArrayStep[] {
    return this.steps.slice(this.current);
  }

  tick(): void {
    if (!this.grid.busy || !this.grid.tick()) return;
    const { trips } = this.steps[this.current];
    this.current += 1;
    if (!this.finished && !this.begins[this.current]) return;
    this.handedOver += 1;
    const done = () => {
      this.freed += 1;
    };
    if (this.stored !== undefined) {
      const runs = runsOf(this.stored, trips).map(([from, to]) => to - from);
      this.memory.push({ block: this.block, runs, done });
    } else if (!this.fused) done();
  }
}
