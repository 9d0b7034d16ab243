import {
  type CodeGrid,
  CompilerBug,
  diag,
  elements,
  type GemmNode,
  type Loc,
  type NodeOf,
  type TensorType,
  type Value,
  type ValueId,
} from "@accelc/ir";
import { biasCorrection } from "./bias-correction.js";
import { type Context, floatValue, operandOn, storedId } from "./context.js";
import { arrayBits, gridOf, splitOperand, storedBits, weightDigits } from "./digits.js";
import { floatGemm } from "./float-gemm.js";
import { addForms, type Form, type PendingGemm, type Term } from "./form.js";
import { formatBits, isMinifloatFormat } from "./formats.js";
import { type FixedGrid, floatGridOf, magnitude, qmax, qmin } from "./grid.js";
import { type Digit, digitsOf, type Stretch, sliceFor, stretchesOf, summedAxis } from "./parts.js";
import { add, map, perChannel, type Real, scalar } from "./real.js";
import { INT32_LIMIT } from "./sum.js";
import { hasVectors, vectorGemm } from "./vector-gemm.js";
import { absoluteSums, layoutOf, quantizeWeights, reachOf } from "./weights.js";

/** An operand as integers that the array multiplies: what is stored, unless these are numbers. */
function codesOf(c: Context, id: ValueId, loc: Loc): ValueId {
  const x = storedId(c, id);
  return floatGridOf(c.builder.type(x)) ? operandOn(c, id, c.grids.codes(id), loc) : x;
}

/** One pass over the array: Σ a b of two parts of the operands, which counts `factor` times. */
interface Product {
  readonly operands: readonly [ValueId, ValueId];
  readonly factor: number;
  /** Greatest magnitude of the sum, per channel. */
  readonly reach: Float64Array;
}

/** What a GEMM is on integers, or a stretch of it: Σ factor · product + base, its value in units of `scale` per channel. */
interface Passes {
  readonly products: readonly Product[];
  readonly base: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  readonly scale: Float64Array;
  readonly trailing: number;
  /** What is added to the bias, in real numbers. */
  readonly correction?: Float64Array | undefined;
  /** Products per sum, for diagnostics. */
  readonly depth: number;
  /** Of a GEMM in several stretches, which this is; the first, 0, holds the bias. */
  readonly stretch?: number;
}

/**
 * Least useful scale of a channel's weights. A channel 2^22 times finer than the output's steps adds nothing to it but
 * multipliers and biases that int32 cannot hold: channels whose weights a batch norm has switched off. Steps of operands of 16
 * bits count as those of 8.
 */
function scaleFloor(c: Context, n: GemmNode, x: FixedGrid, bits: number): (channel: number) => number {
  const coarse = x.scale * 2 ** (x.bits - 8) * (bits === 16 ? 2 ** 8 : 1);
  const seen = c.grids.seen(n.outputs[0]!);
  const output = seen ? magnitude(seen) / 127 / 2 ** 22 : 0;
  const bias = n.inputs[2] === undefined ? undefined : floatValue(c, n.inputs[2]).data;
  return (channel) => Math.max(output, Math.abs(Number(bias?.[channel] ?? 0)) / 2 ** 28) / coarse;
}

function emitProduct(c: Context, n: GemmNode, p: Product, bias: Int32Array | undefined): ValueId {
  const name = n.outputs[0]!;
  const type: TensorType = { dtype: "int32", shape: [bias?.length ?? 0] };
  const all = bias?.some((b) => b !== 0) ? [...p.operands, c.constants.add(type, bias, `${name}.bias`)] : p.operands;
  const at = { id: p.factor === 1 ? `${name}.acc` : `${name}.acc.high` };
  const fill = c.builder.type(p.operands[0]).quant!.zeroPoint;
  return n.op === "conv"
    ? c.builder.add("conv", all, { ...n.attrs, fill }, n.loc, at)
    : c.builder.add("matmul", all, {}, n.loc, at);
}

/** Σ factor · product in int32, the bias in the product of factor 1, which comes first. */
function emitSum(c: Context, n: GemmNode, products: readonly Product[], bias: Int32Array): ValueId {
  const [low, ...more] = products as readonly [Product, ...Product[]];
  const others = more.map((p) => ({ id: emitProduct(c, n, p, undefined), factor: p.factor }));
  return others.reduce(
    (sum, { id, factor }) => {
      const by = c.constants.scalar(factor, `${n.outputs[0]}.factor`);
      return c.builder.add("imacc", [sum, id, by], {}, n.loc, { id: `${n.outputs[0]}.acc` });
    },
    emitProduct(c, n, low, bias),
  );
}

