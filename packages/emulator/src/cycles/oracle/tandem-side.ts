import { extraCycles } from "@accelc/machine";
import type { Machine } from "../../state.js";
import type { ArraySide } from "./array-side.js";
import type { Memory } from "./memory.js";
import { type Latency, Pipeline } from "./pipeline.js";
import { isOutput, type RowKey, rowsIn, type Step } from "./words.js";

type TransferStep = Extract<Step, { kind: "transfer" }>;
type Rows = ReadonlySet<RowKey>;

/** One transfer of one tile, from when it is due until it is done; its rows as they lie in the scratchpads. */
interface Instance {
  readonly step: number;
  readonly tile: number;
  readonly store: boolean;
  readonly obuf: boolean;
  readonly reads: Rows;
  readonly writes: Rows;
  /** Instances that it must follow. */
  readonly behind: readonly Instance[];
  requested: boolean;
  done: boolean;
}

const meet = (a: Rows, b: Rows): boolean => {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  for (const key of small) if (large.has(key)) return true;
  return false;
};

/** The SIMD side, decided cycle by cycle; rows are compared one by one. */
export class TandemSide {
  private readonly block: number;
  private readonly pipeline: Pipeline;
  private readonly rows: readonly (readonly [even: Rows, odd: Rows])[][];
  private readonly early: readonly ("ahead" | "behind" | "inOrder")[];
  private tile = 0;
  private at = 0;
  private working: "word" | "nest" | "permute" | undefined;
  private permuteRead = 0;
  private permuteWrite = 0;
  private readonly open: Instance[] = [];
  /** Per step: the next tile whose load runs ahead, once the first was started. */
  private readonly ahead: (number | undefined)[];
  /** Tiles whose region and stores are over. */
  private over = 0;
  private wanted = 0;

  constructor(
    m: Machine,
    private readonly steps: readonly Step[],
    private readonly tiles: number,
    private readonly memory: Memory,
    private readonly array: ArraySide | undefined,
  ) {
    this.block = m.block;
    const latency: Latency = (op) => ({
      extra: op === "nop" ? 0 : extraCycles(m.description, op),
      pipelined: op !== "div" && op !== "sqrt",
    });
    this.pipeline = new Pipeline(latency);
    const both = (rows: Rows) => [rowsIn(m, 0, rows), rowsIn(m, 1, rows)] as const;
    this.rows = steps.map((s) => ("reads" in s ? [both(s.reads), both(s.writes)] : []));
    this.early = steps.map((s, k) => (s.kind === "transfer" ? this.lead(s, k) : "inOrder"));
    this.ahead = steps.map(() => undefined);
  }

  private lead(s: TransferStep, k: number): "ahead" | "behind" | "inOrder" {
    if (s.store || s.once || s.indexed) return "inOrder";
    const mine = this.rows[k][1];
    const touches = (j: number, own: 0 | 1, theirs: 0 | 1) => this.rows[j].some((r) => meet(r[theirs], mine[own]));
    for (let j = 0; j < k; j++) if (touches(j, 0, 0) || touches(j, 1, 1)) return "inOrder";
    return this.steps.some((_, j) => touches(j, 0, 1) || touches(j, 1, 0)) ? "behind" : "ahead";
  }

  get busy(): boolean {
    return this.working !== undefined;
  }

  get finished(): boolean {
    return this.over === this.tiles;
  }

  decide(): boolean {
    let moved = this.settle();
    for (let k = 0; k < this.steps.length; k++) {
      const tile = this.ahead[k];
      if (tile === undefined || tile >= this.tiles) continue;
      const needs = this.early[k] === "ahead" ? tile - 1 : tile;
      if (this.over < needs) continue;
      this.begin(k, tile, []);
      this.ahead[k] = tile + 1;
      moved = true;
    }
    for (const x of this.open) {
      if (x.requested || x.behind.some((b) => !b.done)) continue;
      x.requested = true;
      const s = this.steps[x.step] as TransferStep;
      this.memory.push({
        block: this.block,
        runs: s.runs(x.tile),
        done: () => {
          x.done = true;
        },
      });
      moved = true;
    }
    return this.go() || moved;
  }

