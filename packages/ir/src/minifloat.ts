/** Bit fields of a float of 16 bits or fewer; `special` says what the largest codes mean. */
export interface MinifloatFields {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** ieee: largest exponent is Inf/NaN. fn: all ones is NaN, no Inf. fnuz: minus zero is NaN, no Inf. none: all finite. scale: powers of two. */
  readonly special: "ieee" | "fn" | "fnuz" | "none" | "scale";
}

export interface MinifloatRounding {
  /** Values beyond the range become the largest; otherwise infinity, or NaN where the format has none. */
  readonly saturate: boolean;
  /** Of scales (powers of two) only; other formats round to the nearest, ties to even. */
  readonly round_mode: "up" | "down" | "nearest";
}

const SPECIALS = ["ieee", "fn", "fnuz", "none", "scale"] as const;
const MODES = ["up", "down", "nearest"] as const;

/** A format and its rounding as one integer below 2^22: the parameter `a` of the function `minifloat`. */
export function packMinifloat(f: MinifloatFields, r: MinifloatRounding): number {
  const flags = SPECIALS.indexOf(f.special) + 8 * Number(r.saturate) + 16 * MODES.indexOf(r.round_mode);
  return f.exponent + 2 ** 4 * f.mantissa + 2 ** 8 * f.bias + 2 ** 16 * flags;
}

export function unpackMinifloat(a: number): MinifloatFields & MinifloatRounding {
  return {
    exponent: a & 15,
    mantissa: (a >> 4) & 15,
    bias: (a >> 8) & 255,
    special: SPECIALS[(a >> 16) & 7] ?? "ieee",
    saturate: ((a >> 19) & 1) === 1,
    round_mode: MODES[(a >> 20) & 3] ?? "nearest",
  };
}

/** The largest finite value of a format. */
export function largestMinifloat({ exponent, mantissa, bias, special }: MinifloatFields): number {
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
export function minifloatOf(x: number, f: MinifloatFields & MinifloatRounding): number {
  if (f.special === "scale") return nearestScale(x, f.round_mode);
  if (Number.isNaN(x)) return f.special === "none" ? 0 : x;
  const size = Math.abs(x);
  const top = largestMinifloat(f);
  const least = 1 - f.bias;
  const step = 2 ** (Math.max(Math.floor(Math.log2(size || 2 ** least)), least) - f.mantissa);
  const rounded = Number.isFinite(size) ? roundEven(size / step) * step : size;
  if (rounded === 0 && f.special === "fnuz") return 0;
  if (rounded <= top) return Math.sign(x) * rounded;
  if (f.saturate || f.special === "none") return Math.sign(x) * top;
  return f.special === "ieee" ? Math.sign(x) * Number.POSITIVE_INFINITY : Number.NaN;
}
