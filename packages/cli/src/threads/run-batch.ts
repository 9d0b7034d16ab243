import { availableParallelism } from "node:os";
import {
  type Batch,
  batchResult,
  createBatch,
  createTeam,
  type HostInputs,
  jobOf,
  type Program,
  type ReadTensor,
  type RunOptions,
  type RunResult,
  type SessionOptions,
  type Team,
  type Work,
} from "@accelc/emulator";
import { hasThreads, inThread, startThread, type Thread } from "./helper.js";

/** From this much work on, starting threads pays: a thread loads, plans, and only then runs. */
const WORTH_SECONDS = 1;
/** By default no more than these, as each needs memory of its own. */
const MOST_BY_DEFAULT = 8;

export interface ThreadOptions extends RunOptions {
  /** In all, this one included. By default one per core, from the moment that more than a second of work is left. */
  readonly threads?: number;
  /** Called after every block of the last sample, which this thread then runs. */
  readonly onLastBlock?: (block: number, readTensor: ReadTensor) => void;
  readonly session: SessionOptions;
}

/** Who did the work. */
export interface ThreadCounts {
  /** Does the host have memory that threads can share? Else there is one thread, whatever was asked for. */
  readonly available: boolean;
  /** Threads in all. */
  readonly used: number;
  /** Of them, those that helped this one with its multiplications and nests; the others ran samples of their own. */
  readonly helpers: number;
  /** Tiles and nests that were cut for the helpers, and parts of them that helpers did; it varies with what else the host does. */
  readonly piecesCut: number;
  readonly partsHelped: number;
}

export interface BatchRun {
  readonly result: RunResult;
  readonly threads: ThreadCounts;
}

/** Threads beside this one that have samples of their own. */
const sampleThreads = ({ samples }: Batch, threads: number): number => Math.min(threads, samples) - 1;

/** Threads that help this one, as there are not samples for all; none of them is started yet. */
function teamFor(program: Program, batch: Batch, threads: number, options: RunOptions): Team | undefined {
  const helpers = threads - 1 - sampleThreads(batch, threads);
  return helpers === 0 || options.engine === "reference" ? undefined : createTeam(program.memory, helpers);
}

/**
 * Runs all samples of the inputs; threads for which there is none help with the multiplications and nests of this one's. The result,
 * and the error where a sample fails, do not depend on the number of threads. Sources without a build, and hosts without
 * shared memory, run all on this thread.
 */
export async function runBatch(program: Program, inputs: HostInputs, options: ThreadOptions): Promise<BatchRun> {
  const { threads, onLastBlock, session, onSampleEnd, onBlockEnd, ...run } = options;
  const most = threads ?? Math.min(availableParallelism(), MOST_BY_DEFAULT);
  const available = program.memory !== undefined && hasThreads();
  const able = available && most > 1;
  const batch = createBatch(program.object.io, inputs, { shared: able, lastFirst: onLastBlock !== undefined });
  const team = able ? teamFor(program, batch, most, run) : undefined;
  const own = program.session(team === undefined ? session : { ...session, team });
  const others: Promise<Work>[] = [];
  const helpers: Thread[] = [];
  const startOthers = () => {
    const job = jobOf(program, batch, session, run);
    if (job === undefined) return;
    while (others.length < sampleThreads(batch, most)) others.push(inThread<Work>({ run: job }));
  };
  const startTeam = () => {
    for (const job of team?.jobs ?? []) {
      const thread = startThread();
      helpers.push(thread);
      // It ends with the team; one that is lost is not missed.
      thread.ask({ team: job }).catch(() => {});
    }
  };
  if (able && threads !== undefined) {
    startTeam();
    if (onLastBlock === undefined) startOthers();
  }
  const begun = performance.now();
  let last = begun;
  try {
    const work = own.work(batch, {
      ...run,
      onBlockEnd(block, readTensor, sample) {
        onBlockEnd?.(block, readTensor, sample);
        if (sample === batch.samples - 1) onLastBlock?.(block, readTensor);
        if (helpers.length === 0 && performance.now() - begun > 1000 * WORTH_SECONDS) startTeam();
      },
      onSampleEnd(sample) {
        onSampleEnd?.(sample);
        const now = performance.now();
        const left = batch.samples - Math.min(batch.samples, Atomics.load(batch.state, 0));
        const worth = threads !== undefined || (left * (now - last)) / 1000 > WORTH_SECONDS;
        last = now;
        if (able && others.length === 0 && left > 0 && worth) startOthers();
      },
    });
    const result = batchResult(batch, [work, ...(await Promise.all(others))]);
    const { cut: piecesCut, helped: partsHelped } = team?.counts ?? { cut: 0, helped: 0 };
    const used = 1 + others.length + helpers.length;
    return { result, threads: { available, used, helpers: helpers.length, piecesCut, partsHelped } };
  } finally {
    team?.end();
    await Promise.all(helpers.map((h) => h.end()));
  }
}
