import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { EmulatorError } from "@accelc/emulator";
import type { Reply, Task } from "./worker.js";

const WORKER = new URL("./worker.js", import.meta.url);

/** Threads need the built package: sources have no worker to start. */
export const hasThreads = (): boolean => existsSync(fileURLToPath(WORKER));

/** Does a task in a thread of its own, which ends with it. What it throws as an EmulatorError, this throws. */
export function inThread<R>(task: Task): Promise<R> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER);
    worker.on("message", (reply: Reply) => {
      if ("result" in reply) resolve(reply.result as R);
      else reject(new EmulatorError(reply.code, reply.message, reply.hint));
      void worker.terminate();
    });
    worker.on("error", reject);
    worker.on("exit", () => reject(new Error("a thread ended before its work was done")));
    worker.postMessage(task);
  });
}
