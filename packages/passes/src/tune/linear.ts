/** Dense symmetric matrices of order n, row-major. */
import { CompilerBug } from "@accelc/ir";

/** The lower triangle L of L Lᵀ = a; `a` is symmetric and positive definite. */
export function cholesky(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i === j && !(sum > 0)) throw new CompilerBug("tune", "a matrix of moments is not positive definite");
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
    }
  return l;
}

/** x with x (L Lᵀ) = b for every one of `rows` rows of b. */
export function solveRows(l: Float64Array, n: number, b: Float64Array, rows: number): Float64Array {
  const x = Float64Array.from(b);
  for (let r = 0; r < rows; r++) {
    const at = r * n;
    for (let i = 0; i < n; i++) {
      let sum = x[at + i]!;
      for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[at + k]!;
      x[at + i] = sum / l[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[at + i]!;
      for (let k = i + 1; k < n; k++) sum -= l[k * n + i]! * x[at + k]!;
      x[at + i] = sum / l[i * n + i]!;
    }
  }
  return x;
}

/** The inverse of L Lᵀ. */
export function inverse(l: Float64Array, n: number): Float64Array {
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = 1;
  return solveRows(l, n, identity, n);
}
