/** Words of a systolic region that set one 32-bit value. */
import { type Emitter, high, low } from "./emit.js";

export function emitStride(e: Emitter, dir: number, buffer: number, loop: number, value: number): void {
  e.emit({ op: "sa_set_loop_stride", half: 0, dir, buffer, loop, imm: low(value) });
  if (high(value) !== 0) e.emit({ op: "sa_set_loop_stride", half: 1, dir, buffer, loop, imm: high(value) });
}

/** One stride per loop. */
export function emitStrides(
  e: Emitter,
  dir: number,
  buffer: number,
  strides: readonly (readonly [loop: number, value: number])[],
): void {
  for (const [loop, value] of strides) emitStride(e, dir, buffer, loop, value);
}

export function emitBase(e: Emitter, buffer: number, address: number): void {
  e.emit({ op: "sa_set_base_addr", half: 0, buffer, imm: low(address) });
  e.emit({ op: "sa_set_base_addr", half: 1, buffer, imm: high(address) });
}

/** Loops inside a tile, by the published order. */
export const INNER = { oc: 7, batch: 8, ic: 9, kh: 10, kw: 11, h: 12, w: 13 } as const;
