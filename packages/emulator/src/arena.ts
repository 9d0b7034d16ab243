import { emulatorError } from "./errors.js";

/** Hands out zeroed arrays one after another, each on a 16-byte boundary of one buffer. */
export interface Arena {
  readonly int8: (length: number) => Int8Array;
  readonly uint8: (length: number) => Uint8Array;
  readonly int16: (length: number) => Int16Array;
  readonly int32: (length: number) => Int32Array;
}

interface MeasuredArena extends Arena {
  readonly used: () => number;
}

/** Zeroed bytes of a buffer from `at` on. */
interface Room {
  readonly buffer: ArrayBufferLike;
  readonly at: number;
  /** Undefined where the host has no WebAssembly, or not that much of it. */
  readonly memory: WebAssembly.Memory | undefined;
}

/** Without room: notes the sizes and hands out empty arrays. */
function createArena(room: Room | undefined): MeasuredArena {
  let used = 0;
  const none = new ArrayBuffer(0);
  const place = (length: number, size: number): readonly [ArrayBufferLike, number, number] => {
    const at = used;
    used += Math.ceil((length * size) / 16) * 16;
    return room === undefined ? [none, 0, 0] : [room.buffer, room.at + at, Math.floor(length)];
  };
  return {
    int8: (length) => new Int8Array(...place(length, 1)),
    uint8: (length) => new Uint8Array(...place(length, 1)),
    int16: (length) => new Int16Array(...place(length, 2)),
    int32: (length) => new Int32Array(...place(length, 4)),
    used: () => used,
  };
}

export interface Allocated<T> {
  readonly state: T;
  /** All that `state` is views on. */
  readonly buffer: ArrayBufferLike;
  /** Where `buffer` is WebAssembly memory. */
  readonly memory: WebAssembly.Memory | undefined;
}

const PAGE = 65536;
/** 4 GiB, what 32-bit addresses reach. */
const MOST_PAGES = 65536;

const pagesOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / PAGE));

const noRoom = (bytes: number) => emulatorError("hostMemory", { bytes });

function ownRoom(bytes: number): Room {
  const pages = pagesOf(bytes);
  try {
    if (typeof WebAssembly === "object" && pages <= MOST_PAGES) {
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      return { buffer: memory.buffer, at: 0, memory };
    }
  } catch {
    // No address space for it: an ordinary buffer may still fit.
  }
  try {
    return { buffer: new ArrayBuffer(bytes), at: 0, memory: undefined };
  } catch {
    throw noRoom(bytes);
  }
}

/** Room behind what the memory holds. Threads that share it may take room at the same time. */
function roomIn(memory: WebAssembly.Memory, bytes: number): Room {
  try {
    const at = memory.grow(pagesOf(bytes)) * PAGE;
    return { buffer: memory.buffer, at, memory };
  } catch {
    throw noRoom(bytes);
  }
}

/**
 * Calls `build` twice, to find the size and to make the arrays: it must ask for the same arrays both times. They lie in
 * `memory`, or where there is none in memory of their own. Throws EmulatorError EM1009.
 */
export function allocate<T>(build: (arena: Arena) => T, home?: WebAssembly.Memory): Allocated<T> {
  const measured = createArena(undefined);
  build(measured);
  const room = home === undefined ? ownRoom(measured.used()) : roomIn(home, measured.used());
  return { state: build(createArena(room)), buffer: room.buffer, memory: room.memory };
}

/**
 * Memory that a binary is read into and that sessions of it then work in, on several threads if need be: the weights stay
 * where they were read to, and every session takes room of its own behind them, for good.
 */
export interface Image {
  readonly memory: WebAssembly.Memory;
  /** Where the bytes of the binary belong. */
  readonly bytes: Uint8Array;
}

/** Undefined where the host has no WebAssembly memory that threads can share, or not that much of it. */
export function createImage(bytes: number): Image | undefined {
  const initial = pagesOf(bytes);
  if (typeof WebAssembly !== "object" || typeof SharedArrayBuffer !== "function" || initial > MOST_PAGES)
    return undefined;
  try {
    const memory = new WebAssembly.Memory({ initial, maximum: MOST_PAGES, shared: true });
    return { memory, bytes: new Uint8Array(memory.buffer, 0, bytes) };
  } catch {
    return undefined;
  }
}

export const isShared = (memory: WebAssembly.Memory): boolean =>
  typeof SharedArrayBuffer === "function" && memory.buffer instanceof SharedArrayBuffer;
