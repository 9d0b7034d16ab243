import type { Distribution } from "./distribution.js";

/**
 * Antiderivative of (u − clamp(round(u), low, high))², u in steps: every code's cell of width 1 contributes 1/12, and what
 * lies beyond the last cell grows with the cube of its distance.
 */
function primitive(u: number, low: number, high: number): number {
  const k = Math.max(low, Math.min(high, Math.round(u)));
  const r = u - k;
  return k / 12 + (r * r * r) / 3;
}

/** Σ (x − scale · clamp(round(x / scale), low, high))², codes counted from the one that stands for zero. */
export function squaredError(d: Distribution, scale: number, low: number, high: number): number {
  const { lo, hi, count } = d;
  const per = 1 / scale;
  let sum = 0;
  for (let i = 0; i < lo.length; i++) {
    const u = lo[i]! * per;
    const width = hi[i]! * per - u;
    if (width > 0) sum += (count[i]! * (primitive(u + width, low, high) - primitive(u, low, high))) / width;
    else {
      const r = u - Math.max(low, Math.min(high, Math.round(u)));
      sum += count[i]! * r * r;
    }
  }
  return sum * scale * scale;
}
