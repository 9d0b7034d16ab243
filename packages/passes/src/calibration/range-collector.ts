import { Histogram } from "./histogram.js";
import type { Channels } from "./input-channels.js";
import type { ChannelStatistics, Range, Statistics } from "./statistics.js";

type Floats = Float32Array | Float64Array;

/** Magnitudes above this, infinities included, stand for "beyond everything": they do not count in a range. */
const MODERATE = 1e30;

/** Sums per channel, and a histogram in which a value counts by the energy of its channel. */
class ChannelCollector {
  private readonly histogram = new Histogram();
  private readonly sums: Float64Array;
  private seen = 0;

  constructor(private readonly channels: Channels) {
    this.sums = new Float64Array(channels.energy.length);
  }

  /** Takes in one sample's values; a tensor of another layout is left out. */
  add(data: Floats, shape: readonly number[]): void {
    const { axis, energy } = this.channels;
    if (shape[axis] !== energy.length) return;
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (let i = 0, at = 0; at < data.length; i++, at += inner) {
      const c = i % energy.length;
      const part = data.subarray(at, at + inner);
      this.histogram.add(part, energy[c]!);
      let sum = 0;
      for (let k = 0; k < part.length; k++) sum += part[k]!;
      this.sums[c]! += sum;
    }
    this.seen += data.length / energy.length;
  }

  statistics(bins: readonly number[]): ChannelStatistics | undefined {
    if (this.seen === 0) return undefined;
    const means = Array.from(this.sums, (sum) => Number((sum / this.seen).toPrecision(6)));
    return { energies: this.histogram.countsOf(bins), means };
  }
}

/** Range statistics of one tensor over any number of samples, in memory that does not depend on it. */
export class RangeCollector {
  private readonly histogram = new Histogram();
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;
  private seen = 0;
  private below = false;
  private above = false;
  private readonly channels: ChannelCollector | undefined;

  constructor(channels?: Channels) {
    this.channels = channels && new ChannelCollector(channels);
  }

  /** Takes in the values of one sample. Returns NaN where one of them is, and then takes in none. */
  add(data: Floats, shape: readonly number[] = [data.length]): number | undefined {
    let [min, max] = [this.min, this.max];
    let extreme = 0;
    for (let i = 0; i < data.length; i++) {
      const x = data[i]!;
      if (x > MODERATE || x < -MODERATE) extreme++;
      else if (x < min || x > max) {
        min = Math.min(min, x);
        max = Math.max(max, x);
      } else if (Number.isNaN(x)) return x;
    }
    const moderate = extreme === 0 ? data : data.filter((x) => x >= -MODERATE && x <= MODERATE);
    if (extreme > 0) {
      this.below ||= data.some((x: number) => x < -MODERATE);
      this.above ||= data.some((x: number) => x > MODERATE);
    }
    if (moderate.length === 0) return undefined;
    this.min = min;
    this.max = max;
    this.seen += moderate.length;
    this.histogram.add(moderate);
    if (extreme === 0) this.channels?.add(data, shape);
    return undefined;
  }

  /** Number of moderate values taken in. */
  get count(): number {
    return this.seen;
  }

  /** What is known so far; undefined where no value was seen. Values that are all beyond the moderate ones surround 0. */
  statistics(): Statistics | undefined {
    const { below, above } = this;
    if (this.seen === 0 && !below && !above) return undefined;
    const seen: Range = this.seen > 0 ? { min: this.min, max: this.max } : { min: 0, max: 0 };
    const counts = this.histogram.counts();
    const channels = this.channels?.statistics(counts.bins);
    return { ...counts, seen, below, above, ...(channels ? { channels } : {}) };
  }
}
