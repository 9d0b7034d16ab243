import type { Accelerator } from "./accelerator.js";
import { runBlock } from "./block.js";
import { createAccelerator } from "./fast/engine.js";
import { beginPlan, createRecorder, type Plan, PlanMissed, runPlanBlock } from "./fast/plan.js";
import type { Profiler } from "./profile.js";
import { type Machine, resetMachine } from "./state.js";
import type { Structure } from "./structure.js";

/** "fast": WebAssembly kernels, where the host has them; "reference": one function per instruction. */
export type Engine = "fast" | "reference";

type BlockEnd = (block: number) => void;

export interface Samples {
  /**
   * Runs a program on a machine in its first state; the same one again is fast. `prepare` clears .bss and puts the inputs into
   * DRAM; where a plan turns out not to cover the data, it is called again, and so is `blockEnd` for the blocks before.
   */
  readonly run: (
    program: Structure,
    engine: Engine,
    prepare: () => void,
    blockEnd: (block: number) => void,
    profiler?: Profiler,
  ) => void;
}

export function createSamples(m: Machine): Samples {
  const recorder = createRecorder();
  let accelerator: Accelerator | undefined;
  let plan: Plan | undefined;
  let planned: Structure | undefined;
  /** The program that last ran to its end, and left the state that all its runs end with. */
  let last: Structure | undefined;
  /** Did a run stop before its end? */
  let stopped = false;

  const repeat = (p: Plan, program: Structure, blockEnd: BlockEnd, profiler: Profiler | undefined): void => {
    beginPlan(m, p);
    for (const { index } of program.blocks) {
      profiler?.beginBlock();
      runPlanBlock(p, index, profiler);
      profiler?.endBlock(index);
      blockEnd(index);
    }
  };
  const runAll = (program: Structure, blockEnd: BlockEnd, profiler: Profiler | undefined): void => {
    recorder.begin(profiler);
    for (const block of program.blocks) {
      profiler?.beginBlock();
      runBlock(m, program.insts, block);
      recorder.endBlock();
      profiler?.endBlock(block.index);
      blockEnd(block.index);
    }
    m.stats.steps = m.steps;
  };
  /** False where there is no plan for the run, or it does not cover the data. */
  const repeated = (
    program: Structure,
    prepare: () => void,
    blockEnd: BlockEnd,
    profiler: Profiler | undefined,
  ): boolean => {
    if (stopped || last !== program || planned !== program || plan === undefined || plan.stats.steps > m.maxSteps)
      return false;
    stopped = true;
    prepare();
    try {
      repeat(plan, program, blockEnd, profiler);
    } catch (e) {
      if (e instanceof PlanMissed) return false;
      throw e;
    }
    stopped = false;
    return true;
  };
  return {
    run: (program, engine, prepare, blockEnd, profiler) => {
      const fast = engine === "fast";
      if (fast && repeated(program, prepare, blockEnd, profiler)) {
        profiler?.endSample();
        return;
      }
      resetMachine(m, stopped);
      stopped = true;
      prepare();
      if (fast) accelerator ??= createAccelerator(m, recorder);
      m.fast = fast ? accelerator : undefined;
      runAll(program, blockEnd, profiler);
      profiler?.endSample();
      if (fast && accelerator !== undefined) {
        plan = recorder.finish(m.stats);
        planned = program;
      }
      stopped = false;
      last = program;
    },
  };
}
