import { type Inst, ISA, NS } from "@accelc/isa";
import type { IssuedOp } from "@accelc/machine";
import { linearize } from "../../bounds.js";
import { bytesInside, keyOf, runShape, tileProduct } from "../../dae.js";
import { type DaeConfig, digits, freshConfig, sorted } from "../../dae-state.js";
import { execute, isVector } from "../../exec.js";
import { forEachRun, type TransferLoop } from "../../runs.js";
import { clearNest, clearPermute, type Level, type Machine, type PermuteSide } from "../../state.js";
import type { Region } from "../../structure.js";
import type { VectorOp } from "../../vector.js";

/** A scratchpad row: namespace × 2^24 + row, as the words name it. */
export type RowKey = number;
const SPACE = 2 ** 24;
export const isOutput = (key: RowKey): boolean => Math.floor(key / SPACE) === NS.OBUF;
const keyOfRow = (ns: number, row: number): RowKey => ns * SPACE + row;

export interface Touched {
  readonly reads: ReadonlySet<RowKey>;
  readonly writes: ReadonlySet<RowKey>;
}

/** What one or more words make the SIMD side do. */
export type Step =
  | { readonly kind: "word" }
  | { readonly kind: "release" }
  | ({ readonly kind: "nest"; readonly counts: readonly number[]; readonly body: readonly IssuedOp[] } & Touched)
  | ({ readonly kind: "permute"; readonly rowsRead: number; readonly rowsWritten: number } & Touched)
  | ({
      readonly kind: "transfer";
      readonly store: boolean;
      readonly obuf: boolean;
      readonly once: boolean;
      readonly indexed: boolean;
      readonly runs: (tile: number) => readonly number[];
    } & Touched);

type Key = "dst" | "src1" | "src2";
const part = (i: Inst<Exclude<VectorOp, "nop">> | Inst<"set_index">, key: Key): readonly [number, number] =>
  key === "dst" ? [i.dst_ns, i.dst_ix] : key === "src1" ? [i.src1_ns, i.src1_ix] : [i.src2_ns, i.src2_ix];

/** Walks the words of a region once, every iteration of every nest, and notes which rows each touches. */
export function readWords(m: Machine, insts: readonly Inst[], region: Region): Step[] {
  m.unit = "simd";
  m.tile = 0;
  const steps: Step[] = [];
  for (let at = region.start; at < region.end; at++) {
    m.address = at;
    const inst = insts[at];
    if (isVector(inst)) {
      if (m.nest.size === 0) steps.push(nest(m, [inst], []));
      else {
        m.nest.body.push({ address: at, inst });
        if (m.nest.body.length < m.nest.size) continue;
        const levels = m.nest.levels.filter((l) => l !== undefined);
        steps.push(
          nest(
            m,
            m.nest.body.map((b) => b.inst),
            levels,
          ),
        );
        clearNest(m);
      }
      continue;
    }
    steps.push({ kind: "word" });
    if (inst.op === "st_start" && inst.ns === NS.IBUF) m.dae.pending.delete(keyOf(inst));
    else if (inst.op === "ld_start" || inst.op === "st_start") steps.push(transfer(m, inst));
    else if (inst.op === "perm_start") steps.push(permute(m, inst));
    else {
      execute(m, inst);
      if (inst.op === "sync_end") steps.push({ kind: "release" });
    }
  }
  return steps;
}

function nest(m: Machine, body: readonly Inst<VectorOp>[], levels: readonly Level[]): Step {
  const reads = new Set<RowKey>();
  const writes = new Set<RowKey>();
  const trips = levels.map(() => 0);
  const touch = (inst: Inst<VectorOp>, j: number): void => {
    if (inst.op === "nop") return;
    const row = (key: Key): RowKey | undefined => {
      const [ns, own] = part(inst, key);
      if (ns === NS.IMM) return undefined;
      const named = levels.map((l) => part(l.bindings[j], key)[1]);
      let at = m.iteratorBase[ns * 32 + (named.at(-1) ?? own)];
      named.forEach((ix, l) => {
        at += trips[l] * m.iteratorStride[ns * 32 + ix];
      });
      return keyOfRow(ns, at);
    };
    for (const key of ISA[inst.op].operands.reads) {
      const r = row(key);
      if (r !== undefined) reads.add(r);
    }
    const d = row("dst");
    if (d !== undefined) writes.add(d);
  };
  const walk = (l: number): void => {
    if (l === levels.length) body.forEach(touch);
    else for (trips[l] = 0; trips[l] < levels[l].count; trips[l]++) walk(l + 1);
  };
  walk(0);
  return { kind: "nest", counts: levels.map((l) => l.count), body: body.map((i) => i.op), reads, writes };
}

