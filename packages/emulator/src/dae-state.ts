import { noPadding, type Padding } from "./bounds.js";

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
