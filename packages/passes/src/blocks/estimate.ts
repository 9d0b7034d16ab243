/**
 * Cycles of a block under a tiling in closed form: first, steady and last tile of the schedule that docs/cycles.md
 * describes, with the durations of machine/timing.ts. It ranks mappings; the cheapest are measured.
 */
import type { ReductionDim, TileDim, VectorPart } from "@accelc/ir";
import {
  burstsOfRun,
  configurationCycles,
  type MachineDescription,
  nestCycles,
  systolicTileCycles,
  transferCycles,
} from "@accelc/machine";
import type { GemmDraft } from "./gemm.js";
import { bufferRows } from "./rows.js";
import { inputRows, outputBlocks, steps } from "./tile.js";
import type { DraftOp, VectorDraft } from "./vector-builder.js";

export interface TilingChoice {
  readonly dims: readonly TileDim[];
  readonly order: readonly number[];
  readonly ic: ReductionDim;
  readonly kh: ReductionDim;
}

/** Configuration words of a loop nest and of a transfer, on average: each takes a Tandem cycle per tile. */
const WORDS_PER_NEST = 8;
const WORDS_PER_TRANSFER = 14;

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

/** Transfers of one buffer over the block: how many, and cycles of one. */
interface Traffic {
  readonly times: number;
  readonly cycles: number;
}

const total = (list: readonly Traffic[]): number => list.reduce((n, x) => n + x.times * x.cycles, 0);
const first = (list: readonly Traffic[]): number => list.reduce((n, x) => n + x.cycles, 0);

function inputBursts(t: TilingChoice, g: GemmDraft, m: MachineDescription): number {
  const rows = inputRows(g, t.dims, t.ic.tile, t.kh.tile);
  if (g.pack) return (rows / g.pack.rows) * g.pack.taps[0] * g.pack.taps[1] * burstsOfRun(m, g.pack.run);
  const w = t.dims[g.roles.w]!;
  const span = (w.before.tile - 1) * g.strides[1] + (g.kernel[1] - 1) * g.dilations[1] + 1;
  const whole = span >= g.size[1];
  const inside = Math.min(1, g.size[1] / span);
  const { passes } = g.operands;
  const pixel = passes * m.array.rows;
  // A lone block of channels that does not need all its passes leaves gaps between the pixels.
  if (g.icBlocks === 1 && g.input.strides[g.roles.w]! > pixel) return (rows / passes) * inside * burstsOfRun(m, pixel);
  return whole
    ? burstsOfRun(m, rows * inside * m.array.rows)
    : (rows / (span * passes)) * burstsOfRun(m, Math.min(span, g.size[1]) * pixel);
}

function systolicTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription): Traffic[] {
  const { batch, group, oc, h, w } = g.roles;
  const reductions = t.ic.count * t.kh.count;
  const inputUses = (d: number) => d === batch || d === group || d === h || d === w;
  const weightUses = (d: number) => g.weights.strides[d] !== 0;
  const block = m.array.rows * m.array.columns;
  const weights = outputBlocks(g, t.dims) * steps(g, t.ic.tile, t.kh.tile) * block;
  const bias = g.bias === null ? 0 : outputBlocks(g, t.dims) * 4 * m.array.columns;
  const transfer = (times: number, bursts: number): Traffic => ({ times, cycles: transferCycles(m, bursts) });
  return [
    transfer(fills(t, weightUses, reductions), burstsOfRun(m, weights)),
    transfer(fills(t, inputUses, reductions), inputBursts(t, g, m)),
    transfer(
      fills(t, (d) => d === oc || d === group, 1),
      burstsOfRun(m, bias),
    ),
  ];
}

function opCycles(op: DraftOp, v: VectorDraft, t: TilingChoice, m: MachineDescription): number {
  const taps = op.window ? op.window.kernel.reduce((a, b) => a * b, 1) : 1;
  const nests = op.window ? 1 + op.window.kernel.filter((k) => k > 1).length : 1;
  const rows = bufferRows(v.buffers[op.dst]!, t.dims, m.tandem.lanes);
  const issued = op.op === "idiv" ? "div" : "add";
  return nestCycles(m, [issued], taps * rows) + configurationCycles(nests * WORDS_PER_NEST);
}