function pending(c: Context, n: GemmNode, products: readonly Product[], p: Omit<Passes, "products">): PendingGemm {
  const id = p.stretch ? `${n.outputs[0]}.${p.stretch}` : n.outputs[0]!;
  const reach = p.base.map((_, i) => products.reduce((sum, q) => sum + q.factor * q.reach[i]!, 0));
  let emitted = false;
  const emit = (extra: Int32Array | undefined): ValueId => {
    if (emitted) throw new CompilerBug("quantize", `${id} is emitted twice`);
    emitted = true;
    const bias = Int32Array.from(p.base, (b, i) => b + (extra?.[i] ?? 0));
    return emitSum(c, n, products, bias);
  };
  const room = (i: number) => INT32_LIMIT - reach[i]! - Math.abs(p.base[i]!);
  return { id, loc: n.loc, channels: p.base.length, trailing: p.trailing, lo: p.lo, hi: p.hi, room, emit };
}

/** PA2001 where a single pass can leave the accumulator. */
function checkProduct(
  c: Context,
  n: GemmNode,
  { reach }: Product,
  base: Float64Array | undefined,
  depth: number,
): void {
  const worst = reach.findIndex((r, i) => r + Math.abs(base?.[i] ?? 0) > INT32_LIMIT);
  if (worst < 0) return;
  const channel = floatValue(c, n.inputs[1]!).data ? ` in channel ${worst}` : "";
  const reason = `a sum of ${depth} products${channel} can reach ${reach[worst]}; the accumulator holds ${INT32_LIMIT}`;
  c.problems.push(
    diag("PA2001", n.loc, { op: n.loc.op, reason }, "split the operation, or reduce the size of its weights"),
  );
}

/** What int32 cannot hold as one sum: every product a term of its own, and what the zero point gives in the offset. */
function separateTerms(c: Context, n: GemmNode, p: Passes): Pick<Form, "terms" | "offset"> {
  const [low, ...more] = p.products as readonly [Product, ...Product[]];
  const coef = (factor: number): Real =>
    perChannel(
      p.scale.map((s) => s * factor),
      p.trailing,
    );
  for (const q of p.products) checkProduct(c, n, q, undefined, p.depth);
  const zeros = new Float64Array(p.base.length);
  const gemm = pending(c, n, [low], { ...p, base: zeros, lo: low.reach.map((r) => -r), hi: low.reach });
  const terms = more.map((q): Term => {
    const bound = q.reach.reduce((m, r) => Math.max(m, r), 1);
    return {
      operand: { kind: "value", value: { id: emitProduct(c, n, q, undefined), bound, int32: true, digits: true } },
      coef: coef(q.factor),
    };
  });
  return {
    terms: [{ operand: { kind: "gemm", gemm }, coef: coef(1) }, ...terms],
    offset: perChannel(
      p.base.map((b, i) => b * p.scale[i]!),
      p.trailing,
    ),
  };
}

function formOfPasses(c: Context, n: GemmNode, p: Passes): Form {
  const given = p.stretch ? undefined : n.inputs[2];
  const own = given === undefined ? undefined : (floatValue(c, given).data as Float32Array);
  const bias = p.correction?.map((x, i) => x + (own?.[i] ?? 0)) ?? own;
  const { shape } = floatValue(c, n.outputs[0]!).type;
  const total = p.base.map((b, i) => p.products.reduce((sum, q) => sum + q.factor * q.reach[i]!, Math.abs(b)));
  if (p.products.length > 1 && total.some((t) => t > INT32_LIMIT)) {
    const { terms, offset } = separateTerms(c, n, p);
    const data = offset.data.map((x, i) => x + (bias?.[i] ?? 0));
    return { shape, terms, offset: { shape: offset.shape, data } };
  }
  if (p.products.length === 1) checkProduct(c, n, p.products[0]!, p.base, p.depth);
  const gemm = pending(c, n, p.products, p);
  return {
    shape,
    terms: [{ operand: { kind: "gemm", gemm }, coef: perChannel(p.scale, p.trailing) }],
    offset: bias ? perChannel(Float64Array.from(bias), p.trailing) : scalar(0),
  };
}

