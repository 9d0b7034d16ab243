import { NS, type Op } from "@accelc/isa";
import { currentHalf, type WordPad } from "./scratchpad.js";
import { type Machine, NS_NAMES, trap } from "./state.js";

/** The scratchpad the SIMD side sees under a namespace; OBUF only while owned. `what` names the instruction in traps. */
export function vectorPad(m: Machine, ns: number, what: string): WordPad {
  if (ns === NS.VMEM1) return m.vmem1;
  if (ns === NS.VMEM2) return m.vmem2;
  if (ns === NS.OBUF) {
    if (!m.obufOwned) throw trap(m, "obufOwner", { what });
    return currentHalf(m.obuf);
  }
  throw trap(m, "namespace", { what, name: NS_NAMES[ns] });
}

/** Row after the window of the namespace, in odd tiles. */
export function windowRow(m: Machine, ns: number, row: number): number {
  if ((m.tile & 1) === 0) return row;
  const rows = m.window.rows[ns];
  const from = row - m.window.base[ns];
  return rows > 0 && from >= 0 && from < rows ? row + rows : row;
}

export function checkRow(m: Machine, what: string, name: string, row: number, rows: number): void {
  if (row < 0 || row >= rows) throw trap(m, "scratchRange", { what, name, row, rows });
}

/** Row of `pad` for reading: windowed, inside, written before. */
export function readRow(m: Machine, ns: number, pad: WordPad, row: number, what: string): number {
  const at = windowRow(m, ns, row);
  if (at < 0 || at >= pad.rows) checkRow(m, what, pad.name, at, pad.rows);
  if (pad.written[at] === 0) throw trap(m, "unwritten", { what, name: pad.name, row: at });
  return at;
}

/** Row of `pad` for writing: windowed and inside. The caller marks it written. */
export function writeRow(m: Machine, ns: number, pad: WordPad, row: number, what: string): number {
  const at = windowRow(m, ns, row);
  if (at < 0 || at >= pad.rows) checkRow(m, what, pad.name, at, pad.rows);
  return at;
}

/** Index of an iterator in the machine's tables, checked against the description. */
export function iteratorIndex(m: Machine, ns: number, ix: number): number {
  const limit = m.description.tandem.iteratorsPerNamespace;
  if (ix >= limit) throw trap(m, "iteratorRange", { index: ix, name: NS_NAMES[ns], limit });
  return ns * 32 + ix;
}

export function immSlot(m: Machine, slot: number): number {
  const limit = m.description.tandem.immSlots;
  if (slot >= limit) throw trap(m, "immRange", { slot, limit });
  return slot;
}

export const immWritten = (m: Machine, slot: number, op: Op): void => {
  if (m.imm.written[slot] === 0) throw trap(m, "unwritten", { what: op, name: "IMM", row: slot });
};