/**
 * Cycles that a tile of the Tandem Processor waits for its own transfers: rows that have no second half are loaded when
 * the tile before has ended, its stores included, and written when they have been stored.
 */
function waiting(placed: VectorPart, loads: readonly Traffic[], stores: readonly Traffic[], tiles: number): number {
  const doubled = (buffer: number) => {
    const { namespace } = placed.buffers[buffer]!;
    return namespace === "OBUF" || placed.windows.some((w) => w.namespace === namespace);
  };
  const perTile = placed.loads.flatMap((l, i) =>
    doubled(l.buffer) || placed.buffers[l.buffer]!.once ? [] : [(loads[i]!.cycles * loads[i]!.times) / tiles],
  );
  const late = placed.stores.some((s) => !doubled(s.buffer));
  const storing = perTile.length > 0 ? first(stores) : late ? first(stores) / 2 : 0;
  return perTile.reduce((a, b) => a + b, 0) + storing;
}

/** The same before buffers have places: there are second halves if loads and results take half of both VMEMs or less. */
function waitingUnplaced(
  v: VectorDraft,
  t: TilingChoice,
  m: MachineDescription,
  perTile: Traffic[],
  stores: Traffic[],
) {
  const moved = [...v.loads, ...v.stores].map((x) => bufferRows(v.buffers[x.buffer]!, t.dims, m.tandem.lanes));
  const rows = moved.reduce((a, b) => a + b, 0);
  return rows <= m.tandem.vmemRows ? 0 : first(perTile) + first(stores) / (perTile.length > 0 ? 1 : 2);
}

/** `placed`: where the buffers are, if that is known. */
export function estimate(
  t: TilingChoice,
  g: GemmDraft | null,
  v: VectorDraft,
  m: MachineDescription,
  placed?: VectorPart,
): number {
  const tiles = t.dims.reduce((n, d) => n * d.count, 1);
  const reductions = t.ic.count * t.kh.count;
  const lanes = m.tandem.lanes;
  const accumulators = t.dims.reduce((n, d) => n * d.before.tile, 1);
  const array = g ? reductions * systolicTileCycles(m, accumulators * steps(g, t.ic.tile, t.kh.tile)) : 0;
  const transfers = v.loads.length + v.stores.length;
  const words = configurationCycles(WORDS_PER_TRANSFER * transfers);
  const vector = v.ops.reduce((n, op) => n + opCycles(op, v, t, m), words);
  const bytes = (buffer: number) => bufferRows(v.buffers[buffer]!, t.dims, lanes) * lanes;
  const moved = (buffer: number, times: number): Traffic => ({
    times,
    cycles: transferCycles(m, burstsOfRun(m, bytes(buffer))),
  });
  const weights = g ? systolicTraffic(t, g, m) : [];
  const loads = v.loads.map((l) =>
    moved(
      l.buffer,
      fills(t, (d) => v.buffers[l.buffer]!.spans[d]!, 1),
    ),
  );
  const stores = v.stores.map((s) => moved(s.buffer, tiles));
  const dram = total([...weights, ...loads, ...stores]);
  const [fill, drain] = [first(weights), first(stores)];
  const everyTile = loads.filter((l) => l.times === tiles);
  const wait = placed ? waiting(placed, loads, stores, tiles) : waitingUnplaced(v, t, m, everyTile, stores);
  // Between the first and the last tile the busiest resource never waits; ahead and behind, what it cannot hide.
  const tandem = vector * tiles + wait * (tiles - 1);
  const steady = Math.max(array * tiles, tandem, dram - fill - drain);
  if (array * tiles === steady) return fill + steady + vector + drain;
  if (tandem === steady) return fill + array + first(loads) + steady + drain;
  return fill + array + steady + vector + drain;
}
