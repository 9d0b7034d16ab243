import { AccelcError, CompilerBug, type Diagnostic, formatDiagnostic } from "@accelc/ir";
import type { Io } from "./io.js";

/** Exit statuses of every command. */
export const EXIT = { done: 0, userError: 1, usage: 2, defect: 70 } as const;

/** A mistake in the command line itself that only the command can see: message, exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const REPORT = "This is a defect of accelc. Please report it with the model and the command line.";

/** Errors of the packages that do not know about graphs: a code like EM1001, a message and a hint. */
interface CodedError extends Error {
  readonly code: string;
  readonly hint: string;
}

function isCoded(e: unknown): e is CodedError {
  const { code, hint } = e as Partial<CodedError>;
  return e instanceof Error && typeof code === "string" && /^[A-Z]{2}\d{4}$/.test(code) && typeof hint === "string";
}

/** What a user did wrong, or undefined where the error is none of theirs. `file` is the one the command is about. */
export function diagnosticsOf(e: unknown, file?: string): readonly Diagnostic[] | undefined {
  const location = file === undefined ? {} : { model: file };
  if (e instanceof AccelcError) return e.diagnostics;
  if (!isCoded(e)) return undefined;
  const message = e.message.startsWith(`${e.code}: `) ? e.message.slice(e.code.length + 2) : e.message;
  return [{ code: e.code, location, message, hint: e.hint }];
}

export interface Style {
  readonly json: boolean;
  readonly file?: string | undefined;
}

/** Says on standard error what went wrong and gives the exit status. */
export function reportError(io: Io, e: unknown, style: Style): number {
  if (e instanceof UsageError) {
    io.stderr.write(`accelc: ${e.message}\n`);
    return EXIT.usage;
  }
  const diagnostics = diagnosticsOf(e, style.file);
  if (diagnostics) {
    for (const d of diagnostics) io.stderr.write(`${style.json ? JSON.stringify(d) : formatDiagnostic(d)}\n`);
    return EXIT.userError;
  }
  reportDefect(io, e, style);
  return EXIT.defect;
}

function reportDefect(io: Io, e: unknown, style: Style): void {
  const error = e instanceof Error ? e : new Error(String(e));
  const stage = e instanceof CompilerBug ? e.stage : stageOf(error);
  const message = e instanceof CompilerBug ? error.message : `${stage}: ${error.message}`;
  if (style.json)
    io.stderr.write(
      `${JSON.stringify({ code: "defect", location: { model: style.file }, stage, message, hint: REPORT })}\n`,
    );
  else io.stderr.write(`accelc: internal error in ${message}\n  ${REPORT}\n`);
  if (io.env.ACCELC_DEBUG === "1") io.stderr.write(`${error.stack}\n`);
}

const STAGE = Symbol("stage");

/** Notes where an unexpected exception came from; the innermost note stays. */
export function blame(e: unknown, stage: string): unknown {
  if (e instanceof Error && !(STAGE in e)) Object.defineProperty(e, STAGE, { value: stage });
  return e;
}

const stageOf = (e: Error): string => (e as { [STAGE]?: string })[STAGE] ?? "the command line";
