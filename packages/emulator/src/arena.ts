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

/** Without a buffer: notes the sizes and hands out empty arrays. */
function createArena(buffer: ArrayBuffer | undefined): MeasuredArena {
  let used = 0;
  const take = (bytes: number): number => {
    const at = used;
    used += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const from = buffer ?? new ArrayBuffer(0);
  const place = (length: number, size: number): readonly [ArrayBuffer, number, number] => {
    const at = take(length * size);
    return buffer === undefined ? [from, 0, 0] : [from, at, Math.floor(length)];
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
  /** The memory all arrays of `state` are views on; undefined where the host has no WebAssembly or not that much of it. */
  readonly memory: WebAssembly.Memory | undefined;
}

const PAGE = 65536;
const MOST_PAGES = 65536;

function createMemory(bytes: number): WebAssembly.Memory | undefined {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  if (typeof WebAssembly !== "object" || pages > MOST_PAGES) return undefined;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch {
    return undefined;
  }
}

/** Calls `build` twice, to find the size and to make the arrays: it must ask for the same arrays both times. */
export function allocate<T>(build: (arena: Arena) => T): Allocated<T> {
  const measured = createArena(undefined);
  build(measured);
  const memory = createMemory(measured.used());
  const buffer = memory?.buffer ?? new ArrayBuffer(measured.used());
  return { state: build(createArena(buffer)), memory };
}
