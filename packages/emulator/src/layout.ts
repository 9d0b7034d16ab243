import type { TensorPlace } from "@accelc/isa";
import type { Dram } from "./state.js";

/** Raw stored integers: BigInt64Array for 64-bit storage. */
export type RawTensor = Int32Array | BigInt64Array;

export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Per axis and index: byte offset Σ (floor(i / div) mod extent) · stride; strides below one byte may be fractions. */
function axisOffsets(place: TensorPlace): readonly Float64Array[] {
  return place.shape.map((extent, axis) => {
    const offsets = new Float64Array(extent);
    for (const term of place.layout) {
      if (term.axis !== axis) continue;
      for (let i = 0; i < extent; i++) offsets[i] += (Math.floor(i / term.div) % term.extent) * term.stride;
    }
    return offsets;
  });
}

const OFFSETS = new WeakMap<TensorPlace, { readonly base: number; readonly offsets: Float64Array }>();
/** Tables longer than this are made anew each time. */
const MOST_KEPT = 2 ** 18;

/**
 * DRAM offset in bytes (a fraction for 2 and 4 bits) of every element from DRAM's first byte on, in logical row-major
 * order. Kept with the place while it is short.
 */
function elementOffsets(place: TensorPlace, base: number): Float64Array {
  const known = OFFSETS.get(place);
  if (known?.base === base) return known.offsets;
  const axes = axisOffsets(place);
  let offsets = Float64Array.of(place.address - base);
  for (const axis of axes) {
    const next = new Float64Array(offsets.length * axis.length);
    for (let i = 0, at = 0; i < offsets.length; i++) {
      const start = offsets[i];
      for (let j = 0; j < axis.length; j++) next[at++] = start + axis[j];
    }
    offsets = next;
  }
  if (offsets.length <= MOST_KEPT) OFFSETS.set(place, { base, offsets });
  return offsets;
}

/** The stored integers in logical row-major order. */
export function readRaw(dram: Dram, place: TensorPlace): RawTensor {
  const { bytes, view, base } = dram;
  const { bits } = place;
  const offsets = elementOffsets(place, base);
  const n = offsets.length;
  if (bits === 64) return BigInt64Array.from(offsets, (at) => view.getBigInt64(at, true));
  const out = new Int32Array(n);
  if (bits === 8) for (let i = 0; i < n; i++) out[i] = (bytes[offsets[i]] << 24) >> 24;
  else if (bits === 16) for (let i = 0; i < n; i++) out[i] = view.getInt16(offsets[i], true);
  else if (bits === 32) for (let i = 0; i < n; i++) out[i] = view.getInt32(offsets[i], true);
  else {
    const up = 32 - bits;
    for (let i = 0; i < n; i++) {
      const at = offsets[i];
      out[i] = ((bytes[Math.floor(at)] >> ((at % 1) * 8)) << up) >> up;
    }
  }
  return out;
}

/** Scatters stored integers given in logical row-major order; values are within the storage range. */
export function writeRaw(dram: Dram, place: TensorPlace, raw: RawTensor): void {
  const { bytes, view, base } = dram;
  const offsets = elementOffsets(place, base);
  const n = offsets.length;
  if (raw instanceof BigInt64Array) {
    for (let i = 0; i < n; i++) view.setBigInt64(offsets[i], raw[i], true);
    return;
  }
  const { bits } = place;
  if (bits === 8) for (let i = 0; i < n; i++) bytes[offsets[i]] = raw[i];
  else if (bits === 16) for (let i = 0; i < n; i++) view.setInt16(offsets[i], raw[i], true);
  else if (bits === 32) for (let i = 0; i < n; i++) view.setInt32(offsets[i], raw[i], true);
  else {
    const mask = (1 << bits) - 1;
    for (let i = 0; i < n; i++) {
      const cell = Math.floor(offsets[i]);
      const shift = (offsets[i] % 1) * 8;
      bytes[cell] = (bytes[cell] & ~(mask << shift)) | ((raw[i] & mask) << shift);
    }
  }
}

/** Why the place does not fit into DRAM, or undefined. */
export function placeProblem(dram: Dram, place: TensorPlace): string | undefined {
  let low = 0;
  let high = place.bits / 8;
  for (const offsets of axisOffsets(place)) {
    if (offsets.length === 0) return undefined;
    low += offsets.reduce((a, b) => Math.min(a, b));
    high += offsets.reduce((a, b) => Math.max(a, b));
  }
  const start = place.address - dram.base;
  if (start + low >= 0 && start + high <= dram.bytes.length) return undefined;
  return `bytes ${place.address + low} to ${place.address + high} of [${dram.base}, ${dram.base + dram.bytes.length})`;
}
