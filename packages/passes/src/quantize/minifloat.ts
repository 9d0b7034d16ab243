import { largestMinifloat, type MinifloatFields, type MinifloatRounding, type ValueId } from "@accelc/ir";
import { INT32_MAX, INT32_MIN } from "@accelc/numerics";
import type { Emit, Lane } from "../functions/index.js";

/** The binary32 word of a number. */
export const wordOf = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0]!;

const INFINITY = 0x7f800000;
const NAN = 0x7fc00000;
type Format = MinifloatFields & MinifloatRounding;

const and = (e: Emit, x: Lane, mask: number): Lane =>
  e.op("iand", [x, mask], {}, mask < 0 ? INT32_MIN : 0, mask < 0 ? INT32_MAX : mask);

/** Magnitudes of the least binade and up: ties to even at the last bit that the format keeps; a carry goes to the exponent. */
function roundNormal(e: Emit, size: Lane, mantissa: number): Lane {
  const drop = 23 - mantissa;
  const odd = e.low(e.shr(size, drop), 1);
  return and(e, e.add(e.add(size, 2 ** (drop - 1) - 1), odd), ~(2 ** drop - 1) & INT32_MAX);
}

/** Magnitudes below: multiples of one step, by comparison with every midpoint. Words of positive floats order as these do. */
function roundSubnormal(e: Emit, size: Lane, f: MinifloatFields): Lane {
  const step = 2 ** (1 - f.bias - f.mantissa);
  let y: Lane = e.op("iand", [size, 0], {}, 0, 0);
  for (let i = 1; i <= 2 ** f.mantissa; i++)
    y = e.select(e.cmp(i % 2 === 0 ? "ge" : "gt", size, wordOf((i - 0.5) * step)), wordOf(i * step), y);
  return y;
}

/** A power of two from 2^−127 (a subnormal word) to 2^127. */
function roundScale(e: Emit, size: Lane, mode: MinifloatRounding["round_mode"]): Lane {
  const [least, normal] = [0x400000, 0x800000];
  const more = { up: normal - 1, down: 0, nearest: least }[mode];
  const power = e.min(and(e, e.add(size, more), INFINITY), wordOf(2 ** 127));
  const up = { up: least, down: INT32_MAX, nearest: least + least / 2 - 1 }[mode];
  const small = e.select(e.cmp("gt", size, up), normal, least);
  return e.select(e.cmp("ge", size, normal), power, small);
}

/** The word of a binary32 word rounded to a format as ONNX's Cast does, exactly; ir's `minifloatOf` is its definition. */
export function minifloatWord(e: Emit, word: ValueId, f: Format): Lane {
  const x: Lane = { id: word, lo: INT32_MIN, hi: INT32_MAX };
  const magnitude = and(e, x, INT32_MAX);
  const size = e.min(magnitude, INFINITY);
  const nan = e.cmp("gt", magnitude, INFINITY);
  if (f.special === "scale") return e.select(nan, NAN, roundScale(e, size, f.round_mode));
  const normal = e.cmp("ge", size, wordOf(2 ** (1 - f.bias)));
  const rounded = e.select(normal, roundNormal(e, size, f.mantissa), roundSubnormal(e, size, f));
  const top = wordOf(largestMinifloat(f));
  const beyond = f.saturate || f.special === "none" ? top : f.special === "ieee" ? INFINITY : NAN;
  const bounded = e.select(e.cmp("gt", rounded, top), beyond, rounded);
  const number = e.select(nan, f.special === "none" ? 0 : NAN, bounded);
  const sign = and(e, x, INT32_MIN);
  const unsigned = f.special === "fnuz" ? e.cmp("eq", number, 0) : f.special === "none" ? nan : undefined;
  const kept = unsigned ? e.select(unsigned, 0, sign) : sign;
  return e.op("ior", [kept, number], {}, INT32_MIN, INT32_MAX);
}
