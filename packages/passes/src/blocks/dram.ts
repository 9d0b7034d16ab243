/** DRAM addresses: constants one after another, activations by lifetime in an arena (`arena.ts`). */
import { type DramTensor, fail, type Storage } from "@accelc/ir";
import { planArena } from "./arena.js";
import type { Space } from "./tensors.js";

/** Every object starts on a burst. */
const ALIGN = 64;
const align = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

export interface DramPlan {
  readonly storages: readonly Storage[];
  readonly rodataAddress: number;
  /** All constants where they lie; storages' data are views of it. */
  readonly rodata: Uint8Array;
  readonly arenaAddress: number;
  /** High-water mark of the arena. */
  readonly arenaBytes: number;
  /** Most bytes of activations in use at any one block. */
  readonly arenaLowerBound: number;
  /** The order of placement that gave the least arena. */
  readonly arenaOrder: string;
}

/**
 * @param live first and last block of each space's use
 * @param capacity bytes of DRAM the machine can address
 */
export function planDram(
  spaces: readonly Space[],
  live: ReadonlyMap<number, readonly [number, number]>,
  base: number,
  capacity: number,
): DramPlan {
  const used = spaces.filter((s) => live.has(s.id));
  const constants = used.filter((s) => s.data);
  const rodata = new Uint8Array(constants.reduce((n, s) => n + align(s.bytes), 0));
  const storages: Storage[] = [];
  let end = 0;
  for (const s of constants) {
    const data = rodata.subarray(end, end + s.bytes);
    data.set(s.data!());
    storages.push({ ...s, data, address: base + end, live: live.get(s.id)! });
    end += align(s.bytes);
  }
  const arenaAddress = base + end;
  const moving = used.filter((s) => !s.data);
  const arena = planArena(moving.map((s) => ({ id: s.id, bytes: align(s.bytes), live: live.get(s.id)! })));
  for (const { id, bytes } of moving)
    storages.push({ id, bytes, address: arenaAddress + arena.at.get(id)!, live: live.get(id)! });
  const arenaBytes = arena.bytes;
  if (arenaAddress + arenaBytes > capacity)
    fail(
      "CG1003",
      {},
      { needed: arenaAddress + arenaBytes, available: capacity },
      "reduce the batch size or the input resolution",
    );
  storages.sort((a, b) => a.id - b.id);
  const { lowerBound: arenaLowerBound, order: arenaOrder } = arena;
  return { storages, rodataAddress: base, rodata, arenaAddress, arenaBytes, arenaLowerBound, arenaOrder };
}

/** First definition and last use of every storage, from the tensors that blocks touch. */
export function liveRanges(
  tensors: readonly DramTensor[],
  uses: readonly (readonly number[])[],
  inputs: readonly number[],
  outputs: readonly number[],
): Map<number, readonly [number, number]> {
  const live = new Map<number, readonly [number, number]>();
  const touch = (tensor: number, when: number) => {
    const { storage } = tensors[tensor]!;
    const [a, b] = live.get(storage) ?? [when, when];
    live.set(storage, [Math.min(a, when), Math.max(b, when)]);
  };
  for (const t of inputs) touch(t, -1);
  uses.forEach((list, block) => {
    for (const t of list) touch(t, block);
  });
  for (const t of outputs) touch(t, uses.length);
  return live;
}
