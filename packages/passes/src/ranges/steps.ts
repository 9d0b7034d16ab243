import type { Distribution } from "./distribution.js";
import { squaredError } from "./error.js";

/** Evenly spaced points about zero, which is one of them. */
export interface Steps {
  readonly scale: number;
  /** Steps below zero, and above it. */
  readonly below: number;
  readonly above: number;
}

/** `steps` steps over a range that takes in 0, or over one that is symmetric about it. The scale is not positive where the range is empty. */
export function stepsOver(
  { min, max }: { readonly min: number; readonly max: number },
  steps: number,
  symmetric: boolean,
): Steps {
  const [least, most] = symmetric ? [-Math.max(-min, max), Math.max(-min, max)] : [Math.min(0, min), Math.max(0, max)];
  const scale = (most - least) / steps;
  const below = scale > 0 ? Math.round(-least / scale) : 0;
  return { scale, below, above: steps - below };
}

/** Σ (x − Q x)² over the distribution; 0 where there are no steps. */
export const stepsError = (d: Distribution, { scale, below, above }: Steps): number =>
  scale > 0 ? squaredError(d, scale, -below, above) : 0;
