import type { Io } from "./io.js";

const DELAY_MS = 1000;
const EVERY_MS = 100;

/** One line on a terminal, rewritten in place, from the moment a command has run for a second. */
export interface Progress {
  /** `fraction` 0 to 1 of the named stage, where it is known. */
  step(stage: string, fraction?: number): void;
  /** Removes the line; call before anything else is printed. */
  clear(): void;
}

const SILENT: Progress = { step() {}, clear() {} };

/** Silent when standard error is no terminal, or on request. */
export function progressOn(io: Io, quiet: boolean, now: () => number = () => performance.now()): Progress {
  if (quiet || !io.stderr.isTTY) return SILENT;
  const begin = now();
  let last = begin + DELAY_MS - EVERY_MS;
  let shown = false;
  return {
    step(stage, fraction) {
      const at = now();
      if (at - last < EVERY_MS) return;
      last = at;
      shown = true;
      const share = fraction === undefined ? "" : ` ${Math.round(fraction * 100)} %`;
      io.stderr.write(`\r\x1b[K${stage}${share}  ${((at - begin) / 1000).toFixed(0)} s`);
    },
    clear() {
      if (shown) io.stderr.write("\r\x1b[K");
      shown = false;
    },
  };
}
