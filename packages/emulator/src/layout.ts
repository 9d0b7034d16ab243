import type { TensorPlace } from "@accelc/isa";
import type { Dram, Span } from "./state.js";

/** Raw stored integers: BigInt64Array for 64-bit storage. */
export type RawTensor = Int32Array | BigInt64Array;

export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Where a tensor's elements lie: outer and inner offsets from its address add up, in logical row-major order. */
interface Layout {
  readonly count: number;
  /** Bytes from the address to the lowest element, and behind the highest. */
  readonly low: number;
  readonly high: number;
  /** Byte offsets (a fraction for 2 and 4 bits) per leading axis and index. */
  readonly outer: readonly Float64Array[];
  /** Byte offsets over all the other axes. */
  readonly inner: Float64Array;
}

/** A table of inner offsets grows to this length. */
const MOST_INNER = 2 ** 16;
/** Elements of one tensor of the host: what a binary may ask for without naming that many bytes. */
export const MOST_ELEMENTS = 2 ** 27;

const LAYOUTS = new WeakMap<TensorPlace, Layout>();

/** Per axis and index: byte offset Σ (floor(i / div) mod extent) · stride. */
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

function makeLayout(place: TensorPlace, count: number): Layout {
  if (count === 0) return { count, low: 0, high: 0, outer: [], inner: new Float64Array(0) };
  const outer = [...axisOffsets(place)];
  let [low, high] = [0, place.bits / 8];
  for (const offsets of outer) {
    low += offsets.reduce((a, b) => Math.min(a, b));
    high += offsets.reduce((a, b) => Math.max(a, b));
  }
  let inner = Float64Array.of(0);
  for (let axis = outer.pop(); axis !== undefined; axis = outer.pop()) {
    if (inner.length > 1 && inner.length * axis.length > MOST_INNER) {
      outer.push(axis);
      break;
    }
    const next = new Float64Array(axis.length * inner.length);
    for (let i = 0, at = 0; i < axis.length; i++) for (const offset of inner) next[at++] = axis[i] + offset;
    inner = next;
  }
  return { count, low, high, outer, inner };
}

/** Callers have asked `placeProblem` before. */
function layoutOf(place: TensorPlace): Layout {
  let layout = LAYOUTS.get(place);
  if (layout === undefined) {
    layout = makeLayout(place, elementCount(place.shape));
    LAYOUTS.set(place, layout);
  }
  return layout;
}

/** The sum of the outer offsets, once per run of inner elements. */
function* outerOffsets(outer: readonly Float64Array[], axis = 0, sum = 0): Generator<number> {
  if (axis === outer.length) yield sum;
  else for (const offset of outer[axis]) yield* outerOffsets(outer, axis + 1, sum + offset);
}

const within = ({ from, to }: Span, low: number, high: number): boolean => low >= from && high <= to;

/** Byte of memory at the place's address, which need not be one of its elements. */
function originOf(dram: Dram, place: TensorPlace): number {
  const { low, high } = layoutOf(place);
  const { from, at } = within(dram.arena, place.address + low, place.address + high) ? dram.arena : dram.constants;
  return at + place.address - from;
}

/** Why the place does not fit into DRAM, or into the part that may be written; or undefined. */
export function placeProblem(dram: Dram, place: TensorPlace, writes: boolean): string | undefined {
  const count = elementCount(place.shape);
  if (!(count <= MOST_ELEMENTS)) return `${count} elements are more than ${MOST_ELEMENTS}`;
  if (count === 0) return undefined;
  const { low, high } = layoutOf(place);
  const [first, end] = [place.address + low, place.address + high];
  if (within(dram.arena, first, end) || (!writes && within(dram.constants, first, end))) return undefined;
  const show = ({ from, to }: Span) => `[${from}, ${to})`;
  const allowed = writes ? show(dram.arena) : `${show(dram.constants)} and ${show(dram.arena)}`;
  return `bytes ${first} to ${end} of ${allowed}`;
}

/** Calls `run` for every run of inner elements: its byte in memory, and the number of its first element. */
function forEachInner(
  dram: Dram,
  place: TensorPlace,
  run: (start: number, first: number, inner: Float64Array) => void,
) {
  const { count, outer, inner } = layoutOf(place);
  if (count === 0) return;
  const origin = originOf(dram, place);
  let first = 0;
  for (const offset of outerOffsets(outer)) {
    run(origin + offset, first, inner);
    first += inner.length;
  }
}

/** The stored integers in logical row-major order. */
export function readRaw(dram: Dram, place: TensorPlace): RawTensor {
  const { bytes, view } = dram;
  const { bits } = place;
  const count = elementCount(place.shape);
  if (bits === 64) {
    const out = new BigInt64Array(count);
    forEachInner(dram, place, (start, first, inner) => {
      for (let i = 0; i < inner.length; i++) out[first + i] = view.getBigInt64(start + inner[i], true);
    });
    return out;
  }
  const out = new Int32Array(count);
  const up = 32 - bits;
  forEachInner(dram, place, (start, first, inner) => {
    const n = inner.length;
    if (bits === 8) for (let i = 0; i < n; i++) out[first + i] = (bytes[start + inner[i]] << 24) >> 24;
    else if (bits === 16) for (let i = 0; i < n; i++) out[first + i] = view.getInt16(start + inner[i], true);
    else if (bits === 32) for (let i = 0; i < n; i++) out[first + i] = view.getInt32(start + inner[i], true);
    else {
      for (let i = 0; i < n; i++) {
        const at = start + inner[i];
        out[first + i] = ((bytes[Math.floor(at)] >> ((at % 1) * 8)) << up) >> up;
      }
    }
  });
  return out;
}

/** Scatters stored integers given in logical row-major order; values are within the storage range. */
export function writeRaw(dram: Dram, place: TensorPlace, raw: RawTensor): void {
  const { bytes, view } = dram;
  const { bits } = place;
  const mask = (1 << bits) - 1;
  forEachInner(dram, place, (start, first, inner) => {
    const n = inner.length;
    if (raw instanceof BigInt64Array) {
      for (let i = 0; i < n; i++) view.setBigInt64(start + inner[i], raw[first + i], true);
    } else if (bits === 8) for (let i = 0; i < n; i++) bytes[start + inner[i]] = raw[first + i];
    else if (bits === 16) for (let i = 0; i < n; i++) view.setInt16(start + inner[i], raw[first + i], true);
    else if (bits === 32) for (let i = 0; i < n; i++) view.setInt32(start + inner[i], raw[first + i], true);
    else {
      for (let i = 0; i < n; i++) {
        const at = start + inner[i];
        const cell = Math.floor(at);
        const shift = (at % 1) * 8;
        bytes[cell] = (bytes[cell] & ~(mask << shift)) | ((raw[first + i] & mask) << shift);
      }
    }
  });
}
