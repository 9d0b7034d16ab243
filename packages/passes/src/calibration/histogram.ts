/**
 * Counts by the leading 15 bits of a value's binary32 word: sign, exponent, 6 bits of the significand. An octave has 64 bins, so a bin's
 * width is at most 1/64 of the values in it, whatever outliers are far away, and counts depend neither on the order of the values
 * nor on how they are divided into samples. Bin k ≥ 0 holds magnitudes from `edge(k)` to below `edge(k + 1)`, bin −1 − k the same negative ones.
 */
const SIGNIFICAND = 6;
const DROPPED = 23 - SIGNIFICAND;
const PAGE = 2 ** SIGNIFICAND;
const SIGN = 2 ** (31 - DROPPED);

const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

/** The least magnitude of bin k. */
function edge(k: number): number {
  word[0] = k * 2 ** DROPPED;
  return real[0]!;
}

export const lowerEdge = (bin: number): number => (bin >= 0 ? edge(bin) : -edge(-bin));
export const upperEdge = (bin: number): number => (bin >= 0 ? edge(bin + 1) : -edge(-1 - bin));

/** Bins with values, ascending, and how many. */
export interface Counts {
  readonly bins: readonly number[];
  readonly counts: readonly number[];
}

/** A page of counts per sign and exponent, made when it is first needed: at most 512 pages of 64. */
export class Histogram {
  private readonly pages: (Float64Array | undefined)[] = new Array(SIGN / PAGE + SIGN / PAGE);

  /** Counts every value `times` times. */
  add(data: Float32Array | Float64Array, times = 1): void {
    const floats = data instanceof Float32Array ? data : Float32Array.from(data);
    const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
    const { pages } = this;
    for (let i = 0; i < words.length; i++) {
      const top = words[i]! >>> DROPPED;
      const page = pages[top >>> SIGNIFICAND] ?? this.open(top >>> SIGNIFICAND);
      page[top & (PAGE - 1)]! += times;
    }
  }

  private open(page: number): Float64Array {
    const made = new Float64Array(PAGE);
    this.pages[page] = made;
    return made;
  }

  /** How often values of these bins were counted. */
  countsOf(bins: readonly number[]): readonly number[] {
    return bins.map((bin) => {
      const top = bin >= 0 ? bin : SIGN - 1 - bin;
      return this.pages[top >>> SIGNIFICAND]?.[top & (PAGE - 1)] ?? 0;
    });
  }

  counts(): Counts {
    const found: [bin: number, count: number][] = [];
    this.pages.forEach((page, p) => {
      page?.forEach((count, i) => {
        const top = p * PAGE + i;
        if (count > 0) found.push([top < SIGN ? top : SIGN - 1 - top, count]);
      });
    });
    found.sort(([a], [b]) => a - b);
    return { bins: found.map(([bin]) => bin), counts: found.map(([, count]) => count) };
  }
}
