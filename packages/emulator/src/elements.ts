import type { Dram } from "./state.js";

/** Sign-extends `n` elements of `bits` bits at DRAM offset `at` into cells[to…]; 4- and 2-bit elements low bits first. */
export function loadRow(dram: Dram, at: number, bits: number, cells: Int32Array, to: number, n: number): void {
  const { bytes, view } = dram;
  if (bits === 8) for (let i = 0; i < n; i++) cells[to + i] = (bytes[at + i] << 24) >> 24;
  else if (bits === 32) for (let i = 0; i < n; i++) cells[to + i] = view.getInt32(at + 4 * i, true);
  else if (bits === 16) for (let i = 0; i < n; i++) cells[to + i] = view.getInt16(at + 2 * i, true);
  else {
    const up = 32 - bits;
    for (let i = 0, bit = 0; i < n; i++, bit += bits) {
      cells[to + i] = ((bytes[at + (bit >> 3)] >> (bit & 7)) << up) >> up;
    }
  }
}

/** Writes the low bits of cells[from…]: the inverse of `loadRow`, without saturation. */
export function storeRow(dram: Dram, at: number, bits: number, cells: Int32Array, from: number, n: number): void {
  const { bytes, view } = dram;
  if (bits === 8) for (let i = 0; i < n; i++) bytes[at + i] = cells[from + i];
  else if (bits === 32) for (let i = 0; i < n; i++) view.setInt32(at + 4 * i, cells[from + i], true);
  else if (bits === 16) for (let i = 0; i < n; i++) view.setInt16(at + 2 * i, cells[from + i], true);
  else {
    const mask = (1 << bits) - 1;
    for (let i = 0, bit = 0; i < n; i++, bit += bits) {
      const place = at + (bit >> 3);
      const shift = bit & 7;
      bytes[place] = (bytes[place] & ~(mask << shift)) | ((cells[from + i] & mask) << shift);
    }
  }
}
