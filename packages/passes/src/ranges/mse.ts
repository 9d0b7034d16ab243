import { type Distribution, extent } from "./distribution.js";
import { squaredError } from "./error.js";
import { octavSymmetric, octavTwoSided } from "./octav.js";

/** A range and the error that it makes. */
interface Trial<T> {
  readonly at: T;
  readonly error: number;
}

const better = <T>(a: Trial<T>, b: Trial<T>): Trial<T> => (b.error < a.error ? b : a);

/** Quarter octaves below the whole range that are tried at least, and at most. */
const COARSE = [12, 160] as const;

/** The whole range shrunk by quarter octaves, until the error has grown to four times the least. */
function coarse<T>(trial: (shrink: number) => Trial<T>): Trial<T> {
  let best = trial(1);
  for (let i = 1; i < COARSE[1]; i++) {
    const next = trial(2 ** (-i / 4));
    best = better(best, next);
    if (i >= COARSE[0] && !(next.error < 4 * best.error)) break;
  }
  return best;
}

/** Compass search: the ends are multiplied by 2^±step, one at a time, with steps from an eighth of an octave to a 512th. */
function refine(start: Trial<readonly number[]>, trial: (at: readonly number[]) => Trial<readonly number[]>) {
  let best = start;
  for (let step = 1 / 8; step >= 1 / 512; step /= 2)
    for (const i of start.at.keys())
      for (const factor of [2 ** step, 2 ** -step])
        best = better(best, trial(best.at.map((x, j) => (i === j ? x * factor : x))));
  return best;
}

/** The magnitude s that minimizes the squared error of codes −top..top, scale s / top. */
export function mseSymmetric(d: Distribution, top: number): number {
  const { min, max } = extent(d);
  const whole = Math.max(-min, max);
  if (!(whole > 0)) return 0;
  const trial = (s: number): Trial<readonly number[]> => {
    const at = Math.min(s, whole);
    return { at: [at], error: squaredError(d, at / top, -top, top) };
  };
  const start = better(
    coarse((shrink) => trial(whole * shrink)),
    trial(octavSymmetric(d, 2 * top)),
  );
  return refine(start, ([s]) => trial(s!)).at[0]!;
}

/** The range, 0 included, that minimizes the squared error of `steps` + 1 codes over it, 0 being one of them. */
export function mseTwoSided(d: Distribution, steps: number): { min: number; max: number } {
  const { min, max } = extent(d);
  const [least, most] = [Math.min(0, min), Math.max(0, max)];
  if (!(most > least)) return { min: 0, max: 0 };
  const trial = ([low, high]: readonly number[]): Trial<readonly number[]> => {
    const at = [Math.max(least, low!), Math.min(most, high!)];
    const scale = (at[1]! - at[0]!) / steps;
    if (!(scale > 0)) return { at, error: Number.POSITIVE_INFINITY };
    const below = Math.round(-at[0]! / scale);
    return { at, error: squaredError(d, scale, -below, steps - below) };
  };
  const octav = octavTwoSided(d, steps);
  const shrunk = coarse((shrink) => trial([least * shrink, most * shrink]));
  const found = refine(better(shrunk, trial([octav.min, octav.max])), trial).at;
  return { min: found[0]!, max: found[1]! };
}
