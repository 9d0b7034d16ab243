/** Element i of the weights belongs to channel ⌊i / inner⌋ mod channels. */
export interface Layout {
  readonly channels: number;
  readonly inner: number;
}

/** Per channel, the sum of the positive elements, that of the negative ones, and the greatest magnitude. */
export interface ChannelSums {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
  readonly top: Float64Array;
}

/** Sums that were asked for before: ranges, scales and bounds ask for the same ones. */
const KNOWN_SUMS = new WeakMap<object, { readonly layout: Layout; readonly sums: ChannelSums }>();

export function channelSums(w: ArrayLike<number>, layout: Layout): ChannelSums {
  const known = KNOWN_SUMS.get(w);
  if (known?.layout.channels === layout.channels && known.layout.inner === layout.inner) return known.sums;
  const sums = sumsOf(w, layout);
  KNOWN_SUMS.set(w, { layout, sums });
  return sums;
}

/** Without branches, which random signs would make dear: (|x| + x) / 2 is x or 0, exactly. */
function sumsOf(w: ArrayLike<number>, layout: Layout): ChannelSums {
  const none = () => new Float64Array(layout.channels);
  const sums: ChannelSums = { positive: none(), negative: none(), top: none() };
  if (layout.inner === 1) addRows(w, sums);
  else addRuns(w, layout, sums);
  return sums;
}

/** Rows of one element per channel. */
function addRows(w: ArrayLike<number>, { positive, negative, top }: ChannelSums): void {
  const channels = top.length;
  for (let row = 0; row < w.length; row += channels)
    for (let c = 0; c < channels; c++) {
      const x = w[row + c]!;
      const size = Math.abs(x);
      positive[c]! += (size + x) / 2;
      negative[c]! += (x - size) / 2;
      if (!(size <= top[c]!)) top[c] = Math.max(top[c]!, size);
    }
}

function addRuns(w: ArrayLike<number>, { channels, inner }: Layout, { positive, negative, top }: ChannelSums): void {
  for (let i = 0; i < w.length; )
    for (let c = 0; c < channels; c++) {
      let [plus, minus, most] = [positive[c]!, negative[c]!, top[c]!];
      for (const end = i + inner; i < end; i++) {
        const x = w[i]!;
        const size = Math.abs(x);
        plus += (size + x) / 2;
        minus += (x - size) / 2;
        most = Math.max(most, size);
      }
      positive[c] = plus;
      negative[c] = minus;
      top[c] = most;
    }
}
