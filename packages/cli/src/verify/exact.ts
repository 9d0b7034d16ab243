import { quantizeInput } from "@accelc/compiler";
import { type Engine, load } from "@accelc/emulator";
import { AccelcError, CompilerBug, type Data, evaluate, type Graph, type ValueId } from "@accelc/ir";
import type { AccelObject } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { diagnosticsOf } from "../exit.js";
import { toHostInputs } from "../tensor/host.js";
import type { FileTensor } from "../tensor/npy.js";
import { hasThreads, startThread } from "../threads/helper.js";
import { type Divergence, emulate, mismatches, unravel, watchedTensors } from "./compare.js";

export type Sample = Readonly<Record<string, FileTensor>>;

/** What is compared to the bit; it can be posted to another thread. */
export interface ExactJob {
  readonly integerGraph: Graph;
  readonly object: AccelObject;
  readonly elf: Uint8Array;
  readonly machine: MachineDescription;
  readonly engine: Engine;
}

/** One sample, per watched tensor in order. */
export interface ExactSample {
  readonly integers: readonly Data[];
  readonly mismatches: readonly number[];
  /** Where integer model and emulator first differ. */
  readonly first: Omit<Divergence, "sample"> | null;
}

export type Exact = (sample: Sample) => ExactSample;

/** A trap of the fresh binary is a CompilerBug. */
function asDefect<T>(run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof AccelcError || diagnosticsOf(e)) throw new CompilerBug("the emulator", (e as Error).message);
    throw e;
  }
}

/** Runs integer model and emulator on samples. */
export function createExact({ integerGraph: g, object, elf, machine, engine }: ExactJob): Exact {
  const watched = watchedTensors(g, object);
  const session = asDefect(() => load(elf, machine)).session();
  return (sample) => {
    const inputs = new Map<ValueId, Data>(g.inputs.map((p) => [p.value, quantizeInput(g, p, sample[p.name]!)]));
    const integers = evaluate(g, inputs, { keep: watched.map((w) => w.value) });
    const raws = asDefect(() => emulate(session, toHostInputs(new Map(Object.entries(sample))), watched, engine));
    let first: ExactSample["first"] = null;
    const counts = watched.map((w) => {
      const raw = raws.get(w.name);
      if (!raw || !w.place) return 0;
      const integer = integers.get(w.value)!;
      const found = mismatches(integer, raw);
      if (found.count > 0 && (!first || w.place.block < first.block))
        first = {
          name: w.name,
          node: w.node,
          block: w.place.block,
          index: unravel(found.first, w.type.shape),
          integer: Number(integer[found.first]),
          emulator: Number(raw[found.first]),
        };
      return found.count;
    });
    return { integers: watched.map((w) => integers.get(w.value)!), mismatches: counts, first };
  };
}

/** A copy without the other samples, whose memory it is a part of. */
const alone = (sample: Sample): Sample =>
  Object.fromEntries(Object.entries(sample).map(([name, t]) => [name, { ...t, data: t.data.slice() as Data }]));

/** Samples a thread is ahead of the one that is waited for. */
const AHEAD = 2;

/** Each sample with its result, in order, whatever the number of threads. */
export async function* exactSamples(
  job: ExactJob,
  samples: Iterable<Sample>,
  threads: number,
): AsyncGenerator<readonly [Sample, ExactSample]> {
  if (threads === 1 || !hasThreads()) {
    const exact = createExact(job);
    for (const sample of samples) yield [sample, exact(sample)];
    return;
  }
  const workers = Array.from({ length: threads }, () => startThread());
  try {
    await Promise.all(workers.map((w) => w.ask({ exact: job })));
    const ahead: (readonly [Sample, Promise<ExactSample>])[] = [];
    let asked = 0;
    for (const sample of samples) {
      const result = workers[asked++ % threads]!.ask<ExactSample>({ sample: alone(sample) });
      result.catch(() => {});
      ahead.push([sample, result]);
      if (ahead.length > AHEAD * threads) yield await settled(ahead.shift()!);
    }
    for (const next of ahead) yield await settled(next);
  } finally {
    await Promise.all(workers.map((w) => w.end()));
  }
}

const settled = async ([sample, result]: readonly [Sample, Promise<ExactSample>]) => [sample, await result] as const;
