import { type Inst, ISA, NS } from "@accelc/isa";
import { configurationCycles, type IssuedOp, nestCycles, permutationCycles } from "@accelc/machine";
import { checkedTiles, checkNamespace, keyOf } from "../dae.js";
import { type DaeConfig, freshConfig } from "../dae-state.js";
import { execute, isVector } from "../exec.js";
import { iteratorIndex } from "../operands.js";
import { checkedWords } from "../permute.js";
import type { OuterTrip } from "../runs.js";
import { clearNest, clearPermute, type Level, type Machine, type PermuteSide } from "../state.js";
import type { Region } from "../structure.js";
import { checkedLevels, type VectorOp } from "../vector.js";
import { charge } from "./events.js";
import { type Rows, type Windows, windowsOf } from "./rows.js";
import { planDaeTransfer, type TransferPlan, tileTrips } from "./transfer-plan.js";

/** Rows of the scratchpads read and written, by namespace code. */
export interface RowCounts {
  readonly read: number[];
  readonly written: number[];
}

const noRows = (): RowCounts => ({ read: [0, 0, 0, 0], written: [0, 0, 0, 0] });

/** A loop nest, a vector instruction alone, or a permutation. */
export interface Work {
  readonly kind: "nest" | "permutation";
  readonly cycles: number;
  readonly reads: readonly Rows[];
  readonly writes: readonly Rows[];
  readonly body: readonly IssuedOp[];
  readonly counts: readonly number[];
  readonly iterations: number;
  readonly rows: RowCounts;
  readonly permutedWords: number;
}

/** An LD or ST; `once`: not stepped by tiles. */
export interface SimdTransfer {
  readonly store: boolean;
  readonly port: "VMEM1" | "VMEM2" | "OBUF";
  readonly once: boolean;
  readonly plan: TransferPlan;
  readonly trips: (tile: number) => OuterTrip;
  readonly rows: Rows;
  /** Rows of the list of an indexed load. */
  readonly index: Rows | undefined;
}

/** What the Tandem Processor does, in order: words, vector work, the START of a transfer, the release of OBUF. */
export type Action =
  | { readonly kind: "words"; readonly cycles: number }
  | { readonly kind: "work"; readonly work: Work }
  | { readonly kind: "start"; readonly transfer: number }
  | { readonly kind: "release" };

export interface SimdPlan {
  readonly actions: readonly Action[];
  readonly transfers: readonly SimdTransfer[];
  readonly windows: Windows;
  /** Words that are not vector instructions. */
  readonly configWords: number;
  readonly words: number;
}

const PORTS = ["OBUF", "OBUF", "VMEM1", "VMEM2"] as const;

class Planner {
  readonly actions: Action[] = [];
  readonly transfers: SimdTransfer[] = [];
  configWords = 0;

  constructor(private readonly m: Machine) {}

  private word(): void {
    this.configWords += 1;
    const last = this.actions.at(-1);
    const cycles = configurationCycles(1);
    if (last?.kind === "words") this.actions[this.actions.length - 1] = { kind: "words", cycles: last.cycles + cycles };
    else this.actions.push({ kind: "words", cycles });
  }

  step(inst: Inst): void {
    const { m } = this;
    if (isVector(inst)) {
      this.vector(inst);
      return;
    }
    this.word();
    if (inst.op === "ld_start" || inst.op === "st_start") this.transfer(inst);
    else if (inst.op === "perm_start") this.permutation(inst);
    else {
      execute(m, inst);
      if (inst.op === "sync_end" && inst.buf === 1) this.actions.push({ kind: "release" });
    }
  }

  private transfer(inst: Inst<"ld_start" | "st_start">): void {
    const { m } = this;
    const key = keyOf(inst);
    const config: DaeConfig = m.dae.pending.get(key) ?? freshConfig();
    m.dae.pending.delete(key);
    const tiles = checkedTiles(m, inst, config);
    if (inst.op === "st_start" && inst.ns === NS.IBUF) return;
    checkNamespace(m, inst);
    const plan = planDaeTransfer(m, inst, config);
    const trips = tileTrips(config);
    const { rows } = plan.cost(trips(0));
    const other = inst.ns === NS.VMEM1 ? NS.VMEM2 : NS.VMEM1;
    const { index } = config;
    const entries = index === undefined ? 0 : (config.tileLoops.get(index.loop)?.count ?? 1);
    this.actions.push({ kind: "start", transfer: this.transfers.length });
    this.transfers.push({
      store: inst.op === "st_start",
      port: PORTS[inst.ns],
      once: tiles === 1,
      plan,
      trips,
      rows: { ns: inst.ns, from: config.tileRow, to: config.tileRow + rows },
      index: index && { ns: other, from: index.row, to: index.row + Math.ceil(entries / m.lanes) },
    });
  }

  private vector(inst: Inst<VectorOp>): void {
    const { nest } = this.m;
    if (nest.size === 0) {
      this.nest([inst], []);
      return;
    }
    nest.body.push({ address: this.m.address, inst });
    if (nest.body.length < nest.size) return;
    this.nest(
      nest.body.map((b) => b.inst),
      checkedLevels(this.m),
    );
    clearNest(this.m);
  }

