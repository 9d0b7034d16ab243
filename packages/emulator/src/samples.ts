import type { Accelerator } from "./accelerator.js";
import { runBlock } from "./block.js";
import { createAccelerator } from "./fast/engine.js";
import { beginPlan, createRecorder, type Plan, runPlanBlock } from "./fast/plan.js";
import { type Machine, resetMachine } from "./state.js";
import type { Structure } from "./structure.js";

/** "fast": WebAssembly kernels, where the host has them; "reference": one function per instruction. */
export type Engine = "fast" | "reference";

export interface Samples {
  /**
   * Runs a program from a clean machine: `write` puts the inputs into DRAM, whose .bss the caller has cleared. The same
   * program every time.
   */
  readonly run: (program: Structure, engine: Engine, write: () => void, blockEnd: (block: number) => void) => void;
}

export function createSamples(m: Machine): Samples {
  const recorder = createRecorder();
  let accelerator: Accelerator | undefined;
  let plan: Plan | undefined;
  /** Did the last run end where all runs end? */
  let ended = true;

  const repeat = (p: Plan, program: Structure, blockEnd: (block: number) => void): void => {
    beginPlan(m, p);
    for (const { index } of program.blocks) {
      runPlanBlock(p, index);
      blockEnd(index);
    }
  };
  const runAll = (program: Structure, blockEnd: (block: number) => void): void => {
    recorder.begin();
    for (const block of program.blocks) {
      runBlock(m, program.insts, block);
      recorder.endBlock();
      blockEnd(block.index);
    }
    m.stats.steps = m.steps;
  };
  return {
    run: (program, engine, write, blockEnd) => {
      const fast = engine === "fast";
      const repeated = fast && ended && plan !== undefined && plan.stats.steps <= m.maxSteps ? plan : undefined;
      if (repeated === undefined) resetMachine(m, !ended);
      ended = false;
      write();
      if (repeated !== undefined) repeat(repeated, program, blockEnd);
      else {
        if (fast) accelerator ??= createAccelerator(m, recorder);
        m.fast = fast ? accelerator : undefined;
        runAll(program, blockEnd);
        if (fast && accelerator !== undefined) plan = recorder.finish(m.stats);
      }
      ended = true;
    },
  };
}
