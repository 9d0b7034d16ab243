import { Option } from "commander";
import { reportError } from "./exit.js";
import type { Io } from "./io.js";

/** A command's body: gives the exit status. */
type Run<O> = (io: Io, file: string, options: O) => Promise<number>;

/** Receives the exit status of the command that ran. */
export type Done = (status: number) => void;

interface Common {
  readonly diagnostics?: "text" | "json";
}

/** Wraps a lazily loaded command so that whatever it throws becomes a message and a status. */
export function action<O>(io: Io, done: Done, load: () => Promise<Run<O>>) {
  return async (file: string, options: O): Promise<void> => {
    try {
      const run = await load();
      done(await run(io, file, options));
    } catch (e) {
      done(reportError(io, e, { json: (options as Common).diagnostics === "json", file }));
    }
  };
}

export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((l) => `  $ ${l}`).join("\n")}\n`;

export const diagnostics = (): Option =>
  new Option("--diagnostics <format>", "errors as text, or as one JSON object per line on standard error")
    .choices(["text", "json"])
    .default("text");
