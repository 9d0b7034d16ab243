import { type Command, CommanderError } from "commander";
import { EXIT, reportError } from "./exit.js";
import { type Io, processIo } from "./io.js";
import { createProgram } from "./program.js";

/**
 * Runs one command line (without the program's own name) and gives the exit status: 0 done, 1 the input is at fault,
 * 2 wrong usage, 70 a defect of the compiler. Never throws for these.
 */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  let status: number = EXIT.done;
  const program: Command = createProgram(io, (s) => {
    status = s;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return status;
  } catch (e) {
    if (e instanceof CommanderError) return e.exitCode === 0 ? EXIT.done : EXIT.usage;
    return reportError(io, e, { json: false });
  }
}
