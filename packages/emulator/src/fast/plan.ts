import { type Clearable, clearRows, type Machine } from "../state.js";
import type { Stats } from "../stats.js";

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
  /** Steps before the end of each block. */
  readonly blockEnds: readonly number[];
  readonly stats: Stats;
  /** Scratchpads with rows that were written in part: what was there before shows, so they must be cleared. */
  readonly partial: ReadonlySet<Clearable>;
}

/** Does and notes the steps of a run. */
export interface Recorder {
  /** `words`: memory that keeping the step costs. */
  readonly perform: (step: Step, words: number) => void;
  readonly writesPart: (pad: Clearable) => void;
  readonly begin: () => void;
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
  let blockEnds: number[] = [];
  let partial = new Set<Clearable>();
  let kept = 0;
  let whole = true;
  const begin = (): void => {
    steps = [];
    blockEnds = [];
    partial = new Set();
    kept = 0;
    whole = true;
  };
  return {
    begin,
    perform: (step, words) => {
      step();
      kept += words;
      if (!whole) return;
      steps.push(step);
      whole = steps.length <= MOST_STEPS && kept <= MOST_WORDS;
      if (!whole) steps = [];
    },
    writesPart: (pad) => {
      partial.add(pad);
    },
    endBlock: () => {
      blockEnds.push(steps.length);
    },
    finish: (stats) => {
      const plan =
        whole && stats.fallbacks.size === 0 ? { steps, blockEnds, stats: copyStats(stats), partial } : undefined;
      begin();
      return plan;
    },
  };
}

const copyStats = (s: Stats): Stats => ({
  ...s,
  issues: new Map(s.issues),
  dramRead: new Map(s.dramRead),
  dramWritten: new Map(s.dramWritten),
  fallbacks: new Map(s.fallbacks),
});

/** Readies the machine, which holds the state a run of the same program ended with, for the plan's steps. */
export function beginPlan(m: Machine, plan: Plan): void {
  m.stats = { ...copyStats(plan.stats), usefulMacs: 0 };
  m.steps = plan.stats.steps;
  for (const pad of plan.partial) clearRows(pad);
}

export function runPlanBlock(plan: Plan, block: number): void {
  const { steps, blockEnds } = plan;
  const end = blockEnds[block];
  for (let i = block === 0 ? 0 : blockEnds[block - 1]; i < end; i++) steps[i]();
}
