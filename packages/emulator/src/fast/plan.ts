import type { Profiler, WorkKind } from "../profile.js";
import { type Clearable, clearRows, type Machine } from "../state.js";
import { copyStats, type Stats } from "../stats.js";

/** Work with all addresses known; depends on nothing but the contents of DRAM and scratchpads. */
export type Step = () => void;

/**
 * What a run did, to be done again with other inputs. Control flow, addresses, written rows and traps of a program do not
 * depend on data, but for the positions of indexed loads, which their steps look up and check: so a run that ended without a trap and left
 * nothing to the reference engine repeats as its steps alone; registers and written maps then already hold what they
 * hold at the end.
 */
export interface Plan {
  readonly steps: readonly Step[];
  /** Of each step. */
  readonly kinds: readonly WorkKind[];
  /** Steps before the end of each block. */
  readonly blockEnds: readonly number[];
  readonly stats: Stats;
  /** Scratchpads with rows that were written in part: what was there before shows, so they must be cleared. */
  readonly partial: ReadonlySet<Clearable>;
}

/** Does and notes the steps of a run. */
export interface Recorder {
  /** `words`: memory that keeping the step costs. */
  readonly perform: (kind: WorkKind, step: Step, words: number) => void;
  readonly writesPart: (pad: Clearable) => void;
  readonly begin: (profiler: Profiler | undefined) => void;
  readonly endBlock: () => void;
  /** The plan of the run since `begin`, or undefined where it was too long or not all of it was covered. */
  readonly finish: (stats: Stats) => Plan | undefined;
}

/** A step met data that the plan does not cover: the run has to be done from its beginning without the plan. */
export class PlanMissed extends Error {
  override readonly name = "PlanMissed";
}

const MOST_STEPS = 1 << 18;
const MOST_WORDS = 1 << 24;

export function createRecorder(): Recorder {
  let steps: Step[] = [];
  let kinds: WorkKind[] = [];
  let profiler: Profiler | undefined;
  let blockEnds: number[] = [];
  let partial = new Set<Clearable>();
  let kept = 0;
  let whole = true;
  const begin = (p: Profiler | undefined): void => {
    profiler = p;
    steps = [];
    kinds = [];
    blockEnds = [];
    partial = new Set();
    kept = 0;
    whole = true;
  };
  return {
    begin,
    perform: (kind, step, words) => {
      profiler?.skip();
      step();
      profiler?.mark(kind);
      kept += words;
      if (!whole) return;
      steps.push(step);
      kinds.push(kind);
      whole = steps.length <= MOST_STEPS && kept <= MOST_WORDS;
      if (!whole) [steps, kinds] = [[], []];
    },
    writesPart: (pad) => {
      partial.add(pad);
    },
    endBlock: () => {
      blockEnds.push(steps.length);
    },
    finish: (stats) => {
      const plan =
        whole && stats.fallbacks.size === 0 ? { steps, kinds, blockEnds, stats: copyStats(stats), partial } : undefined;
      begin(undefined);
      return plan;
    },
  };
}

/** Readies the machine, which holds the state a run of the same program ended with, for the plan's steps. */
export function beginPlan(m: Machine, plan: Plan): void {
  m.stats = { ...copyStats(plan.stats), activeMacs: 0 };
  m.steps = plan.stats.steps;
  for (const pad of plan.partial) clearRows(pad);
}

export function runPlanBlock(plan: Plan, block: number, profiler: Profiler | undefined): void {
  const { steps, kinds, blockEnds } = plan;
  const begin = block === 0 ? 0 : blockEnds[block - 1];
  const end = blockEnds[block];
  if (profiler === undefined) {
    for (let i = begin; i < end; i++) steps[i]();
    return;
  }
  for (let i = begin; i < end; i++) {
    steps[i]();
    if (i + 1 === end || kinds[i + 1] !== kinds[i]) profiler.mark(kinds[i]);
  }
}
