import type { Machine } from "../state.js";

/** Why the fast engine leaves something to the reference engine. */
export const REASONS = {
  check: "a check could fail",
  budget: "the step budget ends in it",
  size: "too large",
  lanes: "lanes or array of an odd size",
  code: "no code for an instruction",
  codes: "too many different nests",
  hazard: "operands that meet",
  window: "rows half inside a window",
  stride: "an irregular stride",
  bits: "elements of less than a byte",
} as const;

type Reason = keyof typeof REASONS;

/** Notes the reason; the caller returns what this gives. */
export function declined(m: Machine, reason: Reason): false {
  m.declined = REASONS[reason];
  return false;
}

export function decline(m: Machine, reason: Reason): undefined {
  declined(m, reason);
  return undefined;
}
