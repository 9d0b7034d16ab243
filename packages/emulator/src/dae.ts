import { type Inst, NS } from "@accelc/isa";
import type { DaeList } from "./accelerator.js";
import { linearize } from "./bounds.js";
import {
  createDae,
  type DaeConfig,
  type DaeLoop,
  digits,
  freshConfig,
  type IndexList,
  loopOf,
  pendingConfig,
  sorted,
} from "./dae-state.js";
import { readDram, writeDram } from "./dram.js";
import { loadRow, storeRow } from "./elements.js";
import { openInput } from "./next-input.js";
import { readRow, vectorPad, writeRow } from "./operands.js";
import { forEachRun, type TransferLoop, tripProduct } from "./runs.js";
import type { WordPad } from "./scratchpad.js";
import { type Machine, NS_NAMES, spend, trap } from "./state.js";
import type { DramPort } from "./stats.js";

const STORE = 4;
export const keyOf = (inst: { readonly op: string; readonly ns: number }): number =>
  (inst.op.startsWith("st_") ? STORE : 0) + inst.ns;

/** LSB word: low half, high half zeroed; MSB word: high half. */
export const setHalf = (value: number, half: number, imm: number): number =>
  half === 0 ? imm : (value & 0xffff) | (imm << 16);

type ConfigOp = Exclude<Extract<Inst["op"], `ld_${string}` | `st_${string}`>, "ld_start" | "st_start">;

/** CONFIG words act at tile 0 only. */
export function configureDae(m: Machine, inst: Inst<ConfigOp>): void {
  if (m.tile !== 0) return;
  const config = pendingConfig(m.dae, keyOf(inst));
  switch (inst.op) {
    case "ld_config_base_addr":
    case "st_config_base_addr":
      config.base = setHalf(config.base, inst.half, inst.imm);
      break;
    case "ld_config_base_loop_iter":
    case "st_config_base_loop_iter":
      loopOf(config.baseLoops, inst.loop).count = inst.count_minus_1 + 1;
      break;
    case "ld_config_tile_loop_iter":
    case "st_config_tile_loop_iter":
      loopOf(config.tileLoops, inst.loop).count = inst.count_minus_1 + 1;
      break;
    case "ld_config_base_loop_stride":
    case "st_config_base_loop_stride":
      setStride(loopOf(config.baseLoops, inst.loop), inst.half, inst.imm);
      break;
    case "ld_config_tile_loop_stride":
    case "st_config_tile_loop_stride":
      setStride(loopOf(config.tileLoops, inst.loop), inst.half, inst.imm);
      break;
    case "ld_index":
      config.index = { loop: inst.loop, row: inst.imm };
      break;
    case "ld_index_count":
      config.indexCount = setHalf(config.indexCount, 0, inst.imm);
      break;
    case "ld_index_count_hi":
      config.indexCount = setHalf(config.indexCount, 1, inst.imm);
      break;
    default:
      config.tileRow = inst.imm;
  }
}

function setStride(loop: DaeLoop, half: number, imm: number): void {
  loop.stride = setHalf(loop.stride, half, imm);
}

export const resetDae = (m: Machine): void => {
  m.dae = createDae();
};

/** Number of tiles a descriptor asks for. */
export const tileProduct = (config: DaeConfig): number => tripProduct([...config.baseLoops.values()]);

/** That number, which is 1 or the block's. */
export function checkedTiles(m: Machine, inst: Inst<"ld_start" | "st_start">, config: DaeConfig): number {
  const tiles = tileProduct(config);
  if (tiles !== 1 && tiles !== m.tiles) {
    throw trap(m, "tileProduct", { what: `${inst.op} ${NS_NAMES[inst.ns]}`, found: tiles, expected: m.tiles });
  }
  return tiles;
}

/** Data go to and from the two VMEMs, and from OBUF. */
export function checkNamespace(m: Machine, { op, ns }: Inst<"ld_start" | "st_start">): void {
  const fits = ns === NS.VMEM1 || ns === NS.VMEM2 || (ns === NS.OBUF && op === "st_start");
  if (!fits) throw trap(m, "namespace", { what: op, name: NS_NAMES[ns] });
}

/**
 * LD or ST of one descriptor for the current tile. A descriptor of product 1 loads at the first tile and stores at the
 * last one only.
 */
export function startDae(m: Machine, inst: Inst<"ld_start" | "st_start">): void {
  const store = inst.op === "st_start";
  const config = sealedConfig(m, inst);
  const tiles = checkedTiles(m, inst, config);
  if (store && inst.ns === NS.IBUF) {
    openInput(m, config);
    return;
  }
  if (tiles === 1 && m.tile !== (store ? m.tiles - 1 : 0)) return;
  checkNamespace(m, inst);
  transfer(m, inst, config, vectorPad(m, inst.ns, inst.op));
}

function sealedConfig(m: Machine, inst: Inst<"ld_start" | "st_start">): DaeConfig {
  if (m.tile === 0) {
    const key = keyOf(inst);
    m.dae.sealed.set(m.address, m.dae.pending.get(key) ?? freshConfig());
    m.dae.pending.delete(key);
  }
  const config = m.dae.sealed.get(m.address);
  if (config === undefined) throw trap(m, "transfer", { what: inst.op, reason: "no descriptor was sealed at tile 0" });
  return config;
}

const WIDTHS = [2, 4, 8, 16, 32];

/** The shape of one run: `elements` of `bits` bits on `rows` rows of `rowBytes` bytes in DRAM. */
export interface Run {
  readonly bits: number;
  readonly bytes: number;
  readonly elements: number;
  readonly rows: number;
  readonly rowBytes: number;
}

