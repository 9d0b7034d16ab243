import { picture } from "./data.js";
import { type Random, randomOf } from "./random.js";

/**
 * The activations of a few small images, on which batch norms are measured as in training: [image, channel, y, x]. Maps
 * wrap around at their borders, so that small maps have the statistics of the inside of large ones.
 */
export interface Sample {
  readonly channels: number;
  readonly size: number;
  readonly data: Float32Array;
}

/** How many images, and their height and width: more where it costs little. */
export interface SampleSize {
  readonly images: number;
  readonly size: number;
}

const imagesOf = (s: Sample): number => s.data.length / (s.channels * s.size * s.size);

/** Mean and variance of every channel. */
export interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** A channel counts as much for itself as this many elements of the whole layer. */
const PRIOR = 16;

export function imageSample(seed: number, { images, size }: SampleSize, map: (x: number) => number): Sample {
  const data = new Float32Array(images * 3 * size * size);
  const random = randomOf("statistics", seed);
  for (let at = 0; at < data.length; at += size * size)
    picture(data.subarray(at, at + size * size), size, size, random);
  return { channels: 3, size, data: data.map(map) };
}

/** Features of which nothing is known but mean and deviation. */
export function normalSample(images: number, channels: number, sd: number, random: Random): Sample {
  return { channels, size: 1, data: Float32Array.from({ length: images * channels }, () => sd * random.normal()) };
}

export const mapSample = (s: Sample, f: (x: number) => number): Sample => ({ ...s, data: s.data.map(f) });

/** f of two samples of one shape; maps of size 1 are spread. */
export function combine(a: Sample, b: Sample, f: (x: number, y: number) => number): Sample {
  const spots = b.size === a.size ? 1 : a.size * a.size;
  return { ...a, data: a.data.map((x, i) => f(x, b.data[Math.floor(i / spots)]!)) };
}

/** Own statistics of every channel, drawn towards `prior` where there are few elements. */
function blended({ channels, size, data }: Sample, prior: (own: Moments) => Moments): Moments {
  const spots = size * size;
  const count = data.length / channels;
  const own = { mean: new Float64Array(channels), variance: new Float64Array(channels) };
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / spots) % channels;
    own.mean[c]! += data[i]! / count;
    own.variance[c]! += data[i]! ** 2 / count;
  }
  for (let c = 0; c < channels; c++) own.variance[c] = Math.max(0, own.variance[c]! - own.mean[c]! ** 2);
  const p = prior(own);
  const blend = (x: number, y: number) => (count * x + PRIOR * y) / (count + PRIOR);
  return {
    mean: own.mean.map((m, c) => blend(m, p.mean[c]!)),
    variance: own.variance.map((v, c) => blend(v, p.variance[c]!)),
  };
}

/** Few elements are drawn towards those of the whole layer. */
export const momentsOf = (s: Sample): Moments =>
  blended(s, ({ mean, variance }) => {
    const average = (x: Float64Array) => x.reduce((sum, v) => sum + v, 0) / s.channels;
    const all = average(mean);
    const spread = average(variance) + average(mean.map((m) => (m - all) ** 2));
    return { mean: mean.map(() => all), variance: variance.map(() => spread) };
  });

/** Few elements are drawn towards what was predicted. */
export const momentsNear = (s: Sample, predicted: Moments): Moments => blended(s, () => predicted);

export function concatSamples(parts: readonly Sample[]): Sample {
  const channels = parts.reduce((n, p) => n + p.channels, 0);
  const { size } = parts[0]!;
  const images = imagesOf(parts[0]!);
  const data = new Float32Array(images * channels * size * size);
  let at = 0;
  for (let image = 0; image < images; image++)
    for (const p of parts) {
      const n = p.channels * size * size;
      data.set(p.data.subarray(image * n, (image + 1) * n), at);
      at += n;
    }
  return { channels, size, data };
}

