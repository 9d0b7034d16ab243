import { allocate, type Data, diag, type GemmNode, type TensorType, type ValueId } from "@accelc/ir";
import { DLFLOAT16, encode, fp8, roundTo } from "@accelc/numerics";
import { type Context, farReach, floatValue, operandOn } from "./context.js";
import type { Form } from "./form.js";
import { type FloatGrid, floatGridOf, formatOf, fp8Bias, magnitude, rangeOf, typeOn } from "./grid.js";
import { joinGroups } from "./joined-groups.js";
import { fixedOfNumber } from "./numbers.js";
import { scalar } from "./real.js";
import { layoutOf } from "./weights.js";

type NumberFormat = "fp16" | "hfp8";

const topOf = (data: ArrayLike<number>): number => Array.prototype.reduce.call(data, larger, 0) as number;
const larger = (m: unknown, x: unknown): number => Math.max(m as number, Math.abs(x as number));

/** The exponent bias under which FP8 is nearest to the data by squares: that which holds the greatest magnitude, or up to two more. */
export function nearestBias(data: ArrayLike<number>): number {
  const whole = fp8Bias(topOf(data));
  const error = (bias: number): number => {
    const f = fp8(bias);
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += (data[i]! - roundTo(f, data[i]!)) ** 2;
    return sum;
  };
  const biases = [whole, whole + 1, whole + 2].filter((b) => b <= 31);
  return biases.reduce((best, b) => (error(b) < error(best) ? b : best));
}

function encodeAll(g: FloatGrid, data: ArrayLike<number>): Data {
  const out = allocate(g.format, data.length) as Uint16Array;
  const format = formatOf(g);
  for (let i = 0; i < out.length; i++) out[i] = encode(format, data[i]!, "even", true);
  return out;
}

/** Weights or another constant operand on the right, in the groups the array multiplies. */
function constantOperand(c: Context, n: GemmNode, format: NumberFormat) {
  const v = floatValue(c, n.inputs[1]!);
  const plain = { data: v.data as Float32Array, shape: v.type.shape, groups: n.op === "conv" ? n.attrs.groups : 1 };
  const w = n.op === "conv" ? joinGroups(plain, c.sums.lanes) : plain;
  const grid: FloatGrid =
    format === "fp16" ? { format: "dlfloat16" } : { format: "fp8e4m3", bias: nearestBias(plain.data) };
  return { id: c.constants.add(typeOn(grid, w.shape), encodeAll(grid, w.data), v.id), groups: w.groups };
}

function biasOf(c: Context, n: GemmNode): readonly ValueId[] {
  if (n.inputs[2] === undefined) return [];
  const v = floatValue(c, n.inputs[2]);
  const type: TensorType = { dtype: "dlfloat16", shape: v.type.shape };
  return [c.constants.add(type, encodeAll({ format: "dlfloat16" }, v.data as Float32Array), `${n.outputs[0]}.bias`)];
}

/** PA2001 where the numbers that a GEMM meets are beyond DLFloat. */
function checkNumbers(c: Context, n: GemmNode): void {
  const { maxFinite, minPositive } = DLFLOAT16;
  const tops = [
    ...n.inputs.map((id) => {
      const { data } = floatValue(c, id);
      return data ? topOf(data as Float32Array) : magnitude(c.grids.seen(id) ?? { min: 0, max: 0 });
    }),
    magnitude(c.grids.seen(n.outputs[0]!) ?? { min: 0, max: 0 }),
  ];
  const names = [...n.inputs, n.outputs[0]!];
  const bad = tops.findIndex((t) => t > maxFinite || (t > 0 && t < minPositive));
  if (bad < 0) return;
  const reason = `${names[bad]} reaches ${tops[bad]!.toPrecision(3)}; the largest DLFloat number is ${maxFinite.toPrecision(3)}, the smallest ${minPositive.toPrecision(3)}`;
  c.problems.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, "scale the tensor, or use --precision int8"));
}

/**
 * A bound on the magnitude of a sum: |x| at most what its grid holds, times the greatest Σ |w| of a channel, plus the bias. Every
 * sum of the chain rounds by a factor of 1 + 2^−10 at most.
 */
function provenOf(c: Context, n: GemmNode, x: FloatGrid): number {
  const v = floatValue(c, n.inputs[1]!);
  if (!v.data) return Number.POSITIVE_INFINITY;
  const layout = layoutOf(n, v.type.shape);
  const sums = new Float64Array(layout.channels);
  const w = v.data as Float32Array;
  for (let i = 0; i < w.length; i++) sums[Math.floor(i / layout.inner) % layout.channels]! += Math.abs(w[i]!);
  const depth = w.length / layout.channels;
  const bias = n.inputs[2] === undefined ? 0 : topOf(floatValue(c, n.inputs[2]).data as Float32Array);
  const roundings = c.sums.chunk / 2 + depth / c.sums.chunk + 4;
  return (magnitude(rangeOf(x)) * topOf(sums) * (1 + 2 ** -4) + bias) * (1 + 2 ** -10) ** roundings;
}

/** conv and matmul of numbers: operands as codes, DLFloat sums, and from there on fixed point under a power of two. */
export function floatGemm(c: Context, n: GemmNode, format: NumberFormat): Form {
  checkNumbers(c, n);
  const [left, right] = n.inputs as readonly [ValueId, ValueId];
  const grid = c.grids.numbers(left, format);
  const x = operandOn(c, left, grid, n.loc);
  const fixed = floatValue(c, right).data;
  const w = fixed
    ? constantOperand(c, n, format)
    : { id: operandOn(c, right, c.grids.numbers(right, format), n.loc), groups: 1 };
  const order = { pass: c.sums.pass[format], chunk: c.sums.chunk };
  const operands = [x, w.id, ...biasOf(c, n)];
  const at = { id: `${n.outputs[0]}.sum` };
  const sum =
    n.op === "conv"
      ? c.builder.add("conv", operands, { ...n.attrs, ...order, fill: 0, groups: w.groups }, n.loc, at)
      : c.builder.add("matmul", operands, order, n.loc, at);
  const reach = { proven: provenOf(c, n, floatGridOf(c.builder.type(x))!), limit: farReach(c, n.outputs[0]!) };
  const { value, unit } = fixedOfNumber(c, sum, reach, { loc: n.loc, name: n.outputs[0]! });
  const { shape } = floatValue(c, n.outputs[0]!).type;
  return { shape, terms: [{ operand: { kind: "value", value }, coef: scalar(unit) }], offset: scalar(0) };
}
