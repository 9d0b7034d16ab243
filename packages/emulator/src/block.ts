import { BUFFER, DIR, type Inst } from "@accelc/isa";
import { execute } from "./exec.js";
import { clearOutputs, finishOutputs, multiplyTile, resolveNest } from "./gemm.js";
import { turningRows } from "./next-input.js";
import { turnOver } from "./scratchpad.js";
import { type Machine, spend, trap } from "./state.js";
import type { Block, Region } from "./structure.js";
import { FIRST_INNER, type SystolicState, strideIndex } from "./systolic-state.js";
import { load, resolveTransfer, store, type Transfer } from "./transfer.js";

/** Runs one block: tile by tile loads, multiplications, and after the last reduction step the SIMD region or the store. */
export function runBlock(m: Machine, insts: readonly Inst[], block: Block): void {
  m.block = block.index;
  m.fused = block.systolic !== undefined;
  m.nextHalf = undefined;
  m.turningRows = 0;
  m.stats.blocks += 1;
  if (block.systolic !== undefined) runSystolic(m, insts, block.systolic, block.simd);
  else if (block.simd !== undefined) {
    m.tiles = simdTiles(m, insts, block.simd);
    for (let t = 0; t < m.tiles; t++) runSimd(m, insts, block.simd, t);
  }
  if (m.nextHalf !== undefined) m.ibuf.current = m.nextHalf;
}

function runRegion(m: Machine, insts: readonly Inst[], region: Region): void {
  m.address = region.start;
  spend(m, region.end - region.start);
  for (let at = region.start; at < region.end; at++) {
    m.address = at;
    execute(m, insts[at]);
  }
}

function runSimd(m: Machine, insts: readonly Inst[], region: Region, tile: number): void {
  m.unit = "simd";
  m.tile = tile;
  m.stats.tiles += 1;
  runRegion(m, insts, region);
  m.obufOwned = false;
}

/** Tiles of a SIMD-only block: the one base-loop product above 1 that its descriptors have, else 1. */
export function simdTiles(m: Machine, insts: readonly Inst[], region: Region): number {
  const loops = new Map<string, Map<number, number>>();
  let tiles = 1;
  for (let at = region.start; at < region.end; at++) {
    const i = insts[at];
    if (i.op === "ld_config_base_loop_iter" || i.op === "st_config_base_loop_iter") {
      const key = `${i.op.slice(0, 2)}${i.ns}`;
      const counts = loops.get(key) ?? new Map<number, number>();
      loops.set(key, counts.set(i.loop, i.count_minus_1 + 1));
    } else if (i.op === "ld_start" || i.op === "st_start") {
      const key = `${i.op.slice(0, 2)}${i.ns}`;
      const product = [...(loops.get(key)?.values() ?? [])].reduce((a, b) => a * b, 1);
      loops.delete(key);
      if (product === 1) continue;
      m.address = at;
      if (tiles !== 1 && tiles !== product)
        throw trap(m, "tileProduct", { what: i.op, found: product, expected: tiles });
      tiles = product;
    }
  }
  return tiles;
}

/** A load with the trips of its tile loops at the time it was last done. */
interface Resident {
  readonly transfer: Transfer;
  readonly loops: readonly number[];
  trips: readonly number[] | undefined;
}

function runSystolic(m: Machine, insts: readonly Inst[], region: Region, simd: Region | undefined): void {
  m.unit = "systolic";
  m.obufOwned = false;
  runRegion(m, insts, region);
  const s = m.systolic;
  const resident: Resident[] = [];
  for (const buffer of [BUFFER.WBUF, BUFFER.IBUF, BUFFER.BBUF]) {
    const word = s.loads[buffer];
    if (word === undefined) continue;
    const transfer = resolveTransfer(m, buffer, word);
    const loops = transfer.tileStrides.flatMap((stride, l) => (stride !== 0 ? [l] : []));
    if (buffer === BUFFER.IBUF) m.turningRows = turningRows(s, transfer, m.rows);
    resident.push({ transfer, loops, trips: undefined });
  }
  const stored = s.store === undefined ? undefined : resolveTransfer(m, BUFFER.OBUF, s.store);
  if (stored !== undefined && simd !== undefined) throw trap(m, "obufOwner", { what: "a systolic store" });
  m.address = region.end - 1;
  const nest = resolveNest(m);
  const firstReduction = reductionStart(m);
  m.tiles = product(s.counts, 0, firstReduction);
  const steps = product(s.counts, firstReduction, FIRST_INNER);
  const trips = new Int32Array(FIRST_INNER);
  for (let t = 0; t < m.tiles; t++) {
    m.unit = "systolic";
    for (let k = 0; k < steps; k++) {
      m.stats.systolicTiles += 1;
      for (const r of resident) loadIfMoved(m, r, trips);
      m.address = region.end - 1;
      s.inputRow = inputRow(s, trips);
      if (k === 0) clearOutputs(m, nest);
      multiplyTile(m, nest, k);
      if (k === steps - 1) {
        finishOutputs(m, nest, s.loads[BUFFER.BBUF] !== undefined);
        if (stored !== undefined) store(m, stored, trips);
      }
      advance(trips, s.counts);
    }
    if (simd === undefined) m.stats.tiles += 1;
    else {
      m.obufOwned = true;
      runSimd(m, insts, simd, t);
    }
    turnOver(m.obuf);
  }
}

/** Row of IBUF where the tile's input begins. A region without a load of IBUF begins at the row that its base address is. */
function inputRow({ stride, loads, base }: SystolicState, trips: Int32Array): number {
  let row = loads[BUFFER.IBUF] === undefined ? base[BUFFER.IBUF] : 0;
  for (let l = 0; l < FIRST_INNER; l++) row += trips[l] * stride[strideIndex(DIR.RD, BUFFER.IBUF, l)];
  return row;
}

const product = (counts: Int32Array, from: number, to: number): number =>
  counts.subarray(from, to).reduce((a, b) => a * b, 1);

/** Id of the outermost tile loop from which on all tile loops with more than one trip are reductions. */
export function reductionStart(m: Machine): number {
  const { counts, reduction } = m.systolic;
  let first = FIRST_INNER;
  while (first > 0 && (counts[first - 1] === 1 || reduction[first - 1] === 1)) first--;
  for (let l = 0; l < first; l++) {
    if (counts[l] > 1 && reduction[l] === 1) {
      throw trap(m, "reduction", { reason: `reduction tile loop ${l} is not innermost` });
    }
  }
  return first;
}

function loadIfMoved(m: Machine, r: Resident, trips: Int32Array): void {
  const now = r.loops.map((l) => trips[l]);
  if (r.trips?.every((trip, i) => trip === now[i])) return;
  load(m, r.transfer, trips);
  r.trips = now;
}

function advance(trips: Int32Array, counts: Int32Array): void {
  for (let l = trips.length - 1; l >= 0; l--) {
    trips[l] += 1;
    if (trips[l] < counts[l]) return;
    trips[l] = 0;
  }
}
