import { Histogram } from "./histogram.js";
import type { Range, Statistics } from "./statistics.js";

type Floats = Float32Array | Float64Array;

/** Magnitudes above this, infinities included, stand for "beyond everything": they do not count in a range. */
const MODERATE = 1e30;

/** Range statistics of one tensor over any number of samples, in memory that does not depend on it. */
export class RangeCollector {
  private readonly histogram = new Histogram();
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;
  private seen = 0;
  private below = false;
  private above = false;

  /** Takes in the values of one sample. Returns NaN where one of them is, and then takes in none. */
  add(data: Floats): number | undefined {
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
    return { ...this.histogram.counts(), seen, below, above };
  }
}
