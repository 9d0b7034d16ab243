// @ts-check
// Loaded into a measured process: at its end, writes to descriptor 3 the most memory that was resident, in bytes, and the
// seconds that all its threads computed.
import { readFileSync, writeSync } from "node:fs";

/** Since the process began; `maxRSS` also has what the process that started it held, and is for hosts without /proc. */
function peakBytes() {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (found) return Number(found[1]) * 1024;
  } catch {
    // No /proc here.
  }
  return process.resourceUsage().maxRSS * 1024;
}

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, `${peakBytes()} ${(user + system) / 1e6}`);
});