export function runShape(m: Machine, inst: Inst<"ld_start" | "st_start">): Run {
  const what = inst.op;
  const { bytes } = inst;
  const bits = inst.bits_minus_1 + 1;
  const elements = (bytes * 8) / bits;
  if (!WIDTHS.includes(bits)) throw trap(m, "transfer", { what, reason: `elements of ${bits} bits` });
  if (elements === 0 || !Number.isInteger(elements)) {
    throw trap(m, "transfer", { what, reason: `a run of ${bytes} bytes is not a whole number of elements` });
  }
  return { bits, bytes, elements, rows: Math.ceil(elements / m.lanes), rowBytes: (m.lanes * bits) / 8 };
}

function transfer(m: Machine, inst: Inst<"ld_start" | "st_start">, config: DaeConfig, pad: WordPad): void {
  const run = runShape(m, inst);
  const baseLoops = sorted(config.baseLoops);
  const tileLoops = sorted(config.tileLoops);
  const trips = digits(baseLoops, m.tile);
  const strideIn = (loops: readonly TransferLoop[]) => (id: number) => loops.find((l) => l.id === id)?.dram ?? 0;
  const strides = { inner: strideIn(tileLoops), outer: strideIn(baseLoops), run: run.rowBytes };
  const bounds = config.padding.bounds.map((b) => linearize(m, b, strides));
  const base = baseLoops.reduce((sum, l) => sum + l.dram * (trips.get(l.id) ?? 0), config.base);
  const outer = (loop: number) => trips.get(loop) ?? 0;
  const move = inst.op === "ld_start" ? loadRun : storeRun;
  const list = config.index && indexList(m, inst, config, config.index, tileLoops);
  const position = list && indexedPosition(m, inst, list);
  const loops = list ? tileLoops.map((l) => (l.id === config.index?.loop ? { ...l, dram: 0 } : l)) : tileLoops;
  const shape = { ...run, store: inst.op === "st_start", ns: inst.ns, pad, tileRow: config.tileRow, list };
  if (m.fast?.dae(m, { ...shape, fill: config.padding.fill, loops, base, bounds, outer })) return;
  forEachRun(loops, base, run.rows, bounds, outer, (address, _, from, to, number) => {
    spend(m, run.rows);
    const first = config.tileRow + number * run.rows;
    const start = position ? address + position(number) : address;
    const inside = (start + from * run.rowBytes) >>> 0;
    move({ m, inst, pad, run, fill: config.padding.fill }, first, inside, from, to);
  });
}

function indexList(
  m: Machine,
  inst: Inst<"ld_start" | "st_start">,
  config: DaeConfig,
  index: IndexList,
  loops: readonly TransferLoop[],
): DaeList {
  const at = loops.findIndex((l) => l.id === index.loop);
  if (at < 0)
    throw trap(m, "transfer", { what: inst.op, reason: `it indexes tile loop ${index.loop}, which it does not have` });
  const { count, dram } = loops[at];
  const ns = inst.ns === NS.VMEM1 ? NS.VMEM2 : NS.VMEM1;
  const pad = vectorPad(m, ns, inst.op);
  const inner = tripProduct(loops.slice(at + 1));
  return { ns, pad, row: index.row, trips: count, inner, stride: dram, extent: config.indexCount };
}

/** DRAM bytes that the index of a run stands for. Traps where the list was not written or an index is out of range. */
const indexedPosition = (m: Machine, inst: Inst<"ld_start" | "st_start">, list: DaeList) => {
  const { ns, pad, inner, trips, stride, extent: n } = list;
  return (run: number): number => {
    const trip = Math.floor(run / inner) % trips;
    const row = readRow(m, ns, pad, list.row + Math.floor(trip / m.lanes), inst.op);
    const i = pad.cells[row * m.lanes + (trip % m.lanes)];
    if (i < -n || i >= n) throw trap(m, "index", { index: i, count: n });
    return (i < 0 ? i + n : i) * stride;
  };
};

interface Transfer {
  readonly m: Machine;
  readonly inst: Inst<"ld_start" | "st_start">;
  readonly pad: WordPad;
  readonly run: Run;
  readonly fill: number;
}

/** Bytes of rows [from, to) of a run, the last of which may be short. */
export const bytesInside = (run: Run, from: number, to: number): number =>
  Math.max(0, Math.min(to * run.rowBytes, run.bytes) - from * run.rowBytes);

/** `address` is that of row `from`; rows outside [from, to) get the fill. */
function loadRun(
  { m, inst, pad, run, fill }: Transfer,
  first: number,
  address: number,
  from: number,
  to: number,
): void {
  const bytes = bytesInside(run, from, to);
  const at = bytes > 0 ? readDram(m, address, bytes, pad.name as DramPort, inst.op) : 0;
  for (let r = 0; r < run.rows; r++) {
    const row = writeRow(m, inst.ns, pad, first + r, inst.op);
    const cell = row * m.lanes;
    const n = Math.min(m.lanes, run.elements - r * m.lanes);
    pad.written[row] = 1;
    if (r < from || r >= to) pad.cells.fill(fill, cell, cell + n);
    else loadRow(m.dram, at + (r - from) * run.rowBytes, run.bits, pad.cells, cell, n);
  }
}

/** Rows outside [from, to) are dropped. */
function storeRun({ m, inst, pad, run }: Transfer, first: number, address: number, from: number, to: number): void {
  const bytes = bytesInside(run, from, to);
  if (bytes === 0) return;
  const at = writeDram(m, address, bytes, pad.name as DramPort, inst.op);
  for (let r = from; r < to; r++) {
    const row = readRow(m, inst.ns, pad, first + r, inst.op);
    const n = Math.min(m.lanes, run.elements - r * m.lanes);
    storeRow(m.dram, at + (r - from) * run.rowBytes, run.bits, pad.cells, row * m.lanes, n);
  }
}
