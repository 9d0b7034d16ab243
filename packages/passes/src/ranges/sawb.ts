import { type Distribution, moments } from "./distribution.js";

/** c1 and c2 of α = c1 √E(w²) − c2 E|w|. */
export type SawbPair = readonly [c1: number, c2: number];

/**
 * SAWB (Choi et al., "Bridging the accuracy gap for 2-bit quantized neural networks", 2018) by bits and number of levels, which
 * are evenly spaced over [−α, α] with both ends. An odd number has a level at zero, as the signed array wants it. `published`
 * is the authors' pair; `derived` is the regression of `sawb.test.ts` over their six distributions.
 */
export const SAWB = [
  { bits: 2, levels: 3, set: "{−α, 0, α}", published: [2.6, 1.71], derived: [2.511, 1.59] },
  { bits: 2, levels: 4, set: "{−α, −α/3, α/3, α}", published: [3.12, 2.064], derived: [3.134, 2.077] },
  { bits: 4, levels: 15, set: "α/7 · {−7 … 7}", published: [12.035, 12.03], derived: [11.925, 11.94] },
  { bits: 4, levels: 16, set: "α/15 · {−15, −13 … 15}", published: [12.68, 12.8], derived: [12.205, 12.25] },
  { bits: 8, levels: 255, set: "α/127 · {−127 … 127}", published: [31.76, 35.04], derived: [32.852, 36.474] },
] as const satisfies readonly {
  bits: number;
  levels: number;
  set: string;
  published: SawbPair;
  derived: SawbPair;
}[];

export type SawbRow = (typeof SAWB)[number];

/** The row with a level at zero; SAWB is used below 8 bits only, where the coefficients are stable. */
export const sawbRow = (bits: number): SawbRow | undefined =>
  bits < 8 ? SAWB.find((r) => r.bits === bits && r.levels % 2 === 1) : undefined;

/** The outermost level; not positive where the tail is too heavy for the regression. */
export function sawbClip(d: Distribution, [c1, c2]: SawbPair): number {
  let n = 0;
  for (let i = 0; i < d.count.length; i++) n += d.count[i]!;
  if (n === 0) return 0;
  const { absolute, square } = moments(d);
  return c1 * Math.sqrt(square / n) - (c2 * absolute) / n;
}
