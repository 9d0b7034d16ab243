/**
 * Rounding the weights of a layer to codes so that its results change least, not its weights: minimize E|W x − V x̂|² over grid
 * points V, x being the float operand and x̂ what is stored of it. Moments A = Σ x̂ x̂ᵀ and C = Σ x x̂ᵀ of K inputs are all that is needed of the
 * samples. Without a grid V = W C A⁻¹; the columns are then rounded one after another, each one's error being made up for by the
 * columns still free (optimal brain quantization, Frantar et al. 2022), which the Cholesky factor of A⁻¹ holds.
 */
import { roundHalfEven } from "@accelc/numerics";
import { cholesky, inverse, solveRows } from "./linear.js";

export interface Moments {
  readonly inputs: number;
  /** Vectors that the sums are over. */
  readonly count: number;
  /** Σ x̂ x̂ᵀ and Σ x x̂ᵀ, inputs × inputs, row-major. */
  readonly stored: Float64Array;
  readonly cross: Float64Array;
}

/**
 * Share of the mean square input that is added to every input, for inputs that the samples hold little of; with fewer than a hundred
 * vectors per input as much more as it takes not to learn the samples by heart.
 */
const dampingOf = ({ inputs, count }: Moments): number => Math.max(0.01, inputs / count);

/** A, damped, in the order of `order`. */
function damped(m: Moments, order: Int32Array): { readonly a: Float64Array; readonly lambda: number } {
  const { inputs: n, stored } = m;
  let trace = 0;
  for (let i = 0; i < n; i++) trace += stored[i * n + i]!;
  const lambda = (dampingOf(m) * trace) / n || 1;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) a[i * n + j] = stored[order[i]! * n + order[j]!]! + (i === j ? lambda : 0);
  return { a, lambda };
}

/** Inputs by falling power: what matters most is rounded while most is free to make up for it. */
function byPower({ inputs: n, stored }: Moments): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i).sort((i, j) => stored[j * n + j]! - stored[i * n + i]! || i - j);
}

/** Σ |W x − V x̂|² less what does not depend on V: v A vᵀ − 2 w C vᵀ, summed over the rows. */
export function objective(w: Float64Array, v: Float64Array, m: Moments): number {
  const n = m.inputs;
  let sum = 0;
  for (let r = 0; r < v.length; r += n)
    for (let i = 0; i < n; i++) {
      let [own, cross] = [0, 0];
      for (let j = 0; j < n; j++) {
        own += m.stored[i * n + j]! * v[r + j]!;
        cross += w[r + j]! * m.cross[j * n + i]!;
      }
      sum += v[r + i]! * (own - 2 * cross);
    }
  return sum;
}

/** W C A⁻¹ with the damping pulling towards W: the real weights that serve the stored operand best. */
export function bestWeights(w: Float64Array, m: Moments): Float64Array {
  const n = m.inputs;
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const { a, lambda } = damped(m, order);
  const target = new Float64Array(w.length);
  for (let r = 0; r < w.length; r += n)
    for (let j = 0; j < n; j++) {
      const x = w[r + j]!;
      if (x === 0) continue;
      for (let i = 0; i < n; i++) target[r + i]! += x * m.cross[j * n + i]!;
      target[r + j]! += lambda * x;
    }
  return solveRows(cholesky(a, n), n, target, w.length / n);
}

/** Sweeps of `descend` at most; a few suffice. */
const SWEEPS = 20;

/** Moves single codes by one as long as the objective falls, row by row: codes s, its gradient A (s codes) − target. */
function descend(codes: Int16Array, v: Float64Array, m: Moments, scale: ArrayLike<number>, top: number): void {
  const n = m.inputs;
  const { a } = damped(
    m,
    Int32Array.from({ length: n }, (_, i) => i),
  );
  const gradient = new Float64Array(n);
  for (let r = 0; r < codes.length; r += n) {
    const s = scale[r / n]!;
    if (!(s > 0)) continue;
    gradient.fill(0);
    for (let j = 0; j < n; j++) {
      const off = codes[r + j]! * s - v[r + j]!;
      if (off !== 0) for (let i = 0; i < n; i++) gradient[i]! += a[j * n + i]! * off;
    }
    for (let sweep = 0, moved = true; moved && sweep < SWEEPS; sweep++) {
      moved = false;
      for (let k = 0; k < n; k++) {
        const step = gradient[k]! > 0 ? -s : s;
        const code = codes[r + k]! + Math.sign(step);
        if (Math.abs(code) > top || step * (step * a[k * n + k]! + 2 * gradient[k]!) >= 0) continue;
        codes[r + k] = code;
        for (let i = 0; i < n; i++) gradient[i]! += a[k * n + i]! * step;
        moved = true;
      }
    }
  }
}

/**
 * Codes −top..top of the rows of `v`, which are `bestWeights`, under the scale of their row: column by column, then by moves of
 * single codes. The error is that of results: (V − v) A (V − v)ᵀ, A damped.
 */
export function roundToCodes(v: Float64Array, m: Moments, scale: ArrayLike<number>, top: number): Int16Array {
  const n = m.inputs;
  const order = byPower(m);
  const { a } = damped(m, order);
  // The rows of the upper factor of A⁻¹: how the error of column k is spread over the columns behind it.
  const lower = cholesky(reversed(inverse(cholesky(a, n), n), n), n);
  const spread = (k: number, j: number): number => lower[(n - 1 - k) * n + (n - 1 - j)]!;
  const codes = new Int16Array(v.length);
  const row = new Float64Array(n);
  for (let r = 0; r < v.length; r += n) {
    const s = scale[r / n]!;
    for (let k = 0; k < n; k++) row[k] = v[r + order[k]!]!;
    for (let k = 0; k < n; k++) {
      const code = s > 0 ? Math.max(-top, Math.min(top, roundHalfEven(row[k]! / s))) : 0;
      codes[r + order[k]!] = code;
      const error = (row[k]! - code * s) / spread(k, k);
      if (error !== 0) for (let j = k + 1; j < n; j++) row[j]! -= error * spread(j, k);
    }
  }
  descend(codes, v, m, scale, top);
  return codes;
}

/** The matrix with rows and columns in reverse order. */
function reversed(a: Float64Array, n: number): Float64Array {
  return Float64Array.from(a, (_, i) => a[n * n - 1 - i]!);
}
