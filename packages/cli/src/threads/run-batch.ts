import { availableParallelism } from "node:os";
import {
  type Batch,
  batchResult,
  createBatch,
  type HostInputs,
  jobOf,
  type Program,
  type ReadTensor,
  type RunOptions,
  type RunResult,
  type SessionOptions,
  type Work,
} from "@accelc/emulator";
import { hasThreads, inThread } from "./helper.js";

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

/** Threads beside this one that a batch can use. */
const helpersFor = ({ samples }: Batch, threads: number): number => Math.min(threads, samples) - 1;

/**
 * Runs all samples of the inputs. The result, and the error where a sample fails, do not depend on the number of threads.
 * Sources without a build, and hosts without shared memory, run all samples on this thread.
 */
export async function runBatch(program: Program, inputs: HostInputs, options: ThreadOptions): Promise<RunResult> {
  const { threads, onLastBlock, session, onSampleEnd, onBlockEnd, ...run } = options;
  const most = threads ?? Math.min(availableParallelism(), MOST_BY_DEFAULT);
  const able = most > 1 && program.memory !== undefined && hasThreads();
  const batch = createBatch(program.object.io, inputs, { shared: able, lastFirst: onLastBlock !== undefined });
  const own = program.session(session);
  const others: Promise<Work>[] = [];
  const start = () => {
    const job = jobOf(program, batch, session, run);
    if (job === undefined) return;
    while (others.length < helpersFor(batch, most)) others.push(inThread<Work>({ run: job }));
  };
  if (able && threads !== undefined && onLastBlock === undefined) start();
  let last = performance.now();
  const work = own.work(batch, {
    ...run,
    onBlockEnd(block, readTensor, sample) {
      onBlockEnd?.(block, readTensor, sample);
      if (sample === batch.samples - 1) onLastBlock?.(block, readTensor);
    },
    onSampleEnd(sample) {
      onSampleEnd?.(sample);
      const now = performance.now();
      const left = batch.samples - Math.min(batch.samples, Atomics.load(batch.state, 0));
      const worth = threads !== undefined || (left * (now - last)) / 1000 > WORTH_SECONDS;
      last = now;
      if (able && others.length === 0 && left > 0 && worth) start();
    },
  });
  return batchResult(batch, [work, ...(await Promise.all(others))]);
}
