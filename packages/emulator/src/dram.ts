import { type Machine, trap } from "./state.js";
import { count, type DramPort } from "./stats.js";

const hex = (x: number): string => `0x${x.toString(16)}`;

/** Offset into DRAM bytes of `bytes` bytes at a 32-bit address; traps unless all of them exist. */
export function dramOffset(m: Machine, address: number, bytes: number, what: string): number {
  const { base, bytes: cells } = m.dram;
  const at = address - base;
  if (at < 0 || at + bytes > cells.length) {
    const range = { low: hex(base), high: hex(base + cells.length) };
    throw trap(m, "dramRange", { what, bytes, address: hex(address), ...range });
  }
  return at;
}

export function readDram(m: Machine, address: number, bytes: number, port: DramPort, what: string): number {
  count(m.stats.dramRead, port, bytes);
  return dramOffset(m, address, bytes, what);
}

export function writeDram(m: Machine, address: number, bytes: number, port: DramPort, what: string): number {
  count(m.stats.dramWritten, port, bytes);
  const [from, to] = m.dram.readOnly;
  if (address < to && address + bytes > from) throw trap(m, "readOnly", { what, bytes, address: hex(address) });
  return dramOffset(m, address, bytes, what);
}
