// @ts-check
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @type {(values: readonly number[]) => number} */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @type {(x: number) => number} four significant digits, enough for any measurement here */
export const rounded = (x) => Number(x.toPrecision(4));

/**
 * Median seconds of each work, run in turn so that a change of clock or load meets all of them alike. Each runs first
 * without being timed, at least once and for half a second in all.
 *
 * @param {readonly (() => unknown)[]} works
 * @param {{ readonly seconds?: number, readonly least?: number, readonly most?: number }} [options] time spent on all of them, rounds
 * @returns {Promise<number[]>}
 */
export async function medianSeconds(works, { seconds = 6, least = 5, most = 200 } = {}) {
  for (const work of works) {
    const start = performance.now();
    do await work();
    while (performance.now() - start < 500);
  }
  const times = works.map(() => /** @type {number[]} */ ([]));
  const start = performance.now();
  for (let round = 0; round < least || (round < most && performance.now() - start < seconds * 1000); round++) {
    for (const [i, work] of works.entries()) {
      const begin = performance.now();
      await work();
      times[i].push((performance.now() - begin) / 1000);
    }
  }
  return times.map(median);
}

const PEAK = fileURLToPath(new URL("peak.mjs", import.meta.url));

/**
 * Runs a Node script as a process of its own: seconds from its start to its end, the most memory it held, and the seconds
 * that all its threads computed.
 *
 * @param {readonly string[]} argv
 * @returns {{ readonly seconds: number, readonly peakBytes: number, readonly cpuSeconds: number }}
 */
export function runProcess(argv) {
  const start = performance.now();
  const r = spawnSync(process.execPath, ["--import", PEAK, ...argv], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    encoding: "utf8",
  });
  const seconds = (performance.now() - start) / 1000;
  if (r.status !== 0) throw new Error(`${argv.join(" ")} ended with ${r.status}:\n${r.stderr}`);
  const [peakBytes, cpuSeconds] = String(r.output[3]).split(" ").map(Number);
  return { seconds, peakBytes, cpuSeconds };
}
