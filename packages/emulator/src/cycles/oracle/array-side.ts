import { BUFFER, type Inst } from "@accelc/isa";
import { execute } from "../../exec.js";
import { forEachRun } from "../../runs.js";
import type { Machine } from "../../state.js";
import type { Region } from "../../structure.js";
import { FIRST_INNER, FIRST_TRANSFER } from "../../systolic-state.js";
import { resolveTransfer, type Transfer } from "../../transfer.js";
import { Grid } from "./grid.js";
import type { Memory } from "./memory.js";

interface Resident {
  readonly transfer: Transfer;
  readonly unitBytes: number;
  trips: readonly number[] | undefined;
}

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

/** The array with its loads, decided cycle by cycle. */
export class ArraySide {
  /** Tile sets handed over, and halves of OBUF that are free again. */
  handedOver = 0;
  freed = 0;
  private readonly grid: Grid;
  private readonly steps: readonly (readonly number[])[];
  private readonly inner: readonly number[];
  /** Does this step begin, and does it end a tile set? */
  private readonly begins: readonly boolean[];
  private readonly residents: readonly Resident[];
  private readonly stored: Resident | undefined;
  private current = 0;
  private running = false;
  private asked = 0;
  private readonly outstanding: number[];

  constructor(
    m: Machine,
    insts: readonly Inst[],
    region: Region,
    private readonly fused: boolean,
    private readonly memory: Memory,
  ) {
    m.unit = "systolic";
    for (let at = region.start; at < region.end; at++) {
      m.address = at;
      execute(m, insts[at]);
    }
    const s = m.systolic;
    this.grid = new Grid(m.rows, m.columns);
    this.steps = allTrips(s.counts);
    this.inner = [...s.counts.subarray(FIRST_INNER, FIRST_TRANSFER)];
    const outer = (trips: readonly number[]) => trips.filter((_, l) => s.reduction[l] === 0).join();
    this.begins = this.steps.map((trips, k) => k === 0 || outer(trips) !== outer(this.steps[k - 1]));
    const resident = (buffer: number, word: (typeof s.loads)[number]): Resident[] => {
      if (word === undefined) return [];
      const transfer = resolveTransfer(m, buffer, word);
      const packed = buffer === BUFFER.IBUF && s.pack !== undefined;
      return [{ transfer, unitBytes: packed ? 1 : transfer.rowBytes, trips: undefined }];
    };
    this.residents = [BUFFER.WBUF, BUFFER.IBUF, BUFFER.BBUF].flatMap((b) => resident(b, s.loads[b]));
    this.stored = resident(BUFFER.OBUF, s.store)[0];
    this.outstanding = this.steps.map(() => 0);
  }

  get busy(): boolean {
    return this.running;
  }

  /** Number of tile sets. */
  get sets(): number {
    return this.begins.filter((b) => b).length;
  }

  decide(): boolean {
    let moved = false;
    for (; this.asked < this.steps.length && this.asked - this.current <= 1; this.asked++) {
      for (const r of this.residents) this.load(r, this.asked);
      moved = true;
    }
    if (this.running || this.current === this.steps.length || this.outstanding[this.current] > 0) return moved;
    if (this.begins[this.current] && this.handedOver - this.freed >= 2) return moved;
    this.grid.begin(this.inner);
    this.running = true;
    return true;
  }

  private load(r: Resident, step: number): void {
    const trips = this.steps[step];
    const now = trips.filter((_, l) => r.transfer.tileStrides[l] !== 0);
    if (r.trips?.every((t, i) => t === now[i])) return;
    r.trips = now;
    this.outstanding[step] += 1;
    this.memory.push({
      runs: this.runs(r, trips),
      done: () => {
        this.outstanding[step] -= 1;
      },
    });
  }

  private runs({ transfer: t, unitBytes }: Resident, trips: readonly number[]): number[] {
    const found: number[] = [];
    forEachRun(
      t.loops,
      0,
      t.units,
      t.bounds,
      (l) => trips[l] ?? 0,
      (_, __, from, to) => {
        if (to > from) found.push((to - from) * unitBytes);
      },
    );
    return found;
  }

  tick(): void {
    if (!this.running) return;
    this.grid.tick();
    if (this.grid.busy) return;
    this.running = false;
    const trips = this.steps[this.current];
    this.current += 1;
    if (this.current < this.steps.length && !this.begins[this.current]) return;
    this.handedOver += 1;
    const free = () => {
      this.freed += 1;
    };
    if (this.stored !== undefined) this.memory.push({ runs: this.runs(this.stored, trips), done: free });
    else if (!this.fused) free();
  }
}
