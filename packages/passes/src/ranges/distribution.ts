/**
 * How many values lie where, as intervals in ascending order: `count[i]` values spread evenly over [lo[i], hi[i]], or all at lo[i]
 * where the two are equal. A histogram is one, and so are plain values.
 */
export interface Distribution {
  readonly lo: ArrayLike<number>;
  readonly hi: ArrayLike<number>;
  readonly count: ArrayLike<number>;
}

/** Plain values, in any order. */
export function distributionOf(values: ArrayLike<number>): Distribution {
  return { lo: values, hi: values, count: new Uint8Array(values.length).fill(1) };
}

/** Least and greatest value; both 0 where there is none. */
export function extent({ lo, hi }: Distribution): { readonly min: number; readonly max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < lo.length; i++) {
    min = Math.min(min, lo[i]!);
    max = Math.max(max, hi[i]!);
  }
  return min <= max ? { min, max } : { min: 0, max: 0 };
}

/** Σ|x|, Σx² and the number of values other than zero. */
export function moments({ lo, hi, count }: Distribution): { absolute: number; square: number; nonzero: number } {
  let [absolute, square, nonzero] = [0, 0, 0];
  for (let i = 0; i < lo.length; i++) {
    const [a, b, n] = [lo[i]!, hi[i]!, count[i]!];
    absolute += (n * Math.abs(a + b)) / 2;
    square += (n * (a * a + a * b + b * b)) / 3;
    if (a !== 0 || b !== 0) nonzero += n;
  }
  return { absolute, square, nonzero };
}
