/**
 * The fewest cycles that a block may take under a tiling, whatever its words are: the longest of the chains of events that
 * no schedule can shorten (docs/cycles.md). Mappings are tried in its order, and not at all where a measured one is better.
 */
import type { VectorPart } from "@accelc/ir";
import {
  type IssuedOp,
  issueCycles,
  type MachineDescription,
  systolicTileCycles,
  TANDEM_PIPELINE_STAGES,
} from "@accelc/machine";
import type { Traffic } from "./bursts.js";
import type { GemmDraft } from "./gemm.js";
import { bufferRows, isOnce } from "./rows.js";
import type { Cost } from "./search.js";
import { reductionTiles, steps, type TilingChoice, tileShape } from "./tile.js";
import { storeTraffic, systolicTraffic, vectorTraffic } from "./traffic.js";
import type { DraftOp, VectorDraft } from "./vector-builder.js";

/** Words of the shortest descriptor: two halves of the address, the row, START. Any operation has a word that binds it. */
const WORDS_OF_TRANSFER = 4;

export interface LeastInput {
  readonly gemm: GemmDraft | null;
  readonly vector: VectorDraft;
  readonly machine: MachineDescription;
  /** Bits of an element of a tensor in DRAM. */
  readonly bits: (tensor: number) => number;
  /** Cycles in which constants may be loaded before the block begins; whether the weights are constants. */
  readonly ahead: number;
  readonly constant: boolean;
}

/** The fewest cycles of a block, and of the DRAM channel. */
export type Least = Pick<Cost, "cycles" | "traffic">;

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** Cycles in which the Tandem Processor issues an operation, pipelines and words aside. */
function opCycles(op: DraftOp, v: VectorDraft, t: TilingChoice, m: MachineDescription): number {
  const { lanes } = m.tandem;
  const rows = bufferRows(v.buffers[op.dst]!, t.dims, lanes);
  const from = op.sources[0];
  const read = from && "buffer" in from ? bufferRows(v.buffers[from.buffer]!, t.dims, lanes) : rows;
  if (op.op === "turnLanes" || op.op === "spreadLanes") return Math.max(rows, read);
  if (op.op === "foldRows") return rows * lanes;
  const taps = op.window ? op.window.kernel.reduce((a, b) => a * b, 1) : 1;
  const nests = op.window ? op.window.kernel.filter((k) => k > 1).length * TANDEM_PIPELINE_STAGES : 0;
  const issued: IssuedOp = op.op === "idiv" ? "div" : "add";
  return taps * rows * issueCycles(m, issued) + nests;
}

/** Operations that wait for a load of `from`, directly or through what they read. */
function dependents(v: VectorDraft, from: ReadonlySet<number>): boolean[] {
  const waits = new Set(from);
  return v.ops.map((op) => {
    const found = waits.has(op.dst) || op.sources.some((s) => "buffer" in s && waits.has(s.buffer));
    if (found) waits.add(op.dst);
    return found;
  });
}

