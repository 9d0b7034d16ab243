import { existsSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { type CaseResult, runCase, timeLimit } from "./run-case.js";

/** Runs cases one at a time. A case that hangs or takes its thread down is a failed one. */
export interface Runner {
  run(folder: string): Promise<CaseResult>;
  close(): Promise<void>;
}

const WORKER = new URL("./worker.js", import.meta.url);

/** A thread's own look at the clock comes first; after this much longer it is ended. */
const GRACE_MS = 2000;

const lost = (folder: string, reason: string): CaseResult => ({
  name: basename(folder),
  operator: "?",
  result: "failed",
  reasons: [reason],
  constants: [],
  sqnr: null,
});

const inProcess = (limitMs: number): Runner => ({
  run: (folder) => runCase(folder, limitMs),
  close: async () => {},
});

function inThread(limitMs: number): Runner {
  let worker: Worker | undefined;
  const end = async () => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };
  const ask = (folder: string): Promise<CaseResult | string> => {
    worker ??= new Worker(WORKER);
    const w = worker;
    return new Promise((resolve) => {
      const done = (result: CaseResult | string) => {
        clearTimeout(timer);
        for (const [event, f] of listeners) w.off(event, f);
        resolve(result);
      };
      const listeners = [
        ["message", done],
        ["error", (e: Error) => done(`internal error: ${e.message}`)],
        ["exit", () => done("internal error: its thread ended")],
      ] as const;
      const timer = setTimeout(() => done(timeLimit(limitMs)), limitMs + GRACE_MS);
      for (const [event, f] of listeners) w.on(event, f);
      w.postMessage({ folder, limitMs });
    });
  };
  const run = async (folder: string): Promise<CaseResult> => {
    const result = await ask(folder);
    if (typeof result !== "string") return result;
    await end();
    return lost(folder, result);
  };
  return { run, close: end };
}

/** In a thread of its own where this package is built, so that nothing a case does can stop the others. */
export const createRunner = (limitMs: number): Runner =>
  existsSync(fileURLToPath(WORKER)) ? inThread(limitMs) : inProcess(limitMs);
