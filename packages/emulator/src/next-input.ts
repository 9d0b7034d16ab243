/** The next block's input: rows of IBUF that the Tandem Processor writes and the array does not touch meanwhile. */
import { type DaeConfig, digits, sorted } from "./dae-state.js";
import { type BytePad, currentHalf, otherHalf } from "./scratchpad.js";
import { type Machine, NS_NAMES, spend, trap } from "./state.js";
import type { SystolicState } from "./systolic-state.js";
import type { Transfer } from "./transfer.js";

/** A half of IBUF, and the row of it that row 0 of a vector means in this tile. */
export interface InputTarget {
  readonly pad: BytePad;
  readonly row: number;
}

/** Rows of IBUF, from row 0 on, that a load of the region writes in both halves by turns; 0 where it is done once. */
export function turningRows({ counts, pack }: SystolicState, t: Transfer, rowBytes: number): number {
  if (!t.tileStrides.some((stride, l) => stride !== 0 && counts[l] > 1)) return 0;
  const { loops, units } = t;
  const last = loops.reduce((row, { count, chip }) => row + Math.max(0, (count - 1) * chip), 0);
  if (pack === undefined) return last + units;
  const runs = loops.reduce((n, { count, chip }) => (chip === 0 ? n * count : n), 1);
  return last + Math.ceil((pack.bank + runs * pack.run) / rowBytes);
}

/**
 * ST START of IBUF: at the first tile the rows of the other half from TILE_ADDR on become the fill; programs address that
 * half from the end of the block on.
 */
export function openInput(m: Machine, config: DaeConfig): void {
  const bad = (reason: string) => trap(m, "transfer", { what: "st_start IBUF", reason });
  if (m.nextInput !== undefined) throw bad("the region opens the next input twice");
  const { tileRow } = config;
  if (m.fused && m.turningRows > tileRow)
    throw bad(`the next input begins at row ${tileRow}, below which the region's loads take ${m.turningRows}`);
  if (m.tile === 0) {
    m.nextHalf = m.ibuf.current === 0 ? 1 : 0;
    const { cells, rows, width, written } = otherHalf(m.ibuf);
    spend(m, rows);
    const from = cells.subarray(Math.min(tileRow, rows) * width);
    if (!m.fast?.fill(m, from, config.padding.fill)) from.fill(config.padding.fill);
    written.fill(1, tileRow);
  }
  const loops = sorted(config.baseLoops);
  const trips = digits(loops, m.tile);
  const row = loops.reduce((sum, l) => sum + l.dram * (trips.get(l.id) ?? 0), tileRow);
  m.nextInput = { pad: m.ibuf.halves[m.nextHalf ?? 0], row };
}

/** Where a vector whose destination is IBUF goes. Without ST START of IBUF ahead: the half that programs address. */
export function inputTarget(m: Machine): InputTarget {
  if (m.nextInput !== undefined) return m.nextInput;
  if (m.fused) throw trap(m, "namespace", { what: "a SIMD region behind a systolic one", name: NS_NAMES[1] });
  return { pad: currentHalf(m.ibuf), row: 0 };
}