  private nest(body: readonly Inst<VectorOp>[], levels: readonly Level[]): void {
    const { m } = this;
    const counts = levels.map((l) => l.count);
    const iterations = counts.reduce((a, b) => a * b, 1);
    const reads: Rows[] = [];
    const writes: Rows[] = [];
    const rows = noRows();
    body.forEach((inst, j) => {
      if (inst.op === "nop") return;
      const at = (key: "dst" | "src1" | "src2") => operandRows(m, inst, key, levels, j);
      const used = ISA[inst.op].operands.reads.map((key) => [key, at(key)] as const);
      const ports = new Set<string>();
      for (const [key, r] of used) {
        if (r === undefined) continue;
        reads.push(r);
        const port = key === "dst" ? key : String(r.ns);
        if (!ports.has(port)) rows.read[r.ns] += iterations;
        ports.add(port);
      }
      const dst = at("dst");
      if (dst === undefined) return;
      writes.push(dst);
      rows.written[dst.ns] += iterations;
    });
    const ops = body.map((i) => i.op);
    const cycles = nestCycles(m.description, ops, iterations);
    const work: Work = { kind: "nest", cycles, reads, writes, body: ops, counts, iterations, rows, permutedWords: 0 };
    this.actions.push({ kind: "work", work });
  }

  private permutation(inst: Inst<"perm_start">): void {
    const { m } = this;
    checkedWords(m, inst);
    const read = touched(m, m.permute[0], inst.src1_ns);
    const write = touched(m, m.permute[1], inst.dst_ns);
    clearPermute(m);
    const rows = noRows();
    rows.read[inst.src1_ns] += read.rows;
    rows.written[inst.dst_ns] += write.rows;
    this.actions.push({
      kind: "work",
      work: {
        kind: "permutation",
        cycles: permutationCycles(read.rows, write.rows),
        reads: [read.range],
        writes: [write.range],
        body: [],
        counts: [read.rows, write.rows],
        iterations: 0,
        rows,
        permutedWords: read.words,
      },
    });
  }
}

type Key = "dst" | "src1" | "src2";
const field = (i: Inst<Exclude<VectorOp, "nop">> | Inst<"set_index">, key: Key): readonly [ns: number, ix: number] =>
  key === "dst" ? [i.dst_ns, i.dst_ix] : key === "src1" ? [i.src1_ns, i.src1_ix] : [i.src2_ns, i.src2_ix];

/** Hull of the rows an operand walks; undefined for immediates. */
function operandRows(
  m: Machine,
  inst: Inst<Exclude<VectorOp, "nop">>,
  key: Key,
  levels: readonly Level[],
  j: number,
): Rows | undefined {
  const [ns, own] = field(inst, key);
  if (ns > NS.VMEM2) return undefined;
  const named = levels.map((l) => field(l.bindings[j], key)[1]);
  const base = m.iteratorBase[iteratorIndex(m, ns, named.at(-1) ?? own)];
  let [from, to] = [base, base + 1];
  levels.forEach((l, i) => {
    const reach = (l.count - 1) * m.iteratorStride[iteratorIndex(m, ns, named[i])];
    if (reach < 0) from += reach;
    else to += reach;
  });
  return { ns, from, to };
}

/** Distinct rows of one side of a permutation. */
function touched(m: Machine, side: PermuteSide, ns: number) {
  const dims = [...side.dims.values()];
  charge(
    m,
    dims.reduce((n, d) => n * d.count, 1),
  );
  const seen = new Set<number>();
  const walk = (d: number, word: number): void => {
    if (d === dims.length) {
      seen.add(Math.floor(word / m.lanes));
      return;
    }
    for (let i = 0; i < dims[d].count; i++) walk(d + 1, word + i * dims[d].stride);
  };
  walk(0, side.base);
  const reach = (sign: 1 | -1) => dims.reduce((sum, d) => sum + Math.max(0, sign * (d.count - 1) * d.stride), 0);
  const range: Rows = {
    ns,
    from: Math.floor((side.base - reach(-1)) / m.lanes),
    to: Math.floor((side.base + reach(1)) / m.lanes) + 1,
  };
  return { rows: seen.size, words: dims.reduce((n, d) => n * d.count, 1), range };
}

/** Comparisons of rows by which `findHazards` finds out who waits for whom. */
const comparisons = ({ actions, transfers }: Pick<SimdPlan, "actions" | "transfers">): number =>
  transfers.length *
  actions.reduce((n, a) => n + 1 + (a.kind === "work" ? a.work.reads.length + a.work.writes.length : 0), 0);

/** Walks the words of a SIMD region as its first tile executes them. */
export function planSimd(m: Machine, insts: readonly Inst[], region: Region, tiles: number): SimdPlan {
  m.unit = "simd";
  m.tile = 0;
  m.tiles = tiles;
  const p = new Planner(m);
  for (let at = region.start; at < region.end; at++) {
    m.address = at;
    p.step(insts[at]);
  }
  const { actions, transfers, configWords } = p;
  charge(m, comparisons(p));
  return { actions, transfers, windows: windowsOf(m.window), configWords, words: region.end - region.start };
}
