/** Ties of a rounding to nearest: to the even code, or up in magnitude (away from zero). */
export type Ties = "even" | "up";

/**
 * What the codes beyond the finite values mean.
 * - `ieee`: the top exponent is Inf (mantissa 0) or NaN.
 * - `allOnes`: only the code of all ones, either sign, is not finite: NaN, in DLFloat merged with Inf.
 * - `negativeZero`: only the code of negative zero is not finite: NaN (the ONNX FNUZ types).
 * - `none`: every code is finite; encoding saturates, and NaN becomes the largest finite value.
 */
export type Special = "ieee" | "allOnes" | "negativeZero" | "none";

export interface MinifloatShape {
  readonly name: string;
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /** Without subnormals, exponent field 0 is a normal binade whose first code is zero. */
  readonly subnormals: boolean;
  readonly special: Special;
  /** Is −0 kept? Where not, its code decodes to 0 (or NaN, by `special`) and is never produced. */
  readonly signedZero: boolean;
}

/** A sign, exponent, mantissa format of at most 16 bits. Values are doubles, which hold every one exactly. */
export interface Minifloat extends MinifloatShape {
  readonly bits: number;
  readonly maxFinite: number;
  readonly minPositive: number;
  /** Exponent of the smallest binade. */
  readonly minExponent: number;
  /** Code → value, NaN for codes that are not numbers. */
  readonly values: Float64Array;
}

/** The format of that shape: 1 to 8 exponent bits, 1 to 14 mantissa bits, at most 16 in all, |bias| <= 150, else RangeError. */
export function minifloat(shape: MinifloatShape): Minifloat {
  const { exponentBits: e, mantissaBits: m, bias, subnormals, special } = shape;
  const bits = 1 + e + m;
  if (e < 1 || e > 8 || m < 1 || bits > 16 || Math.abs(bias) > 150)
    throw new RangeError(`${shape.name}: 1-${e}-${m} is not a minifloat`);
  const topField = special === "ieee" ? 2 ** e - 2 : 2 ** e - 1;
  const topMantissa = special === "allOnes" ? 2 ** m - 2 : 2 ** m - 1;
  const minExponent = subnormals ? 1 - bias : -bias;
  let values: Float64Array | undefined;
  const format: Minifloat = {
    ...shape,
    bits,
    minExponent,
    maxFinite: (1 + topMantissa / 2 ** m) * 2 ** (topField - bias),
    minPositive: subnormals ? 2 ** (minExponent - m) : (1 + 2 ** -m) * 2 ** minExponent,
    get values() {
      values ??= Float64Array.from({ length: 2 ** bits }, (_, code) => valueOfCode(format, code));
      return values;
    },
  };
  return format;
}

function valueOfCode(f: Minifloat, code: number): number {
  const m = f.mantissaBits;
  const magnitude = code & (2 ** (f.bits - 1) - 1);
  const sign = code === magnitude ? 1 : -1;
  const field = magnitude >> m;
  const fraction = (magnitude & (2 ** m - 1)) / 2 ** m;
  if (magnitude === 0) {
    if (sign > 0) return 0;
    return f.special === "negativeZero" ? Number.NaN : f.signedZero ? -0 : 0;
  }
  if (f.special === "allOnes" && magnitude === 2 ** (f.bits - 1) - 1) return Number.NaN;
  if (f.special === "ieee" && field === 2 ** f.exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (field === 0 && f.subnormals) return sign * fraction * 2 ** f.minExponent;
  return sign * (1 + fraction) * 2 ** (field - f.bias);
}

/** The value of a code (its low `bits` bits). */
export function decode(f: Minifloat, code: number): number {
  return f.values[code & ((1 << f.bits) - 1)];
}

const POW2_OFFSET = 320;
const POW2 = Float64Array.from({ length: 2 * POW2_OFFSET + 1 }, (_, i) => 2 ** (i - POW2_OFFSET));
const f64 = new Float64Array(1);
const words = new Uint32Array(f64.buffer);
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0];

/** floor(log2 m) of a positive normal double. */
function exponentOf(m: number): number {
  f64[0] = m;
  return (words[HIGH] >>> 20) - 1023;
}

/**
 * The value of the format nearest to x, by `ties`. A magnitude that rounds beyond maxFinite (as if the exponent went on)
 * gives Inf (`ieee`), NaN (`allOnes`, `negativeZero`) or maxFinite (`none`, or any format with `saturate`).
 */
export function roundTo(f: Minifloat, x: number, ties: Ties = "even", saturate = false): number {
  const m = Math.abs(x);
  if (m >= f.minPositive && m <= f.maxFinite) {
    const e = Math.max(exponentOf(m), f.minExponent);
    const v = roundUnits(m * POW2[f.mantissaBits - e + POW2_OFFSET], ties) * POW2[e - f.mantissaBits + POW2_OFFSET];
    return x < 0 ? -v : v;
  }
  if (m < f.minPositive) {
    const half = f.minPositive / 2;
    const v = m > half || (m === half && ties === "up") ? f.minPositive : 0;
    if (v === 0 && !f.signedZero) return 0;
    return x < 0 || Object.is(x, -0) ? -v : v;
  }
  return beyond(f, x, ties, saturate);
}

/** Nearest integer of 0 <= q < 2^52. */
function roundUnits(q: number, ties: Ties): number {
  if (ties === "even") return q + 4503599627370496 - 4503599627370496;
  const t = Math.floor(q);
  return q - t >= 0.5 ? t + 1 : t;
}

/** roundTo for |x| > maxFinite and NaN. */
function beyond(f: Minifloat, x: number, ties: Ties, saturate: boolean): number {
  if (Number.isNaN(x)) return f.special === "none" ? f.maxFinite : x;
  const top = x < 0 ? -f.maxFinite : f.maxFinite;
  if (saturate || f.special === "none") return top;
  const halfUnit = 2 ** (exponentOf(f.maxFinite) - f.mantissaBits - 1);
  const limit = f.maxFinite + halfUnit;
  const maxIsEven = f.special === "allOnes";
  if (Math.abs(x) < limit || (Math.abs(x) === limit && ties === "even" && maxIsEven)) return top;
  return f.special === "ieee" ? x * Infinity : Number.NaN;
}

/** The code of the value nearest to x; see roundTo. NaN has one code: quiet in `ieee`, all ones, or negative zero. */
export function encode(f: Minifloat, x: number, ties: Ties = "even", saturate = false): number {
  return codeOf(f, roundTo(f, x, ties, saturate));
}

/** The code of a value of the format. */
function codeOf(f: Minifloat, v: number): number {
  const signBit = 1 << (f.bits - 1);
  const topExponent = ((1 << f.exponentBits) - 1) << f.mantissaBits;
  if (Number.isNaN(v)) {
    if (f.special === "negativeZero") return signBit;
    return f.special === "ieee" ? topExponent + (1 << (f.mantissaBits - 1)) : signBit - 1;
  }
  const sign = v < 0 || Object.is(v, -0) ? signBit : 0;
  const m = Math.abs(v);
  if (m === 0) return sign;
  if (m === Infinity) return sign + topExponent;
  const e = Math.max(exponentOf(m), f.minExponent);
  const units = m * POW2[f.mantissaBits - e + POW2_OFFSET];
  const field = f.subnormals ? e - f.minExponent : e + f.bias - 1;
  return sign + (field << f.mantissaBits) + units;
}
