import type { Machine } from "../state.js";
import { count } from "../stats.js";
import type { VectorOp } from "../vector.js";
import type { Step } from "./plan.js";

/** A vector instruction or nest that was done. */
export interface DoneNest {
  readonly step: Step;
  readonly ops: readonly VectorOp[];
  readonly iterations: number;
}

/**
 * Nests of a SIMD region that was begun at tile 1 or later, to be done again two tiles on. Every word of a region sets
 * registers to constants, so from tile 1 on a region always begins with the registers it began with before; windows and
 * halves of buffers come back after two tiles; rows that were written stay written. So the nest that ends at the same word
 * passes the same checks and is the same call.
 */
export interface Repeats {
  /** What is to be done now, its counts and steps accounted for; undefined where it has to be prepared. */
  readonly find: (m: Machine) => DoneNest | undefined;
  readonly note: (m: Machine, nest: DoneNest) => void;
}

/** Of a word, and of the halves and windows it may see. */
const keyOf = ({ address, tile, obuf, ibuf }: Machine): number =>
  ((address * 2 + (tile & 1)) * 2 + obuf.current) * 2 + ibuf.current;

export function createRepeats(): Repeats {
  const known = new Map<number, DoneNest>();
  return {
    find: (m) => {
      if (m.tile < 3) return undefined;
      const nest = known.get(keyOf(m));
      if (nest === undefined) return undefined;
      const steps = nest.ops.length * nest.iterations;
      if (m.steps + steps > m.maxSteps) return undefined;
      m.steps += steps;
      for (const op of nest.ops) count(m.stats.issues, op, nest.iterations);
      return nest;
    },
    note: (m, nest) => {
      if (m.tile === 0) known.clear();
      else known.set(keyOf(m), nest);
    },
  };
}
