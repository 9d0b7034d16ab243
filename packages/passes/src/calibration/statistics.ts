import type { Distribution } from "../ranges/index.js";
import { type Counts, lowerEdge, upperEdge } from "./histogram.js";

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What calibration knows of a tensor's values, in a size that does not depend on their number. */
export interface Statistics extends Counts {
  /** Least and greatest moderate value, exact. */
  readonly seen: Range;
  /** Are there values below or above all that is moderate, infinities included? */
  readonly below: boolean;
  readonly above: boolean;
  /** Of a tensor that layers multiply by constant weights: */
  readonly channels?: ChannelStatistics;
}

/** What depends on the input channel of the layers that read a tensor. */
export interface ChannelStatistics {
  /** The counts of the bins with every value counted by the energy of its channel's weights, 0 to 255. */
  readonly energies: readonly number[];
  /** Mean value per channel, to six digits. */
  readonly means: readonly number[];
}

/** What stands for values beyond the moderate ones is this far or the range's own span beyond it, whichever is more: far enough for a softmax to vanish. */
const BEYOND = 64;

/** A range of the moderate values, and what stands for those beyond them. */
export function withBeyond({ below, above }: Statistics, { min, max }: Range): Range {
  const far = Math.max(BEYOND, max - min);
  return { min: below ? min - far : min, max: above ? max + far : max };
}

/** The moderate values, counted so: even within a bin, as far as it lies between the least and the greatest value. */
export function distributionIn(s: Statistics, counts: readonly number[] = s.counts): Distribution {
  const { bins, seen } = s;
  const clip = (x: number) => Math.max(seen.min, Math.min(seen.max, x));
  return { lo: bins.map((b) => clip(lowerEdge(b))), hi: bins.map((b) => clip(upperEdge(b))), count: counts };
}