function permute(m: Machine, inst: Inst<"perm_start">): Step {
  const rows = (side: PermuteSide, ns: number): Set<RowKey> => {
    const found = new Set<RowKey>();
    const dims = [...side.dims.values()];
    const walk = (d: number, word: number): void => {
      if (d === dims.length) found.add(keyOfRow(ns, Math.floor(word / m.lanes)));
      else for (let i = 0; i < dims[d].count; i++) walk(d + 1, word + i * dims[d].stride);
    };
    walk(0, side.base);
    return found;
  };
  const [reads, writes] = [rows(m.permute[0], inst.src1_ns), rows(m.permute[1], inst.dst_ns)];
  clearPermute(m);
  return { kind: "permute", rowsRead: reads.size, rowsWritten: writes.size, reads, writes };
}

function transfer(m: Machine, inst: Inst<"ld_start" | "st_start">): Step {
  const config: DaeConfig = m.dae.pending.get(keyOf(inst)) ?? freshConfig();
  m.dae.pending.delete(keyOf(inst));
  const run = runShape(m, inst);
  const [outer, loops] = [sorted(config.baseLoops), sorted(config.tileLoops)];
  const strideOf = (of: readonly TransferLoop[]) => (id: number) => of.find((l) => l.id === id)?.dram ?? 0;
  const strides = { inner: strideOf(loops), outer: strideOf(outer), run: run.rowBytes };
  const bounds = config.padding.bounds.map((b) => linearize(m, b, strides));
  const rows = new Set<RowKey>();
  forEachRun(
    loops,
    0,
    run.rows,
    [],
    () => 0,
    (_, __, ___, ____, n) => {
      for (let r = 0; r < run.rows; r++) rows.add(keyOfRow(inst.ns, config.tileRow + n * run.rows + r));
    },
  );
  const list = new Set<RowKey>();
  const { index } = config;
  if (index !== undefined) {
    const entries = config.tileLoops.get(index.loop)?.count ?? 1;
    const other = inst.ns === NS.VMEM1 ? NS.VMEM2 : NS.VMEM1;
    for (let e = 0; e < entries; e++) list.add(keyOfRow(other, index.row + Math.floor(e / m.lanes)));
  }
  const store = inst.op === "st_start";
  return {
    kind: "transfer",
    store,
    obuf: inst.ns === NS.OBUF,
    once: tileProduct(config) === 1,
    indexed: index !== undefined,
    reads: store ? rows : list,
    writes: store ? new Set() : rows,
    runs: (tile) => {
      const trips = digits(outer, tile);
      const found: number[] = [];
      forEachRun(
        loops,
        0,
        run.rows,
        bounds,
        (l) => trips.get(l) ?? 0,
        (_, __, from, to) => {
          const bytes = bytesInside(run, from, to);
          if (bytes > 0) found.push(bytes);
        },
      );
      return found;
    },
  };
}

/** The rows that are meant in a tile: behind the window in odd ones, and the half of OBUF that the tile has. */
export function rowsIn(m: Machine, tile: number, rows: ReadonlySet<RowKey>): ReadonlySet<RowKey> {
  const odd = (tile & 1) === 1;
  const found = new Set<RowKey>();
  for (const key of rows) {
    const [ns, row] = [Math.floor(key / SPACE), key % SPACE];
    const [base, size] = [m.window.base[ns], m.window.rows[ns]];
    const shift = odd && row >= base && row < base + size ? size : 0;
    found.add(ns === NS.OBUF && odd ? key + SPACE / 2 : key + shift);
  }
  return found;
}