/** conv and matmul with constant weights. Zero point and offset of the digits go into the base, (offset − z) Σ w. */
function weighted(c: Context, n: GemmNode): Form {
  const [input, weight] = n.inputs as readonly [ValueId, ValueId];
  const { grid: own } = floatValue(c, weight);
  if (own) return stated(c, n, { ...floatValue(c, weight), grid: own });
  const x = codesOf(c, input, n.loc);
  const grid = gridOf(c.builder.type(x));
  const v = floatValue(c, weight);
  const layout = layoutOf(n, v.type.shape);
  const bits = formatBits(c.formats.get(n.outputs[0]!)!.weights);
  if (hasVectors(c, n, x, bits)) return vectorGemm(c, n, x, bits);
  const choice = { method: c.weightMethod, pair: c.sawbPairs?.get(bits), perTensor: c.weightPerTensor };
  const w = quantizeWeights(v.data!, layout, bits, grid, scaleFloor(c, n, grid, bits), choice);
  const axis = n.op === "conv" ? 0 : v.type.shape.length - 1;
  const array = arrayBits(storedBits(c, x), bits);
  const dtype = array === 2 ? "int2" : array === 4 ? "int4" : "int8";
  const { parts, offset } = splitOperand(c, x, array, n.loc);
  const products = weightDigits(w.data).flatMap((data, digit) => {
    const factor = 256 ** digit;
    const quant = { scale: Array.from(w.scale, (s) => s * factor), zeroPoint: 0, axis };
    const id = c.constants.add({ dtype, shape: v.type.shape, quant }, data, v.id);
    const absolute = absoluteSums(data, layout);
    return parts.map(
      (p): Product => ({ operands: [p.id, id], factor: factor * p.factor, reach: absolute.map((a) => a * p.bound) }),
    );
  });
  return formOfPasses(c, n, {
    products,
    base: w.sum.map((s) => 0 + (offset - grid.zero) * s),
    lo: w.lo,
    hi: w.hi,
    scale: w.scale.map((s) => s * grid.scale),
    trailing: n.op === "conv" ? v.type.shape.length - 2 : 0,
    correction: biasCorrection(c, n, w, layout),
    depth: w.data.length / layout.channels,
  });
}

/** −z Σ w for each matrix and column of weights that are many matrices, which a bias per column cannot hold. */
function batchOffset({ codes, shape, scale }: Stretch, x: FixedGrid, zero: number): Real {
  const [columns, lead] = [shape.at(-1)!, shape.slice(0, -2)];
  const size = codes.length / elements(lead);
  const sums = new Float64Array(elements(lead) * columns);
  codes.forEach((q, i) => {
    sums[Math.floor(i / size) * columns + (i % columns)]! += q;
  });
  return { shape: [...lead, 1, columns], data: sums.map((q, i) => 0 - zero * q * x.scale * scale[i % columns]!) };
}

const bitsOf = (digits: readonly Digit[]): number => {
  const [first, more] = digits as readonly [Digit, Digit | undefined];
  return more ? 8 : ([2, 4].find((b) => first.data.every((q) => q >= -(2 ** (b - 1)) && q < 2 ** (b - 1))) ?? 8);
};

/** Sums over one stretch of weights whose codes the model states. */
function stretchForm(
  c: Context,
  n: GemmNode,
  x: ValueId,
  v: Value,
  s: Stretch,
  digits: readonly Digit[],
  at: number,
): Form {
  const grid = gridOf(c.builder.type(x));
  const own = sliceFor(c, n, x, s, v.type.shape[summedAxis(n, v.type.shape)]!);
  const array = arrayBits(storedBits(c, own), bitsOf(digits));
  const dtype = array === 2 ? "int2" : array === 4 ? "int4" : "int8";
  const { parts, offset } = splitOperand(c, own, array, n.loc);
  const axis = n.op === "conv" ? 0 : s.shape.length - 1;
  const products = digits.flatMap(({ data, factor }) => {
    const quant = { scale: Array.from(s.scale, (k) => k * factor), zeroPoint: 0, axis };
    const id = c.constants.add({ dtype, shape: s.shape, quant }, data, v.id);
    const absolute = absoluteSums(data, s.layout);
    return parts.map(
      (p): Product => ({ operands: [p.id, id], factor: factor * p.factor, reach: absolute.map((a) => a * p.bound) }),
    );
  });
  const apart = n.op === "matmul" && elements(s.shape.slice(0, -2)) > 1;
  const w = reachOf(s.codes, s.layout, apart ? { ...grid, zero: offset } : grid);
  const form = formOfPasses(c, n, {
    products,
    base: w.sum.map((q) => (apart ? 0 : 0 + (offset - grid.zero) * q)),
    lo: w.lo,
    hi: w.hi,
    scale: s.scale.map((k) => k * grid.scale),
    trailing: n.op === "conv" ? s.shape.length - 2 : 0,
    depth: s.codes.length / s.layout.channels,
    stretch: at,
  });
  return apart ? { ...form, offset: add(form.offset, batchOffset(s, grid, grid.zero - offset)) } : form;
}

