/** DRAM addresses: constants one after another, activations by lifetime in a best-fit arena. */
import { type DramTensor, fail, type Storage } from "@accelc/ir";
import type { Space } from "./tensors.js";

/** Every object starts on a burst. */
const ALIGN = 64;
const align = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

export interface DramPlan {
  readonly storages: readonly Storage[];
  readonly rodataAddress: number;
  readonly rodataBytes: number;
  readonly arenaAddress: number;
  readonly arenaBytes: number;
}

/** Lowest gap of at least `bytes` among the placed neighbours that are alive at the same time; the tightest one. */
function bestGap(busy: readonly { readonly at: number; readonly bytes: number }[], bytes: number): number {
  const sorted = [...busy].sort((a, b) => a.at - b.at);
  let best: { at: number; slack: number } | undefined;
  let end = 0;
  for (const p of sorted) {
    const slack = p.at - end - bytes;
    if (slack >= 0 && (!best || slack < best.slack)) best = { at: end, slack };
    end = Math.max(end, p.at + p.bytes);
  }
  return best ? best.at : end;
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
  const placed: { at: number; bytes: number; live: readonly [number, number] }[] = [];
  const moving = used.filter((s) => !s.data).sort((a, b) => b.bytes - a.bytes || a.id - b.id);
  for (const s of moving) {
    const when = live.get(s.id)!;
    const bytes = align(s.bytes);
    const where = bestGap(
      placed.filter((p) => p.live[0] <= when[1] && when[0] <= p.live[1]),
      bytes,
    );
    placed.push({ at: where, bytes, live: when });
    storages.push({ id: s.id, bytes: s.bytes, address: arenaAddress + where, live: when });
  }
  const arenaBytes = placed.reduce((n, p) => Math.max(n, p.at + p.bytes), 0);
  if (arenaAddress + arenaBytes > capacity)
    fail(
      "CG1003",
      {},
      { needed: arenaAddress + arenaBytes, available: capacity },
      "reduce the batch size or the input resolution",
    );
  storages.sort((a, b) => a.id - b.id);
  return { storages, rodataAddress: base, rodataBytes: arenaAddress - base, arenaAddress, arenaBytes };
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