/** The bound of a block's mappings; `placed`: where the buffers are, if that is known. */
export function leastCycles({ gemm: g, vector: v, machine: m, bits, ahead, constant }: LeastInput) {
  const obuf = new Set(v.buffers.filter((b) => b.origin === "accumulators").map((b) => b.id));
  const touches = (op: DraftOp) => op.sources.some((s) => "buffer" in s && obuf.has(s.buffer));
  // What may run before the array hands over, and what may not.
  const needs = g ? v.ops.findIndex(touches) : 0;
  const free = needs < 0 ? v.ops.length : needs;
  const storing = WORDS_OF_TRANSFER * Math.min(1, v.stores.length);
  const stages = (ops: number) => (ops > 0 ? TANDEM_PIPELINE_STAGES : 0);
  const perTile = stages(v.ops.length) + v.ops.length + WORDS_OF_TRANSFER * v.loads.length + storing;
  const behind = v.ops.length > free ? stages(v.ops.length - free) + storing : 0;
  const afterLoads = dependents(v, new Set(v.loads.map((l) => l.buffer)));
  const afterLoad = v.loads.map((l) => dependents(v, new Set([l.buffer])));
  const writers = v.stores.map((s) => v.ops.findIndex((op) => op.dst === s.buffer));
  const loadBits = v.loads.map((l) => bits(l.access.tensor));
  const storeBits = v.stores.map((s) => bits(s.access.tensor));

  return (t: TilingChoice, placed?: VectorPart): Least => {
    const shape = tileShape(t.dims);
    const { tiles } = shape;
    const reductions = reductionTiles(t);
    const accumulators = t.dims.reduce((n, d) => n * d.before.tile, 1);
    // Rows of one step after another enter without a gap at best.
    const streamed = g ? accumulators * steps(g, { ic: t.ic.tile, kh: t.kh.tile, kw: t.kw.tile }) : 0;
    const array = (count: number) => (g ? systolicTileCycles(m, count * streamed) : 0);
    const ops = v.ops.map((op) => opCycles(op, v, t, m));
    const vector = sum(ops) + perTile;
    const tail = sum(ops.slice(free)) + behind;
    const once = v.loads.map((l) => isOnce(v.buffers[l.buffer]!, shape));
    const loads = v.loads.map((l, i) =>
      vectorTraffic(t, v.buffers[l.buffer]!, l.access, l.lead, loadBits[i]!, once[i]!, m),
    );
    const stores = v.stores.map((s, i) => storeTraffic(t, v.buffers[s.buffer]!, s, storeBits[i]!, m));
    const operands = g ? systolicTraffic(t, g, m) : [];
    const total = (list: readonly Traffic[]) => list.reduce((n, x) => n + x.total, 0);
    const early = operands.reduce((n, x, i) => (i === 2 || (i === 0 && constant) ? n + x.first : n), 0);
    const hidden = Math.min(ahead, early);
    const fill = operands.reduce((n, x) => n + x.first, 0) - hidden;
    const moved = total(operands) - hidden;
    const drain = stores.reduce((n, x) => n + x.last, 0);
    const stored = total(stores);
    const traffic = total(operands) + total(loads) + stored;
    // The array hands over at the end of `start`.
    const start = g ? fill + array(reductions) : 0;
    let cycles = Math.max(
      fill + array(tiles * reductions) + tail + drain,
      start + (tiles - 1) * vector + tail + drain,
      moved + array(1) + tail + drain,
      moved + total(loads) + stored,
    );
    if (!g && loads.length > 0) {
      const first = Math.min(...loads.map((x) => x.first)) + sumOf(ops, afterLoads);
      cycles = Math.max(cycles, first + (tiles - 1) * vector + drain);
    }
    if (placed === undefined || tiles === 1) return { cycles, traffic };
    // Rows without a second half: a load waits until the tile before has ended, its stores included, and what writes rows
    // waits until they have been stored.
    const single = (buffer: number) => {
      const { namespace } = placed.buffers[buffer]!;
      return namespace !== "OBUF" && placed.windows.every((w) => w.namespace !== namespace);
    };
    v.loads.forEach((l, i) => {
      if (!once[i] && single(l.buffer))
        cycles = Math.max(cycles, loads[i]!.total + tiles * sumOf(ops, afterLoad[i]!) + stored);
    });
    v.stores.forEach((s, i) => {
      const writer = writers[i]!;
      if (writer >= 0 && single(s.buffer))
        cycles = Math.max(cycles, (writer >= free ? start : 0) + stores[i]!.total + tiles * sum(ops.slice(writer)));
    });
    return { cycles, traffic };
  };
}

const sumOf = (list: readonly number[], which: readonly boolean[]): number =>
  list.reduce((n, x, i) => (which[i] ? n + x : n), 0);