/** Every window of every map becomes one element. */
function windows(s: Sample, size: number, f: (map: Float32Array, y: number, x: number) => number): Sample {
  const maps = imagesOf(s) * s.channels;
  const data = new Float32Array(maps * size * size);
  const spots = s.size * s.size;
  for (let m = 0, at = 0; m < maps; m++) {
    const map = s.data.subarray(m * spots, (m + 1) * spots);
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) data[at++] = f(map, y, x);
  }
  return { channels: s.channels, size, data };
}

export const maxPoolSample = (s: Sample, kernel: number, stride: number, pad: number): Sample =>
  windows(s, s.size / stride, (map, y, x) => {
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < kernel; i++)
      for (let j = 0; j < kernel; j++) {
        const row = (y * stride + i - pad + s.size) % s.size;
        best = Math.max(best, map[row * s.size + ((x * stride + j - pad + s.size) % s.size)]!);
      }
    return best;
  });

export const averageSample = (s: Sample): Sample => windows(s, 1, (map) => map.reduce((a, b) => a + b, 0) / map.length);

export const upsampleSample = (s: Sample): Sample =>
  windows(s, 2 * s.size, (map, y, x) => map[(y >> 1) * s.size + (x >> 1)]!);

/** Rows (input channel, tap), columns (image, y, x): what each tap of a kernel sees. */
function unfold(s: Sample, first: number, inner: number, kernel: number, stride: number): Float32Array {
  const size = s.size / stride;
  const pad = (kernel - 1) >> 1;
  const images = imagesOf(s);
  const out = new Float32Array(inner * kernel * kernel * images * size * size);
  let at = 0;
  for (let c = first; c < first + inner; c++)
    for (let i = 0; i < kernel; i++)
      for (let j = 0; j < kernel; j++)
        for (let image = 0; image < images; image++)
          for (let y = 0; y < size; y++) {
            const row = (y * stride + i - pad + s.size * kernel) % s.size;
            const base = ((image * s.channels + c) * s.size + row) * s.size;
            for (let x = 0; x < size; x++)
              out[at++] = s.data[base + ((x * stride + j - pad + s.size * kernel) % s.size)]!;
          }
  return out;
}

/** sums += weights · seen, seen being [weights.length][sums.length]; four rows at a time, which saves loads and stores. */
function addTaps(sums: Float32Array, seen: Float32Array, weights: Float32Array): void {
  const n = sums.length;
  let t = 0;
  for (; t + 4 <= weights.length; t += 4) {
    const [a, b, c, d] = [weights[t]!, weights[t + 1]!, weights[t + 2]!, weights[t + 3]!];
    const at = t * n;
    for (let p = 0; p < n; p++)
      sums[p]! += a * seen[at + p]! + b * seen[at + n + p]! + c * seen[at + 2 * n + p]! + d * seen[at + 3 * n + p]!;
  }
  for (; t < weights.length; t++) {
    const w = weights[t]!;
    for (let p = 0; p < n; p++) sums[p]! += w * seen[t * n + p]!;
  }
}

/** The convolution with weights [out, channels / groups, kernel, kernel] and a bias. */
export function convSample(
  s: Sample,
  weights: Float32Array,
  bias: ArrayLike<number>,
  { kernel, stride, groups }: { readonly kernel: number; readonly stride: number; readonly groups: number },
): Sample {
  const out = bias.length;
  const inner = s.channels / groups;
  const taps = inner * kernel * kernel;
  const size = s.size / stride;
  const spots = size * size;
  const images = imagesOf(s);
  const columns = images * spots;
  const data = new Float32Array(out * columns);
  const sums = new Float32Array(columns);
  for (let g = 0; g < groups; g++) {
    const seen = unfold(s, g * inner, inner, kernel, stride);
    for (let o = (g * out) / groups; o < ((g + 1) * out) / groups; o++) {
      sums.fill(bias[o]!);
      addTaps(sums, seen, weights.subarray(o * taps, (o + 1) * taps));
      for (let image = 0; image < images; image++)
        data.set(sums.subarray(image * spots, (image + 1) * spots), (image * out + o) * spots);
    }
  }
  return { channels: out, size, data };
}
