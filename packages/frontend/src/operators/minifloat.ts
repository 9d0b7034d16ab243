import type { ValueId } from "@accelc/ir";
import type { NodeContext } from "../context.js";
import type { Minifloat } from "../element-types.js";
import { binary, compare, unary, where, withNumber } from "./build.js";

export interface MinifloatRounding {
  /** Values beyond the range become the largest; otherwise infinity, or NaN where the format has none. */
  readonly saturate: boolean;
  /** Of scales (powers of two) only; other formats round to the nearest, ties to even. */
  readonly round_mode: "up" | "down" | "nearest";
}

/** The largest finite value of a format. */
export function largest({ exponent, mantissa, bias, special }: Minifloat): number {
  const top = 2 ** exponent - 1 - (special === "ieee" ? 1 : 0) - bias;
  const fraction = special === "fn" ? 2 - 2 ** (1 - mantissa) : 2 - 2 ** -mantissa;
  return fraction * 2 ** top;
}

function roundEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** A power of two from 2^-127 to 2^127. */
function nearestScale(x: number, mode: MinifloatRounding["round_mode"]): number {
  if (Number.isNaN(x)) return x;
  const low = Math.floor(Math.log2(Math.abs(x)));
  const exact = 2 ** low === Math.abs(x);
  const up = mode === "up" ? !exact : mode === "nearest" && Math.abs(x) >= 1.5 * 2 ** low;
  return 2 ** Math.min(Math.max(up ? low + 1 : low, -127), 127);
}

/** The value of a format that ONNX's Cast gives for x. */
export function minifloatOf(x: number, f: Minifloat, r: MinifloatRounding): number {
  if (f.special === "scale") return nearestScale(x, r.round_mode);
  if (Number.isNaN(x)) return f.special === "none" ? 0 : x;
  const size = Math.abs(x);
  const top = largest(f);
  const least = 1 - f.bias;
  const step = 2 ** (Math.max(Math.floor(Math.log2(size || 2 ** least)), least) - f.mantissa);
  const rounded = Number.isFinite(size) ? roundEven(size / step) * step : size;
  if (rounded <= top) return Math.sign(x) * rounded;
  if (r.saturate || f.special === "none") return Math.sign(x) * top;
  return f.special === "ieee" ? Math.sign(x) * Number.POSITIVE_INFINITY : Number.NaN;
}

/**
 * x rounded to a format of 8 bits or fewer. At run time the step is chosen by comparing |x| with every power of two:
 * round(x / 2^(e−m)) · 2^(e−m) where |x| < 2^(e+1), for the least such exponent e.
 */
export function roundToMinifloat(n: NodeContext, x: ValueId, f: Minifloat, r: MinifloatRounding): ValueId {
  const { data, type } = n.value(x);
  if (data)
    return n.constant(
      type,
      (data as Float32Array).map((v) => minifloatOf(v, f, r)),
    );
  if (f.special === "scale") n.noValue("powers of two as element type are supported on constants only");
  const top = largest(f);
  const last = Math.floor(Math.log2(top));
  const size = unary(n, "abs", x);
  const multiple = (e: number): ValueId => {
    const step = 2 ** (e - f.mantissa);
    return withNumber(n, "mul", unary(n, "round", withNumber(n, "mul", x, 1 / step)), step);
  };
  let y = multiple(last);
  for (let e = last - 1; e >= 1 - f.bias; e--)
    y = where(n, compare(n, "lt", size, n.scalar(2 ** (e + 1))), multiple(e), y);
  if (f.special === "none") y = where(n, compare(n, "eq", x, x), y, n.scalar(0));
  const bounded = binary(n, "minimum", binary(n, "maximum", y, n.scalar(-top)), n.scalar(top));
  if (r.saturate || f.special === "none") return bounded;
  const inside = compare(n, "le", unary(n, "abs", y), n.scalar(top));
  const beyond =
    f.special === "ieee" ? withNumber(n, "mul", unary(n, "sign", x), Number.POSITIVE_INFINITY) : n.scalar(Number.NaN);
  return where(n, inside, bounded, beyond);
}
