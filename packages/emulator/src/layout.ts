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

/** Visits elements in logical row-major order with their DRAM offset in bytes (a fraction for 2 and 4 bits). */
export function forEachElement(place: TensorPlace, base: number, visit: (i: number, at: number) => void): void {
  const axes = axisOffsets(place);
  const total = elementCount(place.shape);
  const start = place.address - base;
  if (axes.length === 0) {
    visit(0, start);
    return;
  }
  const inner = axes[axes.length - 1];
  const trips = new Array<number>(axes.length).fill(0);
  for (let i = 0; i < total; ) {
    let at = start;
    for (let a = 0; a < axes.length - 1; a++) at += axes[a][trips[a]];
    for (let j = 0; j < inner.length; j++) visit(i++, at + inner[j]);
    for (let a = axes.length - 2; a >= 0; a--) {
      trips[a] += 1;
      if (trips[a] < place.shape[a]) break;
      trips[a] = 0;
    }
  }
}

/** The stored integers in logical row-major order. */
export function readRaw(dram: Dram, place: TensorPlace): RawTensor {
  const total = elementCount(place.shape);
  const { bytes, view, base } = dram;
  if (place.bits === 64) {
    const wide = new BigInt64Array(total);
    forEachElement(place, base, (i, at) => {
      wide[i] = view.getBigInt64(at, true);
    });
    return wide;
  }
  const out = new Int32Array(total);
  const { bits } = place;
  const up = 32 - bits;
  forEachElement(place, base, (i, at) => {
    if (bits === 8) out[i] = (bytes[at] << 24) >> 24;
    else if (bits === 16) out[i] = view.getInt16(at, true);
    else if (bits === 32) out[i] = view.getInt32(at, true);
    else out[i] = ((bytes[Math.floor(at)] >> ((at % 1) * 8)) << up) >> up;
  });
  return out;
}

/** Scatters stored integers given in logical row-major order; values are within the storage range. */
export function writeRaw(dram: Dram, place: TensorPlace, raw: RawTensor): void {
  const { bytes, view, base } = dram;
  if (raw instanceof BigInt64Array) {
    forEachElement(place, base, (i, at) => view.setBigInt64(at, raw[i], true));
    return;
  }
  const { bits } = place;
  const mask = (1 << bits) - 1;
  forEachElement(place, base, (i, at) => {
    if (bits === 8) bytes[at] = raw[i];
    else if (bits === 16) view.setInt16(at, raw[i], true);
    else if (bits === 32) view.setInt32(at, raw[i], true);
    else {
      const cell = Math.floor(at);
      const shift = (at % 1) * 8;
      bytes[cell] = (bytes[cell] & ~(mask << shift)) | ((raw[i] & mask) << shift);
    }
  });
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
