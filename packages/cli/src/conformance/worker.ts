import { parentPort } from "node:worker_threads";
import { runCase } from "./run-case.js";

/** Runs the cases it is sent, one after the other. */
parentPort?.on("message", async ({ folder, limitMs }: { readonly folder: string; readonly limitMs: number }) => {
  parentPort!.postMessage(await runCase(folder, limitMs));
});
