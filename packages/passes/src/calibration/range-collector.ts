export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * How a range follows from the values seen: all of them, or without at most (100 - p) % of them at either end, as far as
 * the histogram resolves (a part in 1024 of the whole range).
 */
export type RangeMethod = { readonly kind: "minmax" } | { readonly kind: "percentile"; readonly p: number };

type Floats = Float32Array | Float64Array;

const BINS = 2048;
const MAX_INDEX = 2 ** 31;

/**
 * Bin i counts values of [i * width, (i + 1) * width). Width is the smallest power of two under which all values seen fall
 * into BINS consecutive bins; halving an index is exact, so counts depend on the values seen and not on their order.
 */
class Histogram {
  private counts = new Float64Array(BINS);
  private first = 0;
  private width = 0;

  private fits(range: Range, width: number): boolean {
    const [lo, hi] = [Math.floor(range.min / width), Math.floor(range.max / width)];
    return hi - lo < BINS && Math.max(Math.abs(lo), Math.abs(hi)) < MAX_INDEX;
  }

  /** Makes room for every value of `range`, which includes all earlier ones. */
  private cover(range: Range): void {
    let width = this.width || 2 ** -140;
    while (!this.fits(range, width)) width *= 2;
    const factor = this.width === 0 ? 1 : width / this.width;
    const first = Math.floor(range.min / width);
    if (factor === 1 && first === this.first && this.width !== 0) return;
    const counts = new Float64Array(BINS);
    for (let i = 0; i < BINS; i++)
      if (this.counts[i]) counts[Math.floor((this.first + i) / factor) - first]! += this.counts[i]!;
    this.counts = counts;
    this.first = first;
    this.width = width;
  }

  add(data: Floats, range: Range): void {
    this.cover(range);
    const { counts, first } = this;
    const scale = 1 / this.width;
    for (let i = 0; i < data.length; i++) counts[Math.floor(data[i]! * scale) - first]!++;
  }

  /** Lower edge of the lowest bin, and upper edge of the highest, that have more than `cut` values at or beyond them. */
  edges(cut: number): Range {
    let [lo, hi] = [0, BINS - 1];
    for (let sum = this.counts[lo]!; sum <= cut && lo < BINS - 1; ) sum += this.counts[++lo]!;
    for (let sum = this.counts[hi]!; sum <= cut && hi > 0; ) sum += this.counts[--hi]!;
    return { min: (this.first + lo) * this.width, max: (this.first + hi + 1) * this.width };
  }
}

/** Magnitudes above this, infinities included, stand for "beyond everything": they do not count in a range. */
const MODERATE = 1e30;
/** What stands for them is this far or the range's own span beyond it, whichever is more: far enough for a softmax to vanish. */
const BEYOND = 64;

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
    this.histogram.add(moderate, { min, max });
    return undefined;
  }

  /** Number of moderate values taken in. */
  get count(): number {
    return this.seen;
  }

  /**
   * The range by `method`, inside the exact minimum and maximum of the moderate values, and with what stands for those beyond;
   * undefined where no value was seen.
   */
  range(method: RangeMethod): Range | undefined {
    const { below, above } = this;
    const range = this.seen > 0 ? this.moderate(method) : below || above ? { min: 0, max: 0 } : undefined;
    if (!range) return undefined;
    const far = Math.max(BEYOND, range.max - range.min);
    return { min: below ? range.min - far : range.min, max: above ? range.max + far : range.max };
  }

  private moderate(method: RangeMethod): Range {
    const { min, max } = this;
    if (method.kind === "minmax") return { min, max };
    const edges = this.histogram.edges((this.seen * (100 - method.p)) / 100);
    return { min: Math.max(min, edges.min), max: Math.min(max, edges.max) };
  }
}
