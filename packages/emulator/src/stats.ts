export const BUFFERS = ["WBUF", "IBUF", "OBUF", "BBUF"] as const;
export type DramPort = (typeof BUFFERS)[number] | "VMEM1" | "VMEM2";

/** Counts of one run, all exact. Bytes are those that reach DRAM: filled and dropped parts of a transfer do not count. */
export interface Stats {
  blocks: number;
  /** Tiles of the SIMD regions plus those of blocks without one. */
  tiles: number;
  /** Tile-loop iterations of systolic regions, reduction tiles included. */
  systolicTiles: number;
  /** Words executed that are not vector instructions, nest bodies aside; a SIMD region counts once per tile. */
  configWords: number;
  /** Vector instructions issued, by mnemonic. */
  readonly issues: Map<string, number>;
  /** Words moved by the permutation engine. */
  permutedWords: number;
  /** Rows streamed × elements of a pass × columns. */
  macs: number;
  /** The same, counting only array rows that hold a nonzero weight; their spare columns count. */
  activeMacs: number;
  readonly dramRead: Map<DramPort, number>;
  readonly dramWritten: Map<DramPort, number>;
  /** Words executed, vectors issued, rows streamed through the array, rows transferred: what maxSteps bounds. */
  steps: number;
  /** Nests, transfers, tiles and permutations the fast engine was asked to do, by kind; empty under the reference engine. */
  readonly calls: Map<string, number>;
  /** Those it left to the reference engine, by kind and reason. */
  readonly fallbacks: Map<string, number>;
  /** Regions in which it did: block and unit. */
  readonly slowRegions: Set<string>;
}

export const createStats = (): Stats => ({
  blocks: 0,
  tiles: 0,
  systolicTiles: 0,
  configWords: 0,
  issues: new Map(),
  permutedWords: 0,
  macs: 0,
  activeMacs: 0,
  dramRead: new Map(),
  dramWritten: new Map(),
  steps: 0,
  calls: new Map(),
  fallbacks: new Map(),
  slowRegions: new Set(),
});

export const count = <K>(counts: Map<K, number>, key: K, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

export const copyStats = (s: Stats): Stats => ({
  ...s,
  issues: new Map(s.issues),
  dramRead: new Map(s.dramRead),
  dramWritten: new Map(s.dramWritten),
  calls: new Map(s.calls),
  fallbacks: new Map(s.fallbacks),
  slowRegions: new Set(s.slowRegions),
});
