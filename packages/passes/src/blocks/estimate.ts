/**
 * Cycles of a block under a tiling, in closed form: array, Tandem Processor and DRAM overlap across tiles, so the
 * largest of the three, plus what the first tile's transfers and the last tile's tail cannot hide.
 */
import type { PackedWindow, ReductionDim, TileDim } from "@accelc/ir";
import { burstsOfRun, derive, type MachineDescription } from "@accelc/machine";
import type { GemmDraft } from "./gemm.js";
import { bufferRows } from "./rows.js";
import { inputRows } from "./tile.js";
import type { VectorDraft } from "./vector.js";

export interface TilingChoice {
  readonly dims: readonly TileDim[];
  readonly order: readonly number[];
  readonly ic: ReductionDim;
  readonly kh: ReductionDim;
}

/** Configuration words per operation and per transfer, as emitted: each takes a Tandem cycle per tile. */
const WORDS_PER_OP = 12;

/** How often a buffer that depends on the dimensions `uses` is filled, walking tiles in `order`. */
function fills(t: TilingChoice, uses: (dim: number) => boolean, reductions: number): number {
  const counts = t.order.map((d) => t.dims[d]!.count);
  let innermost = -1;
  t.order.forEach((d, i) => {
    if (counts[i]! > 1 && uses(d)) innermost = i;
  });
  if (reductions > 1) return counts.reduce((a, b) => a * b, reductions);
  return counts.slice(0, innermost + 1).reduce((a, b) => a * b, 1);
}

export function estimate(t: TilingChoice, g: GemmDraft | null, v: VectorDraft, machine: MachineDescription): number {
  const m = derive(machine);
  const tiles = t.dims.reduce((n, d) => n * d.count, 1);
  const spans = (b: { readonly spans: readonly boolean[] }) => (d: number) => b.spans[d]!;
  const laneBytes = machine.tandem.lanes;
  let bytes = 0;
  let array = 0;
  if (g) {
    const { batch, group, oc, h, w } = g.roles;
    const reductions = t.ic.count * t.kh.count;
    const rows = t.dims.reduce((n, d) => n * d.before.tile, 1);
    array = tiles * reductions * (rows * t.ic.tile * t.kh.tile * g.kernel[1] + m.fillDrainCycles);
    const inputUses = (d: number) => d === batch || d === group || d === h || d === w;
    const weightUses = (d: number) => g.weights.strides[d] !== 0;
    const inputs = inputRows(g, t.dims, t.ic.tile, t.kh.tile);
    bytes +=
      fills(t, inputUses, reductions) * (g.pack ? packedBytes(inputs, g.pack, machine) : inputs * m.ibuf.rowBytes);
    const blocks = t.dims[oc]!.before.tile * t.ic.tile * t.kh.tile * g.kernel[1];
    bytes += fills(t, weightUses, reductions) * blocks * m.wbuf.rowBytes;
  }
  let vector = tiles * WORDS_PER_OP * (v.ops.length + v.loads.length + v.stores.length);
  for (const op of v.ops) {
    const taps = op.window ? op.window.kernel.reduce((a, b) => a * b, 1) : 1;
    vector += tiles * taps * bufferRows(v.buffers[op.dst]!, t.dims, laneBytes);
  }
  for (const l of v.loads) {
    const b = v.buffers[l.buffer]!;
    bytes += fills(t, spans(b), 1) * bufferRows(b, t.dims, laneBytes) * laneBytes;
  }
  for (const s of v.stores) bytes += tiles * bufferRows(v.buffers[s.buffer]!, t.dims, laneBytes) * laneBytes;
  const dram = bytes / machine.dram.bytesPerCycle + tiles * machine.dram.latencyCycles * 0.1;
  const steady = Math.max(array, vector, dram);
  return steady + (array + vector + dram - steady) / tiles;
}

/** DRAM bytes of the runs of packed windows that take `rows` rows of IBUF. */
const packedBytes = (rows: number, p: PackedWindow, m: MachineDescription): number =>
  (rows / p.rows) * p.taps[0] * p.taps[1] * burstsOfRun(m, p.run) * m.dram.burstBytes;
