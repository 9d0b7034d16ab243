import {
  type Data,
  DTYPE_BITS,
  type Graph,
  isGemm,
  isMinifloat,
  minifloatFormat,
  realValues,
  type TensorType,
  type Value,
  type ValueId,
} from "@accelc/ir";
import { type Minifloat, roundTo } from "@accelc/numerics";
import { distributionIn, type Statistics } from "../calibration/statistics.js";
import { type Distribution, squaredError } from "../ranges/index.js";

/** Σ x² and Σ (x − quantized x)². */
export interface Power {
  readonly signal: number;
  readonly noise: number;
}

/** Signal over noise in dB; 999 where there is no noise. */
export const decibelsOf = ({ signal, noise }: Power): number =>
  noise <= 0 ? 999 : Math.max(-999, Math.min(999, 10 * Math.log10(signal / noise)));

/** Σ x² of values that are even within every interval. */
export function signalOf({ lo, hi, count }: Distribution): number {
  let sum = 0;
  for (let i = 0; i < count.length; i++) sum += (count[i]! * (lo[i]! ** 2 + lo[i]! * hi[i]! + hi[i]! ** 2)) / 3;
  return sum;
}

/** Share of the values outside [least, most]. */
export function clippedShare({ lo, hi, count }: Distribution, least: number, most: number): number {
  let [all, out] = [0, 0];
  for (let i = 0; i < count.length; i++) {
    const [a, b, n] = [lo[i]!, hi[i]!, count[i]!];
    all += n;
    const beyond = Math.max(0, Math.min(b, least) - a) + Math.max(0, b - Math.max(a, most));
    out += b > a ? (n * beyond) / (b - a) : a < least || a > most ? n : 0;
  }
  return all === 0 ? 0 : out / all;
}

/** The codes of a type: its grid's, or all it holds. */
export function codesOf({ dtype, quant }: TensorType): readonly [number, number] {
  const top = 2 ** (DTYPE_BITS[dtype] - 1);
  return quant?.codes ?? [-top, top - 1];
}

/** Rounding to a float format: a value is off by a twelfth of its squared step on average, by all that is beyond the greatest. */
function minifloatNoise({ lo, hi, count }: Distribution, f: Minifloat): number {
  let noise = 0;
  for (let i = 0; i < count.length; i++) {
    const x = Math.abs(lo[i]! + hi[i]!) / 2;
    if (x === 0) continue;
    const beyond = x > f.maxFinite || x < f.minPositive;
    const step = 2 ** (Math.floor(Math.log2(x)) - f.mantissaBits);
    noise += count[i]! * (beyond ? (x - roundTo(f, x, "even", true)) ** 2 : (step * step) / 12);
  }
  return noise;
}

/** What storing values of these statistics in a type costs; undefined for a type that is neither a grid nor a float format. */
export function activationPower(s: Statistics, t: TensorType): (Power & { readonly clipped: number }) | undefined {
  const d = distributionIn(s);
  const signal = signalOf(d);
  if (isMinifloat(t.dtype)) {
    const f = minifloatFormat(t);
    return { signal, noise: minifloatNoise(d, f), clipped: clippedShare(d, -f.maxFinite, f.maxFinite) };
  }
  const scale = t.quant?.scale[0];
  if (scale === undefined || t.quant!.axis !== null) return undefined;
  const [low, high] = codesOf(t).map((c) => c - t.quant!.zeroPoint) as [number, number];
  return {
    signal,
    noise: squaredError(d, scale, low, high),
    clipped: clippedShare(d, scale * (low - 0.5), scale * (high + 0.5)),
  };
}

/** What rounding constant weights to codes cost: codes times the scale of their channel beside the float weights. */
export function weightPower(real: Data, codes: Value): Power | undefined {
  const { type, data } = codes;
  if (!data || data.length !== real.length) return undefined;
  if (!type.quant && !isMinifloat(type.dtype)) return undefined;
  const values = realValues(type, data);
  let [signal, noise] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const x = Number(real[i]);
    signal += x * x;
    noise += (x - values[i]!) ** 2;
  }
  return { signal, noise };
}

/** The integer value that a float value is stored as: the last of its name that has a grid or a float format. */
export function storedAs(g: Graph): (source: string | undefined) => TensorType | undefined {
  const found = new Map<string, TensorType>();
  for (const v of g.values.values())
    if (v.source !== undefined && !v.data && (v.type.quant || isMinifloat(v.type.dtype))) found.set(v.source, v.type);
  return (source) => (source === undefined ? undefined : found.get(source));
}

/** Constants that the GEMMs of a node read as weights. */
export function weightsOf(g: Graph, node: string): readonly Value[] {
  const ids = new Set<ValueId>();
  for (const n of g.nodes) if (isGemm(n) && n.loc.node === node) ids.add(n.inputs[1]!);
  return [...ids].map((id) => g.values.get(id)!).filter((v) => v.data);
}
