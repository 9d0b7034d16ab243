import { type Distribution, extent, moments } from "./distribution.js";

/** Newton steps at most. 2 to 8 bits take fewer than 14; an exponential tail gains one mean a step, so 16 bits take more. */
const LIMIT = 50;
const TOLERANCE = 1e-4;

/** Values and their sum beyond `edge`, which is positive. */
function beyond({ lo, hi, count }: Distribution, edge: number): { n: number; sum: number } {
  let [n, sum] = [0, 0];
  for (let i = 0; i < lo.length; i++) {
    const [a, b] = [lo[i]!, hi[i]!];
    if (b <= edge) continue;
    const from = Math.max(a, edge);
    const part = b > a ? (count[i]! * (b - from)) / (b - a) : count[i]!;
    n += part;
    sum += (part * (from + b)) / 2;
  }
  return { n, sum };
}

/** Magnitudes, negative values turned over; an interval about zero is two. */
export function magnitudes(d: Distribution): Distribution {
  if (d.lo === d.hi) {
    const all = Float64Array.from(d.lo, Math.abs);
    return { lo: all, hi: all, count: d.count };
  }
  const [lo, hi, count]: number[][] = [[], [], []];
  const put = (a: number, b: number, n: number) => {
    if (n === 0) return;
    lo!.push(a);
    hi!.push(b);
    count!.push(n);
  };
  for (let i = 0; i < d.lo.length; i++) {
    const [a, b, n] = [d.lo[i]!, d.hi[i]!, d.count[i]!];
    if (a >= 0) put(a, b, n);
    else if (b <= 0) put(-b, -a, n);
    else {
      put(0, b, (n * b) / (b - a));
      put(0, -a, (n * -a) / (b - a));
    }
  }
  return { lo: lo!, hi: hi!, count: count! };
}

/**
 * The clip s of positive values that minimizes noise · s² #[0 < x ≤ s] + Σ_{x > s} (x − s)², by Newton's method (OCTAV, Sakr et al. 2022):
 * s ← Σ x [x > s] / (noise #[0 < x ≤ s] + #[x > s]), from the mean. Zeros have no error: they are on the grid.
 */
function clipOf(positive: Distribution, noise: number, onIteration?: (s: number) => void): number {
  const { max } = extent(positive);
  const { absolute, nonzero } = moments(positive);
  if (nonzero === 0) return 0;
  let s = absolute / nonzero;
  for (let i = 0; i < LIMIT; i++) {
    const { n, sum } = beyond(positive, s);
    const next = sum / (noise * (nonzero - n) + n);
    onIteration?.(next);
    if (!(Math.abs(next - s) > TOLERANCE * s)) return Math.min(next, max);
    s = next;
  }
  return Math.min(s, max);
}

/**
 * OCTAV's clip of magnitudes for `steps` steps over [−s, s], whose rounding noise is (2s / steps)² / 12 a value: with the publication's
 * 2^B steps, 4^−B / 3 · s².
 */
export function octavSymmetric(d: Distribution, steps: number, onIteration?: (s: number) => void): number {
  return clipOf(magnitudes(d), 1 / (3 * steps * steps), onIteration);
}

/** The same for `steps` steps over [0, s] and values of one sign: 4^−B / 12 · s². */
export function octavOneSided(d: Distribution, steps: number): number {
  return clipOf(magnitudes(d), 1 / (12 * steps * steps));
}

/**
 * OCTAV for `steps` steps over [low, high] around zero: minimizes (high − low)² / (12 steps²) P[low ≤ x ≤ high, x ≠ 0] +
 * E[(x − high)²; x > high] + E[(low − x)²; x < low] by the same step at either end in turn. With low = −high and values
 * symmetric about zero, or with values of one sign, the two above.
 */
export function octavTwoSided(d: Distribution, steps: number): { min: number; max: number } {
  const negated: Distribution = {
    lo: Array.from(d.hi, (x) => -x).reverse(),
    hi: Array.from(d.lo, (x) => -x).reverse(),
    count: Array.from(d.count).reverse(),
  };
  const { min, max } = extent(d);
  if (min >= 0) return { min: 0, max: octavOneSided(d, steps) };
  if (max <= 0) return { min: -octavOneSided(d, steps), max: 0 };
  const noise = 1 / (12 * steps * steps);
  const { absolute, nonzero } = moments(d);
  let [low, high] = [Math.max(-absolute / nonzero, min), Math.min(absolute / nonzero, max)];
  for (let i = 0; i < LIMIT; i++) {
    const before = [low, high];
    const [up, down] = [beyond(d, high), beyond(negated, -low)];
    const inside = noise * Math.max(0, nonzero - up.n - down.n);
    high = Math.min(max, (up.sum + inside * low) / (inside + up.n));
    low = Math.max(min, -(down.sum - inside * high) / (inside + down.n));
    high = Math.max(0, high);
    low = Math.min(0, low);
    const scale = TOLERANCE * (high - low);
    if (!(Math.abs(high - before[1]!) > scale || Math.abs(low - before[0]!) > scale)) break;
  }
  return { min: low, max: high };
}
