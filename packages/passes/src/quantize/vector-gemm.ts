import { CompilerBug, diag, elements, type GemmNode, type ValueId } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import { channelSums, topCode, weightScales } from "../ranges/index.js";
import { biasCorrection } from "./bias-correction.js";
import { type Context, floatValue } from "./context.js";
import { arrayBits, gridOf, splitOperand, storedBits } from "./digits.js";
import type { Form, PendingGemm } from "./form.js";
import { perChannel, scalar } from "./real.js";
import { INT32_LIMIT } from "./sum.js";
import { absoluteSums, layoutOf } from "./weights.js";

/** Bits of the whole-numbered scale of a vector. */
const SCALE_BITS = 4;
const TOP_SCALE = 2 ** SCALE_BITS - 1;

/** A range of input channels, and the weights that multiply them. */
interface Vector {
  readonly start: number;
  readonly size: number;
  readonly shape: readonly number[];
  readonly weights: Float32Array;
}

/** Quantized weights of one vector, and their scale per output channel, 0 to 15. */
interface Codes {
  readonly data: Int8Array;
  readonly scale: Int32Array;
}

/** Input channels lie on axis 1 of conv weights [O, C, *], on axis 0 of a matrix [K, N]. */
const channelAxis = (n: GemmNode): 0 | 1 => (n.op === "conv" ? 1 : 0);

/** Are there more input channels than a vector has, in one group and one matrix, and operands of 8 bits or fewer? */
export function hasVectors(c: Context, n: GemmNode, x: ValueId, bits: number): boolean {
  const { shape } = floatValue(c, n.inputs[1]!).type;
  const plain = n.op === "conv" ? n.attrs.groups === 1 : shape.length === 2;
  return (
    c.weightVector !== undefined &&
    plain &&
    bits <= 8 &&
    storedBits(c, x) <= 8 &&
    shape[channelAxis(n)]! > c.weightVector
  );
}

function vectorsOf(n: GemmNode, shape: readonly number[], w: Float32Array, length: number): Vector[] {
  const axis = channelAxis(n);
  const extent = shape[axis]!;
  const inner = elements(shape.slice(axis + 1));
  return Array.from({ length: Math.ceil(extent / length) }, (_, v) => {
    const start = v * length;
    const size = Math.min(length, extent - start);
    const weights = w.filter((_, i) => {
      const channel = Math.floor(i / inner) % extent;
      return channel >= start && channel < start + size;
    });
    return { start, size, shape: shape.map((d, i) => (i === axis ? size : d)), weights };
  });
}

/**
 * Two-level scales (VS-Quant, Dai et al., 2021): with s(v) the scale of vector v by the method, γ = max s(v) / 15 per output channel and
 * sq(v) = round(s(v) / γ), a weight is w ≈ q sq(v) γ.
 */
function quantizeVectors(
  c: Context,
  n: GemmNode,
  vectors: readonly Vector[],
  bits: number,
): { codes: Codes[]; gamma: Float64Array } {
  const method = c.weightMethod === "sawb" ? "max" : c.weightMethod;
  const scales = vectors.map((v) => weightScales(v.weights, layoutOf(n, v.shape), bits, method));
  const gamma = scales[0]!.map((_, o) => Math.max(...scales.map((s) => s[o]!)) / TOP_SCALE || 1);
  const top = topCode(bits);
  const codes = vectors.map((v, i): Codes => {
    const { channels, inner } = layoutOf(n, v.shape);
    const scale = Int32Array.from(gamma, (g, o) => Math.min(TOP_SCALE, Math.round(scales[i]![o]! / g)));
    const data = Int8Array.from(v.weights, (w, k) => {
      const o = Math.floor(k / inner) % channels;
      const step = scale[o]! * gamma[o]!;
      return step > 0 ? Math.max(-top, Math.min(top, roundHalfEven(w / step))) : 0;
    });
    return { data, scale };
  });
  return { codes, gamma };
}

/** What the codes of all vectors stand for, in the order of the layer's weights. */
function approximations(
  n: GemmNode,
  shape: readonly number[],
  vectors: readonly Vector[],
  codes: readonly Codes[],
  gamma: Float64Array,
): Float64Array {
  const axis = channelAxis(n);
  const inner = elements(shape.slice(axis + 1));
  const taken = vectors.map(() => 0);
  return Float64Array.from({ length: elements(shape) }, (_, i) => {
    const at = Math.floor((Math.floor(i / inner) % shape[axis]!) / vectors[0]!.size);
    const k = taken[at]!++;
    const layout = layoutOf(n, vectors[at]!.shape);
    const o = Math.floor(k / layout.inner) % layout.channels;
    return codes[at]!.data[k]! * codes[at]!.scale[o]! * gamma[o]!;
  });
}

/** The input's codes of a vector's channels. */
function sliceOf(c: Context, n: GemmNode, x: ValueId, { start, size }: Vector): ValueId {
  const { shape, quant } = c.builder.type(x);
  const axis = n.op === "conv" ? 1 : shape.length - 1;
  const attrs = {
    starts: shape.map((_, i) => (i === axis ? start : 0)),
    steps: shape.map(() => 1),
    sizes: shape.map((d, i) => (i === axis ? size : d)),
  };
  return c.builder.add("slice", [x], attrs, n.loc, { id: `${n.outputs[0]}.vector`, ...(quant ? { quant } : {}) });
}

/** One pass over the array: counts `factor` times per output channel. */
interface Pass {
  readonly operands: readonly [ValueId, ValueId];
  readonly factor: Float64Array;
  readonly reach: Float64Array;
}