  /** Drops what is done, ends tiles, gives OBUF back. */
  private settle(): boolean {
    let moved = false;
    for (let i = this.open.length - 1; i >= 0; i--)
      if (this.open[i].done) {
        this.open.splice(i, 1);
        moved = true;
      }
    while (this.over < this.tile && !this.open.some((x) => x.store && x.tile === this.over)) {
      this.over += 1;
      moved = true;
    }
    const { array } = this;
    while (array !== undefined && array.freed < this.wanted) {
      if (this.open.some((x) => x.obuf && x.tile <= array.freed)) break;
      array.freed += 1;
      moved = true;
    }
    return moved;
  }

  private begin(k: number, tile: number, behind: readonly Instance[]): void {
    const s = this.steps[k] as TransferStep;
    const [reads, writes] = this.rows[k].map((r) => r[tile & 1]);
    this.open.push({
      step: k,
      tile,
      store: s.store,
      obuf: s.obuf,
      reads,
      writes,
      behind,
      requested: false,
      done: false,
    });
  }

  /** Open transfers that a word touching these rows must wait for. */
  private conflicts(reads: Rows, writes: Rows): Instance[] {
    return this.open.filter((x) => {
      if (x.done || x.tile > this.tile) return false;
      return x.store ? meet(writes, x.reads) : meet(writes, x.writes) || meet(reads, x.writes);
    });
  }

  private go(): boolean {
    if (this.working !== undefined || this.tile === this.tiles) return false;
    if (this.array !== undefined && this.array.handedOver <= this.tile && this.needsOutputs()) return false;
    if (this.at === this.steps.length) {
      this.wanted = this.tile + 1;
      this.tile += 1;
      this.at = 0;
      return true;
    }
    const s = this.steps[this.at];
    if (s.kind === "word") this.working = "word";
    else if (s.kind === "release") {
      this.wanted = this.tile + 1;
      this.at += 1;
    } else {
      const [reads, writes] = this.rows[this.at].map((r) => r[this.tile & 1]);
      const before = this.conflicts(reads, writes);
      if (s.kind === "transfer") this.start(s, before);
      else {
        if (before.length > 0 || this.missing()) return false;
        this.work(s);
      }
    }
    return true;
  }

  /** The end of the region, END BUF, and what touches a row of OBUF. */
  private needsOutputs(): boolean {
    const s = this.steps[this.at];
    if (s === undefined || s.kind === "release") return true;
    return "reads" in s && [...s.reads, ...s.writes].some(isOutput);
  }

  /** Loads of this tile that run ahead but were not even begun: their rows are not there yet. */
  private missing(): boolean {
    const [reads, writes] = this.rows[this.at].map((r) => r[this.tile & 1]);
    return this.ahead.some((next, k) => {
      if (next === undefined || next > this.tile || k > this.at) return false;
      const target = this.rows[k][1][this.tile & 1];
      return meet(reads, target) || meet(writes, target);
    });
  }

  private start(s: TransferStep, before: readonly Instance[]): void {
    const k = this.at++;
    if (s.once && this.tile !== (s.store ? this.tiles - 1 : 0)) return;
    if (this.early[k] !== "inOrder") {
      if (this.tile > 0) return;
      this.ahead[k] = 1;
    }
    this.begin(k, this.tile, before);
  }

  private work(s: Extract<Step, { kind: "nest" | "permute" }>): void {
    this.working = s.kind;
    if (s.kind === "nest") this.pipeline.begin(s.counts, s.body);
    else [this.permuteRead, this.permuteWrite] = [s.rowsRead, s.rowsWritten];
  }

  tick(): void {
    if (this.working === undefined) return;
    if (this.working === "nest") {
      this.pipeline.tick();
      if (this.pipeline.busy) return;
    } else if (this.working === "permute") {
      this.permuteRead -= 1;
      this.permuteWrite -= 1;
      if (this.permuteRead > 0 || this.permuteWrite > 0) return;
    }
    this.working = undefined;
    this.at += 1;
  }
}
