import { arithmetic, words } from "./kernel.js";

const comparison = (f: (a: number, b: number) => boolean) =>
  arithmetic(
    words((a, b) => (f(a, b) ? 1 : 0)),
    (a, b) => (f(a, b) ? 1 : 0),
    "integer",
  );

/** COMPARISON words (opcode 2): the integer 1 or 0 under every datatype; a NaN is unequal to everything. */
export const COMPARE = {
  equal: comparison((a, b) => a === b),
  neq: comparison((a, b) => a !== b),
  gt: comparison((a, b) => a > b),
  gte: comparison((a, b) => a >= b),
  lt: comparison((a, b) => a < b),
  lte: comparison((a, b) => a <= b),
} as const;
