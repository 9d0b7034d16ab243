/** Codes of machine-description errors. A code is never reused. */
export const MACHINE_ERRORS = {
  MA1001: "unknown machine",
  MA1002: "not a machine description in JSON",
  MA1003: "machine description breaks its rules",
  MA1004: "machine descriptions extend each other in a circle",
} as const;

export type MachineErrorCode = keyof typeof MACHINE_ERRORS;

/** One violated rule: the field's path, what the rule says, the value found (undefined: absent). */
export interface MachineProblem {
  readonly path: string;
  readonly rule: string;
  readonly actual: unknown;
}

/** Any fault of a machine name or description. `problems` lists every violated rule at once (MA1003 only). */
export class MachineError extends Error {
  override readonly name = "MachineError";

  constructor(
    readonly code: MachineErrorCode,
    detail: string,
    readonly hint: string,
    readonly problems: readonly MachineProblem[] = [],
  ) {
    super(`${MACHINE_ERRORS[code]}: ${detail}`);
  }
}