function passesOf(
  c: Context,
  n: GemmNode,
  x: ValueId,
  v: Vector,
  { data, scale }: Codes,
  gamma: Float64Array,
  bits: number,
): Pass[] {
  const layout = layoutOf(n, v.shape);
  const array = arrayBits(storedBits(c, x), bits);
  const dtype = array === 2 ? "int2" : array === 4 ? "int4" : "int8";
  const axis = n.op === "conv" ? 0 : 1;
  const quant = { scale: Array.from(gamma, (g, o) => g * (scale[o]! || 1)), zeroPoint: 0, axis };
  const weights = c.constants.add({ dtype, shape: v.shape, quant }, data, `${n.inputs[1]}.vector`);
  const absolute = absoluteSums(data, layout);
  return splitOperand(c, sliceOf(c, n, x, v), array, n.loc).parts.map((p) => ({
    operands: [p.id, weights],
    factor: Float64Array.from(scale, (s) => s * p.factor),
    reach: absolute.map((a, o) => a * p.bound * scale[o]! * p.factor),
  }));
}

/** Σ factor · pass + bias in int32. */
function emitPasses(c: Context, n: GemmNode, passes: readonly Pass[], bias: Int32Array, trailing: number): ValueId {
  const name = n.outputs[0]!;
  const gemm = ({ operands }: Pass): ValueId => {
    const at = { id: `${name}.acc.vector` };
    if (n.op === "matmul") return c.builder.add("matmul", operands, {}, n.loc, at);
    const fill = c.builder.type(operands[0]).quant!.zeroPoint;
    return c.builder.add("conv", operands, { ...n.attrs, fill }, n.loc, at);
  };
  const at = { id: `${name}.acc` };
  const channelwise = (data: ArrayLike<number>, id: string) =>
    c.constants.int32(perChannel(Float64Array.from(data), trailing), `${name}.${id}`);
  const sum = passes.reduce<ValueId | undefined>((so, p) => {
    const [value, by] = [gemm(p), channelwise(p.factor, "vectorScale")];
    return so === undefined
      ? c.builder.add("imul", [value, by], { shift: 0 }, n.loc, at)
      : c.builder.add("imacc", [so, value, by], {}, n.loc, at);
  }, undefined);
  if (sum === undefined) throw new CompilerBug("quantize", `${name} has no vectors`);
  return bias.some((b) => b !== 0) ? c.builder.add("iadd", [sum, channelwise(bias, "bias")], {}, n.loc, at) : sum;
}

/**
 * A layer whose weights have a scale per vector of input channels: the reduction is split by vectors, every partial sum multiplied by
 * the vector's whole-numbered scale and added, all in int32 without rounding. γ is the layer's float scale.
 */
export function vectorGemm(c: Context, n: GemmNode, x: ValueId, bits: number): Form {
  const v = floatValue(c, n.inputs[1]!);
  const grid = gridOf(c.builder.type(x));
  const vectors = vectorsOf(n, v.type.shape, v.data as Float32Array, c.weightVector!);
  const { codes, gamma } = quantizeVectors(c, n, vectors, bits);
  const trailing = n.op === "conv" ? v.type.shape.length - 2 : 0;
  const passes = vectors.flatMap((vector, i) => passesOf(c, n, x, vector, codes[i]!, gamma, bits));
  const { offset } = splitOperand(c, x, arrayBits(storedBits(c, x), bits), n.loc);
  const base = new Float64Array(gamma.length);
  for (const [i, { data, scale }] of codes.entries()) {
    const { positive, negative } = channelSums(data, layoutOf(n, vectors[i]!.shape));
    for (let o = 0; o < base.length; o++) base[o]! += (offset - grid.zero) * scale[o]! * (positive[o]! + negative[o]!);
  }
  const reach = base.map((b, o) => passes.reduce((sum, p) => sum + p.reach[o]!, Math.abs(b)));
  const worst = reach.findIndex((r) => r > INT32_LIMIT);
  if (worst >= 0) {
    const reason = `sums of vectors in channel ${worst} can reach ${reach[worst]}; int32 holds ${INT32_LIMIT}`;
    c.problems.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, "leave out --weight-vector"));
  }
  const own = n.inputs[2] === undefined ? undefined : (floatValue(c, n.inputs[2]).data as Float32Array);
  const data = c.means ? approximations(n, v.type.shape, vectors, codes, gamma) : undefined;
  const correction = data && biasCorrection(c, n, { data, scale: gamma.map(() => 1) }, layoutOf(n, v.type.shape));
  const bias = correction?.map((x, o) => x + (own?.[o] ?? 0)) ?? own;
  const gemm: PendingGemm = {
    id: n.outputs[0]!,
    loc: n.loc,
    channels: gamma.length,
    trailing,
    lo: reach.map((r) => -r),
    hi: reach,
    room: (o) => INT32_LIMIT - reach[o]!,
    emit: (extra) =>
      emitPasses(
        c,
        n,
        passes,
        Int32Array.from(base, (b, o) => b + (extra?.[o] ?? 0)),
        trailing,
      ),
  };
  return {
    shape: floatValue(c, n.outputs[0]!).type.shape,
    terms: [
      {
        operand: { kind: "gemm", gemm },
        coef: perChannel(
          gamma.map((g) => g * grid.scale),
          trailing,
        ),
      },
    ],
    offset: bias ? perChannel(Float64Array.from(bias), trailing) : scalar(0),
  };
}
