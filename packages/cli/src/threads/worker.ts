import { parentPort } from "node:worker_threads";
import { EmulatorError, helpTeam, runJob, type TeamJob, type ThreadJob } from "@accelc/emulator";
import { CompilerBug } from "@accelc/ir";
import type { Exact, ExactJob, Sample } from "../verify/exact.js";

/** What a thread can be asked to do: samples of a batch; to help with another's; to be ready to verify samples; to verify one. */
export type Task =
  | { readonly run: ThreadJob }
  | { readonly team: TeamJob }
  | { readonly exact: ExactJob }
  | { readonly sample: Sample };

export type Reply =
  | { readonly result: unknown }
  | { readonly code: string; readonly message: string; readonly hint: string }
  | { readonly stage: string; readonly message: string };

let exact: Exact | undefined;

async function done(task: Task): Promise<unknown> {
  if ("run" in task) return runJob(task.run);
  if ("team" in task) return helpTeam(task.team);
  if ("exact" in task) {
    const { createExact } = await import("../verify/exact.js");
    exact = createExact(task.exact);
    return undefined;
  }
  return exact?.(task.sample);
}

async function reply(task: Task): Promise<Reply> {
  try {
    return { result: await done(task) };
  } catch (e) {
    if (e instanceof EmulatorError) return { code: e.code, message: e.message, hint: e.hint };
    if (e instanceof CompilerBug) return { stage: e.stage, message: e.message.slice(e.stage.length + 2) };
    throw e;
  }
}

/** One task after the other, answered in order. */
let last: Promise<void> = Promise.resolve();
parentPort?.on("message", (task: Task) => {
  last = last.then(async () => parentPort!.postMessage(await reply(task)));
});
