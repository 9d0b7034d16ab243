/** A seeded stream of random numbers. */
export interface Random {
  /** 32 uniform bits. */
  readonly bits: () => number;
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  /** Standard normal. */
  readonly normal: () => number;
}

/** FNV-1a, finished with the 32-bit mix of MurmurHash3. */
function hash(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const LOW = 0.02425;

/** Quantile of the standard normal distribution, to 1e-9: P. J. Acklam's rational approximation. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p < LOW) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r + 1.38357751867269e2) * r -
      3.066479806614716e1) *
      r +
      2.506628277459239) *
      q) /
    (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r + 6.680131188771972e1) * r -
      1.328068155288572e1) *
      r +
      1)
  );
}

const QUANTILES = 65536;

let table: Float32Array | undefined;

/** The normal distribution in 65536 equally likely steps: one lookup per draw. */
function quantiles(): Float32Array {
  table ??= Float32Array.from({ length: QUANTILES }, (_, i) => normalQuantile((i + 0.5) / QUANTILES));
  return table;
}

/** The stream `name` of a seed: sfc32. Streams do not depend on each other nor on the order of their use. */
export function randomOf(name: string, seed: number): Random {
  let [a, b, c, counter] = [hash(name, seed), hash(name, seed ^ 0x9e3779b9), hash(name, ~seed), 1];
  const bits = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) bits();
  const normals = quantiles();
  return { bits, uniform: () => bits() / 2 ** 32, normal: () => normals[bits() >>> 16]! };
}

/** Fills `out` with normal numbers of standard deviation `sd`: two from every 32 bits. */
export function fillNormal(out: Float32Array, { bits }: Random, sd: number, mean = 0): Float32Array {
  const normals = quantiles();
  let i = 0;
  for (; i + 1 < out.length; i += 2) {
    const x = bits();
    out[i] = mean + sd * normals[x >>> 16]!;
    out[i + 1] = mean + sd * normals[x & 0xffff]!;
  }
  if (i < out.length) out[i] = mean + sd * normals[bits() >>> 16]!;
  return out;
}