/** What is left where all weights are 0. */
function biasForm(c: Context, n: GemmNode): Form {
  const { shape } = floatValue(c, n.outputs[0]!).type;
  const bias = n.inputs[2] === undefined ? undefined : floatValue(c, n.inputs[2]).data;
  const trailing = n.op === "conv" ? shape.length - 2 : 0;
  return { shape, terms: [], offset: bias ? perChannel(Float64Array.from(bias as Float32Array), trailing) : scalar(0) };
}

/** conv and matmul with weights whose grid the model states: its codes and scales. PA2001 where the array has no such sum. */
function stated(c: Context, n: GemmNode, v: Value & { readonly grid: CodeGrid }): Form {
  const refuse = (reason: string, hint: string): Form => {
    c.problems.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, hint));
    return biasForm(c, n);
  };
  const x = codesOf(c, n.inputs[0]!, n.loc);
  const grid = gridOf(c.builder.type(x));
  const pads = n.op === "conv" && n.attrs.pads.some((p) => p !== 0);
  if (pads && (grid.zero < qmin(grid) || grid.zero > qmax(grid)))
    return refuse(
      `its padding holds 0, and the grid of its input, with the zero point ${grid.zero}, does not`,
      "give the input a zero point within its codes",
    );
  const stretches = stretchesOf(n, v, layoutOf(n, v.type.shape));
  if (typeof stretches === "string") return refuse(stretches, "export its weights with one scale per output channel");
  const forms: Form[] = [];
  for (const s of stretches) {
    const digits = digitsOf(s.codes);
    if (!digits)
      return refuse("its weights have codes of more than 16 bits", "export its weights with 16 bits or fewer");
    forms.push(stretchForm(c, n, x, v, s, digits, forms.length));
  }
  return forms.length > 0 ? forms.reduce(addForms) : biasForm(c, n);
}

/** coef · Σ over an axis of an operand's codes. */
function operandSum(c: Context, n: NodeOf<"matmul">, id: ValueId, axis: number, coef: number): Term[] {
  if (coef === 0) return [];
  const { shape } = c.builder.type(id);
  const grid = gridOf(c.builder.type(id));
  const at = shape.length + axis;
  const sum = c.builder.add("ireduce", [id], { kind: "sum", axes: [at] }, n.loc, { id: `${n.outputs[0]}.sums` });
  const value = { id: sum, bound: Math.max(-qmin(grid), qmax(grid)) * shape[at]!, int32: true };
  return [{ operand: { kind: "value", value }, coef: scalar(coef) }];
}

/**
 * matmul of two activations. With digits A + o of the codes a, zero point z, and B + p of b, zero point t:
 * Σ (a − z)(b − t) = Σ A B + (p − t) Σ a + (o − z) Σ b + depth (z t − o p).
 */
function unweighted(c: Context, n: NodeOf<"matmul">): Form {
  const ids = [codesOf(c, n.inputs[0]!, n.loc), codesOf(c, n.inputs[1]!, n.loc)] as const;
  const array = arrayBits(storedBits(c, ids[0]), storedBits(c, ids[1]));
  const [a, b] = [splitOperand(c, ids[0], array, n.loc), splitOperand(c, ids[1], array, n.loc)];
  const depth = c.builder.type(ids[0]).shape.at(-1)!;
  const channels = c.builder.type(ids[1]).shape.at(-1)!;
  const all = (x: number) => new Float64Array(channels).fill(x);
  const products = b.parts.flatMap((q) =>
    a.parts.map(
      (p): Product => ({ operands: [p.id, q.id], factor: p.factor * q.factor, reach: all(p.bound * q.bound * depth) }),
    ),
  );
  const [s, t] = [gridOf(c.builder.type(ids[0])), gridOf(c.builder.type(ids[1]))];
  const top = products.reduce((sum, p) => sum + p.factor * p.reach[0]!, 0);
  const unit = s.scale * t.scale;
  const scale = all(unit);
  const form = formOfPasses(c, n, { products, base: all(0), lo: all(-top), hi: all(top), scale, trailing: 0, depth });
  const shift = depth * (s.zero * t.zero - a.offset * b.offset) * unit;
  return {
    ...form,
    terms: [
      ...form.terms,
      ...operandSum(c, n, ids[0], -1, (b.offset - t.zero) * unit),
      ...operandSum(c, n, ids[1], -2, (a.offset - s.zero) * unit),
    ],
    offset: map(form.offset, (x) => x + shift),
  };
}

/** A conv or matmul in the format of its layer. */
export function gemmOfNode(c: Context, n: GemmNode): Form {
  const { activations } = c.formats.get(n.outputs[0]!)!;
  if (isMinifloatFormat(activations)) return floatGemm(c, n, activations);
  return n.op === "conv" || floatValue(c, n.inputs[1]!).data ? weighted(c, n) : unweighted(c, n);
}
