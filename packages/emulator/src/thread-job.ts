import type { AccelObject } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import type { Batch, Work } from "./batch.js";
import { loadChecked, type Program } from "./program.js";
import type { SessionOptions, WorkOptions } from "./session.js";

/**
 * All that another thread needs to help with a batch: post it to a worker, let that call `runJob` and post back the result.
 * Nothing large is copied on the way: weights, inputs and outputs are in shared memory.
 */
export interface ThreadJob {
  readonly object: AccelObject;
  readonly machine: MachineDescription;
  readonly memory: WebAssembly.Memory;
  readonly batch: Batch;
  readonly session: Pick<SessionOptions, "maxDramBytes">;
  readonly options: WorkOptions;
}

/** Undefined where the program is not in an image, so that threads could not share its weights. */
export function jobOf(
  { object, machine, memory }: Program,
  batch: Batch,
  { maxDramBytes }: SessionOptions = {},
  { maxSteps, engine, profile }: WorkOptions = {},
): ThreadJob | undefined {
  if (memory === undefined) return undefined;
  const options = Object.fromEntries(Object.entries({ maxSteps, engine, profile }).filter(([, v]) => v !== undefined));
  return { object, machine, memory, batch, session: maxDramBytes === undefined ? {} : { maxDramBytes }, options };
}

/** Makes a session and runs samples of the batch until none is left. */
export function runJob({ object, machine, memory, batch, session, options }: ThreadJob): Work {
  return loadChecked(object, machine, memory).session(session).work(batch, options);
}
