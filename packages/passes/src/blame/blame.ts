/**
 * Which layers quantization costs most, and what would help. A layer's own noise is what storing its two operands makes, each
 * relative to its signal; to first order the two add up in the layer's result. What its input carries already is not its own.
 */
import { type GemmNode, type Graph, isGemm, isMinifloat, type TensorType } from "@accelc/ir";
import { rangeFor, type Statistics } from "../calibration/index.js";
import { distributionIn } from "../calibration/statistics.js";
import { codeBits } from "../quantize/grid.js";
import { layoutOf } from "../quantize/weights.js";
import { stepsError, stepsOver, topCode, type WeightMethod, weightScales } from "../ranges/index.js";
import { activationPower, codesOf, decibelsOf, type Power, storedAs, weightPower, weightsOf } from "./operands.js";

/** One operand of a layer: how it is stored, and what that costs. */
export interface OperandBlame {
  /** ONNX tensor. */
  readonly tensor: string;
  /** Element type: int8, int4, fp8e4m3 … */
  readonly format: string;
  /** Signal over noise of storing it, dB. */
  readonly sqnr: number;
  /** Share of the values beyond the range. */
  readonly clipped: number;
}

/** A change that would help, as options of `compile`, and the layer's own SQNR (dB) with it. */
export interface Remedy {
  readonly operand: "activations" | "weights";
  readonly option: string;
  readonly sqnr: number;
}

export interface LayerBlame {
  readonly node: string;
  readonly op: string;
  /** Signal over noise that storing both operands leaves, dB: the layers are in ascending order of it. */
  readonly own: number;
  readonly activations: OperandBlame | null;
  readonly weights: OperandBlame | null;
  /** The better of other ranges and other formats, or null where no option gains a decibel. */
  readonly remedy: Remedy | null;
}

/** Float tensors whose statistics `blame` wants: left operands of convolutions and matrix products. */
export function blameTensors(float: Graph): string[] {
  const sources = gemms(float).map((n) => float.values.get(n.inputs[0]!)!.source);
  return [...new Set(sources.filter((s) => s !== undefined))];
}

const gemms = (g: Graph): readonly GemmNode[] => g.nodes.filter(isGemm);

const relative = (p: Power | undefined): number => (p && p.signal > 0 ? p.noise / p.signal : 0);

/** Decibels that a remedy must gain to be named. */
const WORTH = 1;

const bitsOf = (t: TensorType): number => {
  const [low, high] = codesOf(t);
  return codeBits({ bits: 32, scale: 1, zero: 0, codes: [low, high] });
};

/** Noise of the activations under other ranges of as many codes; under wider ones only where something is clipped. */
function otherRanges(
  s: Statistics,
  t: TensorType,
  { signal, clipped }: NonNullable<ReturnType<typeof activationPower>>,
): { readonly option: string; readonly power: Power }[] {
  if (isMinifloat(t.dtype) || !t.quant) return [];
  const bits = bitsOf(t);
  const [low, high] = codesOf(t);
  const symmetric = t.quant.zeroPoint === 0 && low === -high;
  const d = distributionIn(s);
  const kinds = clipped > 0 ? (["minmax", "mse", "octav"] as const) : (["mse", "octav"] as const);
  return kinds.map((kind) => {
    const r = rangeFor(s, { kind }, { bits, symmetric });
    const noise = stepsError(d, stepsOver(r, high - low, symmetric));
    return { option: `--act-quant ${kind}`, power: { signal, noise } };
  });
}

/** Noise of the weights under other scales of as many codes. */
function otherScales(g: Graph, n: GemmNode, t: TensorType): { readonly option: string; readonly power: Power }[] {
  if (isMinifloat(t.dtype) || !t.quant) return [];
  const v = g.values.get(n.inputs[1]!)!;
  const layout = layoutOf(n, v.type.shape);
  const bits = bitsOf(t);
  const real = v.data as Float32Array;
  const top = topCode(bits);
  const methods: readonly WeightMethod[] = bits < 8 ? ["max", "mse", "octav", "sawb"] : ["max", "mse"];
  return methods.map((method) => {
    const scales = weightScales(real, layout, bits, method);
    let [signal, noise] = [0, 0];
    for (let i = 0; i < real.length; i++) {
      const scale = scales[Math.floor(i / layout.inner) % layout.channels]! || 1;
      const x = real[i]!;
      const q = Math.max(-top, Math.min(top, Math.round(x / scale)));
      signal += x * x;
      noise += (x - scale * q) ** 2;
    }
    return { option: `--weight-quant ${method}`, power: { signal, noise } };
  });
}

