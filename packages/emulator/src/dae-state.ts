import { noPadding, type Padding } from "./bounds.js";
import { byId, type TransferLoop } from "./runs.js";

export interface DaeLoop {
  count: number;
  stride: number;
}

/** Positions along tile loop `loop` come from the list at row `row` of the other VMEM; each lies in [-count, count). */
export interface IndexList {
  readonly loop: number;
  readonly row: number;
}

/** What the CONFIG words of one direction and namespace have said since its last START. */
export interface DaeConfig {
  base: number;
  tileRow: number;
  readonly baseLoops: Map<number, DaeLoop>;
  readonly tileLoops: Map<number, DaeLoop>;
  readonly padding: Padding;
  index: IndexList | undefined;
  indexCount: number;
}

/** `pending` by direction × 4 + namespace (direction 0 LD, 1 ST); `sealed` by the word index of START. */
export interface DaeState {
  readonly pending: Map<number, DaeConfig>;
  readonly sealed: Map<number, DaeConfig>;
}

export const createDae = (): DaeState => ({ pending: new Map(), sealed: new Map() });

export const freshConfig = (): DaeConfig => ({
  base: 0,
  tileRow: 0,
  baseLoops: new Map(),
  tileLoops: new Map(),
  padding: noPadding(),
  index: undefined,
  indexCount: 0,
});

export function pendingConfig(dae: DaeState, key: number): DaeConfig {
  let config = dae.pending.get(key);
  if (config === undefined) {
    config = freshConfig();
    dae.pending.set(key, config);
  }
  return config;
}

export function loopOf(loops: Map<number, DaeLoop>, id: number): DaeLoop {
  let loop = loops.get(id);
  if (loop === undefined) {
    loop = { count: 1, stride: 0 };
    loops.set(id, loop);
  }
  return loop;
}

export const sorted = (loops: ReadonlyMap<number, DaeLoop>): TransferLoop[] =>
  [...loops].map(([id, l]) => ({ id, count: l.count, dram: l.stride, chip: 0 })).sort(byId);

/** Digits of the tile number in the mixed radix of the base loops, the highest id fastest. */
export function digits(loops: readonly TransferLoop[], tile: number): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let rest = tile;
  for (let l = loops.length - 1; l >= 0; l--) {
    found.set(loops[l].id, rest % loops[l].count);
    rest = Math.floor(rest / loops[l].count);
  }
  return found;
}
