import { type Inst, NS } from "@accelc/isa";
import { linearize } from "./bounds.js";
import { createDae, type DaeConfig, type DaeLoop, freshConfig, loopOf, pendingConfig } from "./dae-state.js";
import { readDram, writeDram } from "./dram.js";
import { loadRow, storeRow } from "./elements.js";
import { checkRow, readRow, vectorPad, windowRow } from "./operands.js";
import { byId, forEachRun, type TransferLoop, tripProduct } from "./runs.js";
import type { WordPad } from "./scratchpad.js";
import { type Machine, NS_NAMES, spend, trap } from "./state.js";

const STORE = 4;
const keyOf = (inst: { readonly op: string; readonly ns: number }): number =>
  (inst.op.startsWith("st_") ? STORE : 0) + inst.ns;

type Half = 0 | 1;
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
      config.base = setHalf(config.base, inst.half as Half, inst.imm);
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

/**
 * LD or ST of one descriptor for the current tile. A descriptor of product 1 loads at the first tile and stores at the
 * last one only.
 */
export function startDae(m: Machine, inst: Inst<"ld_start" | "st_start">): void {
  const store = inst.op === "st_start";
  const config = sealedConfig(m, inst);
  const tiles = tileProduct(config);
  if (tiles !== 1 && tiles !== m.tiles) {
    throw trap(m, "tileProduct", { what: `${inst.op} ${NS_NAMES[inst.ns]}`, found: tiles, expected: m.tiles });
  }
  if (tiles === 1 && m.tile !== (store ? m.tiles - 1 : 0)) return;
  const name = NS_NAMES[inst.ns];
  if (inst.ns === NS.IBUF || (!store && inst.ns === NS.OBUF)) throw trap(m, "namespace", { what: inst.op, name });
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

const sorted = (loops: ReadonlyMap<number, DaeLoop>): TransferLoop[] =>
  [...loops].map(([id, l]) => ({ id, count: l.count, dram: l.stride, chip: 0 })).sort(byId);

/** Digits of the tile number in the mixed radix of the base loops, the highest id fastest. */
function digits(loops: readonly TransferLoop[], tile: number): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let rest = tile;
  for (let l = loops.length - 1; l >= 0; l--) {
    found.set(loops[l].id, rest % loops[l].count);
    rest = Math.floor(rest / loops[l].count);
  }
  return found;
}

const WIDTHS = [2, 4, 8, 16, 32];

function transfer(m: Machine, inst: Inst<"ld_start" | "st_start">, config: DaeConfig, pad: WordPad): void {
  const what = inst.op;
  const bits = inst.bits_minus_1 + 1;
  const elements = (inst.bytes * 8) / bits;
  if (!WIDTHS.includes(bits)) throw trap(m, "transfer", { what, reason: `elements of ${bits} bits` });
  if (elements === 0 || !Number.isInteger(elements)) {
    throw trap(m, "transfer", { what, reason: `a run of ${inst.bytes} bytes is not a whole number of elements` });
  }
  const { lanes } = m;
  const rows = Math.ceil(elements / lanes);
  const rowBytes = (lanes * bits) / 8;
  const baseLoops = sorted(config.baseLoops);
  const tileLoops = sorted(config.tileLoops);
  const trips = digits(baseLoops, m.tile);
  const strideIn = (loops: readonly TransferLoop[]) => (id: number) => loops.find((l) => l.id === id)?.dram ?? 0;
  const strides = { inner: strideIn(tileLoops), outer: strideIn(baseLoops), run: rowBytes };
  const bounds = config.padding.bounds.map((b) => linearize(m, b, strides));
  const base = baseLoops.reduce((sum, l) => sum + l.dram * (trips.get(l.id) ?? 0), config.base);
  const port = pad.name as "OBUF" | "VMEM1" | "VMEM2";
  const { fill } = config.padding;

  forEachRun(
    tileLoops,
    base,
    rows,
    bounds,
    (loop) => trips.get(loop) ?? 0,
    (address, _, from, to, run) => {
      spend(m, rows);
      const first = config.tileRow + run * rows;
      const bytes = Math.min(to * rowBytes, inst.bytes) - from * rowBytes;
      const within = (address + from * rowBytes) >>> 0;
      if (inst.op === "ld_start") {
        const at = bytes > 0 ? readDram(m, within, bytes, port, what) : 0;
        for (let r = 0; r < rows; r++) {
          const row = windowRow(m, inst.ns, first + r);
          checkRow(m, what, pad.name, row, pad.rows);
          const n = Math.min(lanes, elements - r * lanes);
          pad.written[row] = 1;
          const cell = row * lanes;
          if (r < from || r >= to) pad.cells.fill(fill, cell, cell + n);
          else loadRow(m.dram, at + (r - from) * rowBytes, bits, pad.cells, cell, n);
        }
      } else if (bytes > 0) {
        const at = writeDram(m, within, bytes, port, what);
        for (let r = from; r < to; r++) {
          const row = readRow(m, inst.ns, pad, first + r, what);
          const n = Math.min(lanes, elements - r * lanes);
          storeRow(m.dram, at + (r - from) * rowBytes, bits, pad.cells, row * lanes, n);
        }
      }
    },
  );
}