interface Found {
  readonly activations: OperandBlame | null;
  readonly weights: OperandBlame | null;
  readonly x: number;
  readonly w: number;
  readonly trials: readonly (Omit<Remedy, "sqnr"> & { readonly x: number; readonly w: number })[];
}

function layer(
  float: Graph,
  n: GemmNode,
  integer: Graph,
  typeOfSource: ReturnType<typeof storedAs>,
  s?: Statistics,
): Found {
  const input = float.values.get(n.inputs[0]!)!;
  const right = float.values.get(n.inputs[1]!)!;
  const t = typeOfSource(input.source);
  const power = s && t ? activationPower(s, t) : undefined;
  const constants = right.data ? weightsOf(integer, n.loc.node) : [];
  const own = constants.length === 1 ? weightPower(right.data!, constants[0]!) : undefined;
  const [x, w] = [relative(power), relative(own)];
  const weightType = constants[0]?.type;
  const trials = [
    ...(s && t && power ? otherRanges(s, t, power) : []).map((o) => ({ ...o, operand: "activations" as const })),
    ...(own && weightType ? otherScales(float, n, weightType) : []).map((o) => ({ ...o, operand: "weights" as const })),
  ].map(({ operand, option, power: p }) => ({
    operand,
    option,
    x: operand === "activations" ? relative(p) : x,
    w: operand === "weights" ? relative(p) : w,
  }));
  return {
    activations:
      power && t
        ? { tensor: input.source!, format: t.dtype, sqnr: rounded(decibelsOf(power)), clipped: power.clipped }
        : null,
    weights:
      own && weightType
        ? { tensor: right.source ?? right.id, format: weightType.dtype, sqnr: rounded(decibelsOf(own)), clipped: 0 }
        : null,
    x,
    w,
    trials,
  };
}

const rounded = (x: number): number => Number(x.toFixed(2));
const together = (x: number, w: number): number => rounded(decibelsOf({ signal: 1, noise: x + w }));

/** The best other range or scale; where none gains enough, more bits for the operand that has the more noise. */
function remedyFor(f: Found): Remedy | null {
  const own = together(f.x, f.w);
  const best = f.trials
    .map(({ operand, option, x, w }): Remedy => ({ operand, option, sqnr: together(x, w) }))
    .reduce<Remedy | undefined>((a, b) => (a && a.sqnr >= b.sqnr ? a : b), undefined);
  if (best && best.sqnr >= own + WORTH) return best;
  if (f.x === 0 && f.w === 0) return null;
  const operand = f.x >= f.w ? "activations" : "weights";
  const more = MORE_BITS[operand][(operand === "activations" ? f.activations : f.weights)?.format ?? ""];
  if (!more) return null;
  const less = 2 ** (-2 * more.bits);
  const sqnr = operand === "activations" ? together(f.x * less, f.w) : together(f.x, f.w * less);
  return sqnr >= own + WORTH ? { operand, option: more.option, sqnr } : null;
}

/** The next wider format, and how many bits it has more: each makes the squared error a quarter. */
const MORE_BITS: {
  readonly [O in Remedy["operand"]]: { readonly [format: string]: { readonly option: string; readonly bits: number } };
} = {
  activations: {
    int2: { option: "--precision int4", bits: 2 },
    int4: { option: "--precision int8", bits: 4 },
    int8: { option: "--precision int16", bits: 8 },
    fp8e4m3: { option: "--precision fp16", bits: 6 },
  },
  weights: {
    int2: { option: "--precision int4", bits: 2 },
    int4: { option: "--precision int8", bits: 4 },
    fp8e4m3: { option: "--precision fp16", bits: 6 },
  },
};

/**
 * The layers of `float`, a canonical float graph, worst first, as `integer`, what quantization made of it, stores their operands.
 * `statistics` are those of the float tensors that `blameTensors` names, over any samples; a tensor without them is left out.
 */
export function blame(float: Graph, integer: Graph, statistics: ReadonlyMap<string, Statistics>): LayerBlame[] {
  const typeOfSource = storedAs(integer);
  return gemms(float)
    .map((n) => {
      const { source } = float.values.get(n.inputs[0]!)!;
      const found = layer(float, n, integer, typeOfSource, source === undefined ? undefined : statistics.get(source));
      const { activations, weights, x, w } = found;
      return { node: n.loc.node, op: n.loc.op, own: together(x, w), activations, weights, remedy: remedyFor(found) };
    })
    .sort((a, b) => a.own - b.own);
}
