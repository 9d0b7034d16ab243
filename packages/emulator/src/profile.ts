/** What a step of the fast engine is for. */
export const WORK_KINDS = ["gemm", "tandem", "transfer"] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/**
 * Seconds, over all profiled samples. `gemm`: multiplications of the array. `tandem`: nests and permutations. `transfer`:
 * loads and stores of all buffers. `seconds` also has what is none of them: planning in the first sample of a session, and
 * all that the reference engine does.
 */
export interface ProfileEntry extends Readonly<Record<WorkKind, number>> {
  readonly seconds: number;
}

export interface Profile extends ProfileEntry {
  readonly samples: number;
  /** In program order. */
  readonly blocks: readonly ProfileEntry[];
}

/** Adds up times of the runs of one program. */
export interface Profiler {
  readonly beginBlock: () => void;
  /** Ends what began with the block or with the last mark. */
  readonly mark: (kind: WorkKind) => void;
  /** What ran since the last mark is of no kind. */
  readonly skip: () => void;
  readonly endBlock: (block: number) => void;
  readonly endSample: () => void;
  readonly finish: () => Profile;
}

const now = (): number => performance.now();
const SECONDS = 1e-3;

export function createProfiler(blocks: number): Profiler {
  const entries = Array.from({ length: blocks }, () => ({ seconds: 0, gemm: 0, tandem: 0, transfer: 0 }));
  const current = { gemm: 0, tandem: 0, transfer: 0 };
  let samples = 0;
  let begun = 0;
  let last = 0;
  const sum = (key: keyof ProfileEntry) => entries.reduce((s, e) => s + e[key], 0);
  return {
    beginBlock: () => {
      for (const kind of WORK_KINDS) current[kind] = 0;
      begun = now();
      last = begun;
    },
    mark: (kind) => {
      const t = now();
      current[kind] += t - last;
      last = t;
    },
    skip: () => {
      last = now();
    },
    endBlock: (block) => {
      const entry = entries[block];
      entry.seconds += (now() - begun) * SECONDS;
      for (const kind of WORK_KINDS) entry[kind] += current[kind] * SECONDS;
    },
    endSample: () => {
      samples++;
    },
    finish: () => ({
      samples,
      seconds: sum("seconds"),
      gemm: sum("gemm"),
      tandem: sum("tandem"),
      transfer: sum("transfer"),
      blocks: entries,
    }),
  };
}
