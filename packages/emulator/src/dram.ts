import { type Dram, type Machine, type Span, trap } from "./state.js";
import { count, type DramPort } from "./stats.js";

const hex = (x: number): string => `0x${x.toString(16)}`;
const range = ({ from, to }: Span): string => `[${hex(from)}, ${hex(to)})`;

/** Byte of memory where `bytes` bytes at a 32-bit address lie; undefined unless one span has all of them. */
export function offsetIn({ from, to, at }: Span, address: number, bytes: number): number | undefined {
  return address >= from && address + bytes <= to ? at + (address - from) : undefined;
}

/** The same for what may be read. */
export const readable = ({ arena, constants }: Dram, address: number, bytes: number): number | undefined =>
  offsetIn(arena, address, bytes) ?? offsetIn(constants, address, bytes);

function outside(m: Machine, address: number, bytes: number, what: string) {
  const spans = { constants: range(m.dram.constants), arena: range(m.dram.arena) };
  return trap(m, "dramRange", { what, bytes, address: hex(address), ...spans });
}

/** Offset into `dram.bytes`; traps unless all bytes exist. */
export function readDram(m: Machine, address: number, bytes: number, port: DramPort, what: string): number {
  count(m.stats.dramRead, port, bytes);
  const at = readable(m.dram, address, bytes);
  if (at === undefined) throw outside(m, address, bytes, what);
  return at;
}

export function writeDram(m: Machine, address: number, bytes: number, port: DramPort, what: string): number {
  count(m.stats.dramWritten, port, bytes);
  const { constants, arena } = m.dram;
  if (Math.max(address, constants.from) < Math.min(address + bytes, constants.to)) {
    throw trap(m, "readOnly", { what, bytes, address: hex(address) });
  }
  const at = offsetIn(arena, address, bytes);
  if (at === undefined) throw outside(m, address, bytes, what);
  return at;
}
