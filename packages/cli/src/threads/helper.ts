import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { EmulatorError } from "@accelc/emulator";
import { CompilerBug } from "@accelc/ir";
import type { Reply, Task } from "./worker.js";

const WORKER = new URL("./worker.js", import.meta.url);

/** Threads need the built package: sources have no worker to start. */
export const hasThreads = (): boolean => existsSync(fileURLToPath(WORKER));

/** A thread that does tasks one after another. */
export interface Thread {
  /** What the task throws as an EmulatorError or CompilerBug, this throws. */
  ask<R>(task: Task): Promise<R>;
  end(): Promise<void>;
}

const errorOf = (r: Exclude<Reply, { readonly result: unknown }>): Error =>
  "stage" in r ? new CompilerBug(r.stage, r.message) : new EmulatorError(r.code, r.message, r.hint);

export function startThread(): Thread {
  const worker = new Worker(WORKER);
  const asked: { resolve(result: unknown): void; reject(e: Error): void }[] = [];
  let lost: Error | undefined;
  const fail = (e: Error) => {
    lost = e;
    for (const a of asked.splice(0)) a.reject(e);
  };
  worker.on("message", (reply: Reply) => {
    const a = asked.shift();
    if ("result" in reply) a?.resolve(reply.result);
    else a?.reject(errorOf(reply));
  });
  worker.on("error", fail);
  worker.on("exit", () => fail(lost ?? new Error("a thread ended before its work was done")));
  return {
    ask: <R>(task: Task) =>
      new Promise<R>((resolve, reject) => {
        if (lost !== undefined) reject(lost);
        else {
          asked.push({ resolve: resolve as (result: unknown) => void, reject });
          worker.postMessage(task);
        }
      }),
    end: async () => {
      await worker.terminate();
    },
  };
}

/** Does one task in a thread of its own, which ends with it. */
export async function inThread<R>(task: Task): Promise<R> {
  const thread = startThread();
  try {
    return await thread.ask<R>(task);
  } finally {
    await thread.end();
  }
}
