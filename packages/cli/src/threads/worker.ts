import { parentPort } from "node:worker_threads";
import { EmulatorError, runJob, type ThreadJob } from "@accelc/emulator";

/** What a thread can be asked to do. */
export interface Task {
  readonly run: ThreadJob;
}

export type Reply =
  | { readonly result: unknown }
  | { readonly code: string; readonly message: string; readonly hint: string };

function reply({ run }: Task): Reply {
  try {
    return { result: runJob(run) };
  } catch (e) {
    if (!(e instanceof EmulatorError)) throw e;
    return { code: e.code, message: e.message, hint: e.hint };
  }
}

parentPort?.on("message", (task: Task) => parentPort!.postMessage(reply(task)));
