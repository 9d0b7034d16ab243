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
  readonly rodataBytes: number;
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
  const storages: Storage[] = [];
  let at = base;
  const used = spaces.filter((s) => live.has(s.id));
  for (const s of used) {
    if (!s.data) continue;
    storages.push({ ...s, data: s.data(), address: at, live: live.get(s.id)! });
    at = align(at + s.bytes);
  }
  const arenaAddress = at;
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
  const rodata = { rodataAddress: base, rodataBytes: arenaAddress - base };
  return { storages, ...rodata, arenaAddress, arenaBytes, arenaLowerBound, arenaOrder };
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
