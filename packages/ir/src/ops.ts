import {
  broadcastShapes,
  type CodeGrid,
  DTYPE_BITS,
  type DType,
  elements,
  isMinifloat,
  sameShape,
  type TensorType,
} from "./types.js";
import type { UnaryName } from "./unary.js";

/**
 * The order of a sum of minifloat products, absent for integers: input channels in blocks of `pass` (what the array takes per
 * pass; a last block is filled up with zeros), in a block kernel row, kernel column, channel. Products are added two at a
 * time by FMMA from 0 in chunks of `chunk` products, chunk sums in order from 0, the bias last; every sum rounds to DLFloat.
 * A product with a zero factor is 0.
 */
export interface SumOrder {
  readonly pass?: number;
  readonly chunk?: number;
}

/** Spatial attributes hold one entry per spatial axis; `pads` holds all begins, then all ends. */
export interface ConvAttrs extends SumOrder {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly groups: number;
  /** What padding reads as: 0 in the float graph, the input's zero point in the integer graph. */
  readonly fill: number;
}

export interface WindowAttrs {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Effective padding, whatever rounding of the output size asked for included. */
  readonly pads: readonly number[];
}

export interface AveragePoolAttrs extends WindowAttrs {
  /** The part of `pads` that counts in the divisor: all zero, or the padding the user declared. */
  readonly countedPads: readonly number[];
}

export interface IntegerWindowAttrs extends WindowAttrs {
  readonly kind: "max" | "min" | "sum";
  /** What padding reads as. */
  readonly fill: number;
}

export interface SliceAttrs {
  /** One entry per axis: output element i reads input element starts + i * steps; a step may be negative. */
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly sizes: readonly number[];
}

export interface PadAttrs {
  /** All begins, then all ends; none negative. */
  readonly pads: readonly number[];
  readonly value: number;
}

/**
 * To an integer: to the nearest, ties to even, to odd, away from zero, toward zero; down, up, toward zero, away from zero; or
 * 1 where x >= 0 and -1 elsewhere.
 */
export type Rounding = "even" | "odd" | "halfAway" | "halfZero" | "floor" | "ceil" | "zero" | "away" | "sign";

export interface FakeQuantAttrs extends CodeGrid {
  readonly rounding: Rounding;
}

type None = Readonly<Record<never, never>>;
export type Reduction =
  | "sum"
  | "mean"
  | "max"
  | "min"
  | "prod"
  | "l1"
  | "l2"
  | "sumSquare"
  | "meanSquare"
  | "logSum"
  | "logSumExp";
export type Comparison = "eq" | "ne" | "gt" | "ge" | "lt" | "le";

/** Attributes of the operations that stand in float graphs only. */
export interface FloatOpAttrs {
  add: None;
  sub: None;
  mul: None;
  div: None;
  relu: None;
  leakyRelu: { readonly alpha: number };
  clip: { readonly min: number; readonly max: number };
  batchNorm: { readonly epsilon: number };
  maxPool: WindowAttrs;
  averagePool: AveragePoolAttrs;
  cast: { readonly to: DType };
  identity: None;
  fakeQuant: FakeQuantAttrs;
  unary: { readonly fn: UnaryName; readonly a: number; readonly b: number };
  pow: None;
  minimum: None;
  maximum: None;
  mod: { readonly fmod: boolean };
  compare: { readonly kind: Comparison };
  logical: { readonly kind: "and" | "or" | "xor" };
  bitwise: { readonly kind: "and" | "or" | "xor" | "shiftLeft" | "shiftRight" };
  not: { readonly bitwise: boolean };
  where: None;
  reduce: { readonly kind: Reduction; readonly axes: readonly number[] };
  argReduce: { readonly kind: "max" | "min"; readonly axis: number; readonly last: boolean };
  softmax: { readonly axis: number; readonly log: boolean };
  cumSum: { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
}

/** Attributes of the operations of both graphs. */
export interface SharedOpAttrs {
  conv: ConvAttrs;
  matmul: SumOrder;
  reshape: { readonly shape: readonly number[] };
  transpose: { readonly perm: readonly number[] };
  slice: SliceAttrs;
  pad: PadAttrs;
  concat: { readonly axis: number };
  expand: { readonly shape: readonly number[] };
  gather: { readonly axis: number };
}

/** Attributes of the operations that stand in integer graphs only. */
export interface IntegerOpAttrs {
  iadd: None;
  isub: None;
  imul: { readonly shift: number };
  imacc: None;
  idiv: None;
  imax: None;
  imin: None;
  ishr: None;
  ishl: None;
  iand: None;
  ior: None;
  inot: None;
  iabs: None;
  isign: None;
  icmp: { readonly kind: Comparison };
  select: None;
  narrow: { readonly shift: number; readonly bits: 4 | 8 | 16 };
  pack: { readonly bits: 4 | 2 };
  toFixed: { readonly shift: number };
  toDlfloat: { readonly shift: number };
  toFp8: { readonly format: "fp8e4m3" | "fp8e5m2"; readonly bias: number };
  fromFp8: None;
  iwindow: IntegerWindowAttrs;
  ireduce: { readonly kind: "max" | "min" | "sum"; readonly axes: readonly number[] };
}

export interface OpAttrs extends FloatOpAttrs, SharedOpAttrs, IntegerOpAttrs {}
export type OpName = keyof OpAttrs;
/** Operations that an integer graph may hold. */
export type IntegerOpName = keyof SharedOpAttrs | keyof IntegerOpAttrs;
export type OpClass = "gemm" | "elementwise" | "window" | "reduction" | "movement" | "norm" | "cast";

export interface OpDef<A> {
  /** One sentence, with the exact arithmetic for integer operations. */
  readonly doc: string;
  /** The graphs it may stand in. */
  readonly level: "float" | "integer" | "both";
  readonly kind: OpClass;
  /** Fewest and most inputs. */
  readonly arity: readonly [number, number];
  /** The output's type, or the reason why the inputs do not fit. */
  infer(inputs: readonly TensorType[], attrs: A): TensorType | string;
}

const bool = (shape: readonly number[]): TensorType => ({ dtype: "bool", shape });
const i32 = (shape: readonly number[]): TensorType => ({ dtype: "int32", shape });
const show = (t: TensorType): string => `[${t.shape.join(",")}]`;
const like = (t: TensorType, shape: readonly number[]): TensorType => ({ ...t, shape });

function broadcast(inputs: readonly TensorType[]): readonly number[] | string {
  let shape: readonly number[] = inputs[0]!.shape;
  for (const t of inputs.slice(1)) {
    const s = broadcastShapes(shape, t.shape);
    if (!s) return `shapes ${inputs.map(show).join(" and ")} do not broadcast`;
    shape = s;
  }
  return shape;
}

function elementwise(inputs: readonly TensorType[], result: (s: readonly number[]) => TensorType): TensorType | string {
  const s = broadcast(inputs);
  return typeof s === "string" ? s : result(s);
}

/** Output extent of a window along one axis. */
export function windowExtent(size: number, kernel: number, stride: number, dilation: number, pad: number): number {
  return Math.floor((size + pad - ((kernel - 1) * dilation + 1)) / stride) + 1;
}

function windowShape(x: TensorType, kernel: readonly number[], a: Omit<WindowAttrs, "kernel">): number[] | string {
  const k = kernel.length;
  const lead = x.shape.length - k;
  if (lead < 2) return `rank ${x.shape.length} input with ${k} spatial axes`;
  if (a.strides.length !== k || a.dilations.length !== k || a.pads.length !== 2 * k)
    return `strides, dilations and pads need ${k}, ${k} and ${2 * k} entries; they have ${a.strides.length}, ${a.dilations.length} and ${a.pads.length}`;
  const out = x.shape.slice(0, lead);
  for (let i = 0; i < k; i++) {
    const n = windowExtent(x.shape[lead + i]!, kernel[i]!, a.strides[i]!, a.dilations[i]!, a.pads[i]! + a.pads[k + i]!);
    if (n < 1)
      return `a window of ${(kernel[i]! - 1) * a.dilations[i]! + 1} is larger than the padded input ${x.shape[lead + i]! + a.pads[i]! + a.pads[k + i]!} along spatial axis ${i}`;
    out.push(n);
  }
  return out;
}

const ARRAY_INTEGERS: ReadonlySet<DType> = new Set<DType>(["int8", "int4", "int2"]);

/** Element type of a sum of products, or why the operands do not go together. */
function productType(
  x: TensorType,
  w: TensorType,
  bias: TensorType | undefined,
  order: SumOrder,
): DType | { readonly problem: string } {
  if (!ARRAY_INTEGERS.has(x.dtype) && !isMinifloat(x.dtype)) return x.dtype === "float32" ? "float32" : "int32";
  const pair = `operands ${x.dtype} and ${w.dtype}`;
  if (isMinifloat(x.dtype) !== isMinifloat(w.dtype)) return { problem: `${pair} are no pair of the array` };
  if (isMinifloat(x.dtype)) {
    if ((x.dtype === "dlfloat16") !== (w.dtype === "dlfloat16")) return { problem: `${pair} are no pair of the array` };
    if (!(order.pass! > 0 && order.chunk! > 0)) return { problem: `${pair} need an order of their sum` };
    return bias && bias.dtype !== "dlfloat16" ? { problem: `bias ${bias.dtype} of a minifloat sum` } : "dlfloat16";
  }
  return DTYPE_BITS[x.dtype] === DTYPE_BITS[w.dtype] ? "int32" : { problem: `${pair} differ in width` };
}

function inferConv(inputs: readonly TensorType[], a: ConvAttrs): TensorType | string {
  const [x, w, b] = inputs as readonly [TensorType, TensorType, TensorType | undefined];
  if (w.shape.length !== x.shape.length || w.shape.length < 3)
    return `input ${show(x)} and weight ${show(w)} must have one rank, 3 or more`;
  const [oc, icg] = [w.shape[0]!, w.shape[1]!];
  if (x.shape[1] !== icg * a.groups)
    return `input ${show(x)} has ${x.shape[1]} channels; weight ${show(w)} in ${a.groups} groups needs ${icg * a.groups}`;
  if (oc % a.groups !== 0) return `${oc} output channels do not divide into ${a.groups} groups`;
  if (b && elements(b.shape) !== oc) return `bias ${show(b)} must have ${oc} elements`;
  const s = windowShape(x, w.shape.slice(2), a);
  if (typeof s === "string") return s;
  const dtype = productType(x, w, b, a);
  return typeof dtype === "string" ? { dtype, shape: [x.shape[0]!, oc, ...s.slice(2)] } : dtype.problem;
}

function inferMatmul(inputs: readonly TensorType[], a: SumOrder): TensorType | string {
  const [x, b, bias] = inputs as readonly [TensorType, TensorType, TensorType | undefined];
  if (x.shape.length < 2 || b.shape.length < 2) return `operands ${show(x)} and ${show(b)} must have rank 2 or more`;
  const [m, k] = x.shape.slice(-2) as [number, number];
  const [k2, n] = b.shape.slice(-2) as [number, number];
  if (k !== k2) return `inner extents of ${show(x)} and ${show(b)} differ: ${k} and ${k2}`;
  const batch = broadcastShapes(x.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch) return `batch axes of ${show(x)} and ${show(b)} do not broadcast`;
  if (bias && elements(bias.shape) !== n) return `bias ${show(bias)} must have ${n} elements`;
  const dtype = productType(x, b, bias, a);
  return typeof dtype === "string" ? { dtype, shape: [...batch, m, n] } : dtype.problem;
}

function inferReduce(x: TensorType, axes: readonly number[]): TensorType | string {
  const bad = axes.find((a) => a < 0 || a >= x.shape.length);
  if (bad !== undefined) return `axis ${bad} is outside rank ${x.shape.length}`;
  return like(
    x,
    x.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
  );
}

function inferConcat(inputs: readonly TensorType[], axis: number): TensorType | string {
  const first = inputs[0]!;
  if (axis < 0 || axis >= first.shape.length) return `axis ${axis} is outside rank ${first.shape.length}`;
  const rest = (t: TensorType) => t.shape.map((n, i) => (i === axis ? 0 : n));
  if (!inputs.every((t) => sameShape(rest(t), rest(first)) && t.dtype === first.dtype))
    return `inputs ${inputs.map(show).join(", ")} differ outside axis ${axis}`;
  return like(
    first,
    first.shape.map((n, i) => (i === axis ? inputs.reduce((s, t) => s + t.shape[axis]!, 0) : n)),
  );
}

function inferSlice(x: TensorType, a: SliceAttrs): TensorType | string {
  if (a.starts.length !== x.shape.length) return `${a.starts.length} starts for rank ${x.shape.length}`;
  for (let i = 0; i < a.sizes.length; i++) {
    const last = a.starts[i]! + (a.sizes[i]! - 1) * a.steps[i]!;
    if (a.sizes[i]! > 0 && (a.starts[i]! < 0 || a.starts[i]! >= x.shape[i]! || last < 0 || last >= x.shape[i]!))
      return `elements ${a.starts[i]} to ${last} are outside axis ${i} of ${show(x)}`;
  }
  return like(x, a.sizes);
}

function gridProblem(x: TensorType, g: CodeGrid): string | undefined {
  const whole = broadcastShapes(x.shape, g.shape);
  if (!whole || !sameShape(whole, x.shape)) return `scales [${g.shape.join(",")}] do not broadcast to ${show(x)}`;
  const size = elements(g.shape);
  if (g.scale.length !== size || g.zero.length !== size)
    return `${g.scale.length} scales and ${g.zero.length} zero points for the shape [${g.shape.join(",")}]`;
  if (g.scale.some((s) => !(Number.isFinite(s) && s !== 0))) return "a scale is 0 or not finite";
  return g.codes[0] <= g.codes[1] ? undefined : `codes from ${g.codes[0]} to ${g.codes[1]}`;
}

const def = <A>(
  level: OpDef<A>["level"],
  kind: OpClass,
  arity: readonly [number, number],
  doc: string,
  infer: OpDef<A>["infer"],
): OpDef<A> => ({ doc, level, kind, arity, infer });

const floatBinary = (doc: string) =>
  def<None>("float", "elementwise", [2, 2], doc, (t) => elementwise(t, (s) => like(t[0]!, s)));
const lanes = (n: number, doc: string) => def<None>("integer", "elementwise", [n, n], doc, (t) => elementwise(t, i32));
const sameAs = (level: OpDef<None>["level"], doc: string) => def<None>(level, "elementwise", [1, 1], doc, (t) => t[0]!);

function inferWindow(t: readonly TensorType[], a: WindowAttrs, dtype: DType): TensorType | string {
  const s = windowShape(t[0]!, a.kernel, a);
  return typeof s === "string" ? s : { ...t[0]!, dtype, shape: s };
}

/** One row per operation of either graph. */
export const OPS: { readonly [K in OpName]: OpDef<OpAttrs[K]> } = {
  add: floatBinary("a + b, broadcast"),
  sub: floatBinary("a - b, broadcast"),
  mul: floatBinary("a * b, broadcast"),
  div: floatBinary("a / b, broadcast"),
  relu: sameAs("float", "max(x, 0)"),
  leakyRelu: def("float", "elementwise", [1, 1], "x < 0 ? alpha * x : x", (t) => t[0]!),
  clip: def("float", "elementwise", [1, 1], "min(max(x, min), max)", (t) => t[0]!),
  batchNorm: def(
    "float",
    "norm",
    [5, 5],
    "scale * (x - mean) / sqrt(variance + epsilon) + bias; inputs x, scale, bias, mean, variance; channels on axis 1",
    (t) => {
      const c = t[0]!.shape[1] ?? 1;
      const bad = t.slice(1).find((p) => elements(p.shape) !== c);
      return bad ? `parameters ${show(bad)} for ${c} channels` : t[0]!;
    },
  ),
  maxPool: def("float", "window", [1, 1], "maximum over a window; padding never wins", (t, a) =>
    inferWindow(t, a, t[0]!.dtype),
  ),
  averagePool: def("float", "window", [1, 1], "mean over a window of the elements that count", (t, a) =>
    inferWindow(t, a, t[0]!.dtype),
  ),
  cast: def("float", "cast", [1, 1], "conversion to another element type", (t, a) => ({
    dtype: a.to,
    shape: t[0]!.shape,
  })),
  identity: sameAs("float", "x"),
  fakeQuant: def(
    "float",
    "elementwise",
    [1, 1],
    "scale * (q - zero) with q = min(max(round(x / scale) + zero, codes[0]), codes[1]), round as the attribute says",
    (t, a) => gridProblem(t[0]!, a) ?? t[0]!,
  ),
  unary: def(
    "float",
    "elementwise",
    [1, 1],
    "a function of one variable, from the table of unary functions",
    (t) => t[0]!,
  ),
  pow: floatBinary("a to the power b, broadcast"),
  minimum: floatBinary("the smaller, broadcast"),
  maximum: floatBinary("the larger, broadcast"),
  mod: def("float", "elementwise", [2, 2], "remainder with the divisor's sign; fmod: with the dividend's", (t) =>
    elementwise(t, (s) => like(t[0]!, s)),
  ),
  compare: def("float", "elementwise", [2, 2], "comparison, broadcast", (t) => elementwise(t, bool)),
  logical: def("float", "elementwise", [2, 2], "logical connective of bool tensors, broadcast", (t) =>
    elementwise(t, bool),
  ),
  bitwise: def(
    "float",
    "elementwise",
    [2, 2],
    "bitwise connective or logical shift of integer tensors, broadcast",
    (t) => elementwise(t, (s) => like(t[0]!, s)),
  ),
  not: sameAs("float", "logical negation of bool, or bitwise complement"),
  where: def("float", "elementwise", [3, 3], "condition ? a : b, broadcast", (t) =>
    elementwise(t, (s) => like(t[1]!, s)),
  ),
  reduce: def("float", "reduction", [1, 1], "reduction along axes, which stay with extent 1", (t, a) =>
    inferReduce(t[0]!, a.axes),
  ),
  argReduce: def(
    "float",
    "reduction",
    [1, 1],
    "int64 index of the extreme along an axis, which stays with extent 1",
    (t, a) => {
      const r = inferReduce(t[0]!, [a.axis]);
      return typeof r === "string" ? r : { dtype: "int64", shape: r.shape };
    },
  ),
  softmax: def("float", "norm", [1, 1], "softmax or log-softmax along one axis", (t, a) =>
    a.axis >= 0 && a.axis < t[0]!.shape.length ? t[0]! : `axis ${a.axis} is outside rank ${t[0]!.shape.length}`,
  ),
  cumSum: def("float", "reduction", [1, 1], "cumulative sum along an axis", (t, a) =>
    a.axis >= 0 && a.axis < t[0]!.shape.length ? t[0]! : `axis ${a.axis} is outside rank ${t[0]!.shape.length}`,
  ),

  conv: def(
    "both",
    "gemm",
    [2, 3],
    "convolution of x[N,C,*] with w[O,C/groups,*] plus bias[O]; integer: int8, int4 or int2 operands, int32 wrapping sums; minifloat: DLFloat sums in the order of its attributes",
    inferConv,
  ),
  matmul: def(
    "both",
    "gemm",
    [2, 3],
    "a[..,M,K] times b[..,K,N] plus bias[N]; integer: int8, int4 or int2 operands, int32 wrapping sums; minifloat: DLFloat sums in the order of its attributes",
    inferMatmul,
  ),
  reshape: def("both", "movement", [1, 1], "the same elements in row-major order under another shape", (t, a) =>
    elements(t[0]!.shape) === elements(a.shape)
      ? like(t[0]!, a.shape)
      : `${elements(t[0]!.shape)} elements of ${show(t[0]!)} do not fill [${a.shape.join(",")}]`,
  ),
  transpose: def("both", "movement", [1, 1], "axes in the order perm", (t, a) =>
    a.perm.length === t[0]!.shape.length && new Set(a.perm).size === a.perm.length
      ? like(
          t[0]!,
          a.perm.map((p) => t[0]!.shape[p]!),
        )
      : `perm [${a.perm.join(",")}] for rank ${t[0]!.shape.length}`,
  ),
  slice: def("both", "movement", [1, 1], "a strided box of the input", (t, a) => inferSlice(t[0]!, a)),
  pad: def("both", "movement", [1, 1], "a border of one constant value", (t, a) =>
    a.pads.length === 2 * t[0]!.shape.length
      ? like(
          t[0]!,
          t[0]!.shape.map((n, i) => n + a.pads[i]! + a.pads[t[0]!.shape.length + i]!),
        )
      : `${a.pads.length} pads for rank ${t[0]!.shape.length}`,
  ),
  concat: def("both", "movement", [1, Number.MAX_SAFE_INTEGER], "inputs one after another along an axis", (t, a) =>
    inferConcat(t, a.axis),
  ),
  expand: def("both", "movement", [1, 1], "broadcast to a shape", (t, a) => {
    const s = broadcastShapes(t[0]!.shape, a.shape);
    return s && sameShape(s, a.shape)
      ? like(t[0]!, a.shape)
      : `${show(t[0]!)} does not expand to [${a.shape.join(",")}]`;
  }),
  gather: def(
    "both",
    "movement",
    [2, 2],
    "x at the indices (second input) along an axis; negative ones count from the end; computed ones are int32 in the integer graph",
    (t, a) =>
      a.axis >= 0 && a.axis < t[0]!.shape.length
        ? like(t[0]!, [...t[0]!.shape.slice(0, a.axis), ...t[1]!.shape, ...t[0]!.shape.slice(a.axis + 1)])
        : `axis ${a.axis} is outside rank ${t[0]!.shape.length}`,
  ),

  iadd: lanes(2, "a + b, int32 wrapping"),
  isub: lanes(2, "a - b, int32 wrapping"),
  imul: def(
    "integer",
    "elementwise",
    [2, 2],
    "saturate32(round(a * b / 2^shift)) of the 64-bit product, ties away from zero, 0 <= shift <= 62",
    (t, a) => (a.shift >= 0 && a.shift <= 62 ? elementwise(t, i32) : `shift ${a.shift} is outside 0 to 62`),
  ),
  imacc: lanes(3, "acc + a * b, int32 wrapping; inputs acc, a, b"),
  idiv: lanes(2, "a / b truncated toward zero; by zero INT32_MAX, 0 or INT32_MIN by the sign of a"),
  imax: lanes(2, "the larger, signed"),
  imin: lanes(2, "the smaller, signed"),
  ishr: lanes(2, "a >> b arithmetic; b is unsigned, 32 or more gives 0 or -1"),
  ishl: lanes(2, "a << b wrapping; b is unsigned, 32 or more gives 0"),
  iand: lanes(2, "bitwise and"),
  ior: lanes(2, "bitwise or"),
  inot: lanes(1, "bitwise complement"),
  iabs: lanes(1, "|a|, INT32_MIN gives INT32_MAX"),
  isign: lanes(1, "-1, 0 or 1"),
  icmp: def("integer", "elementwise", [2, 2], "1 where the signed comparison holds, else 0", (t) =>
    elementwise(t, i32),
  ),
  select: lanes(3, "inputs condition, a, b: a where condition is not 0, else b"),
  narrow: def(
    "integer",
    "elementwise",
    [1, 1],
    "saturate to bits of round(a / 2^shift), ties away from zero, 0 <= shift <= 31",
    (t, a) =>
      a.shift >= 0 && a.shift <= 31
        ? { dtype: a.bits === 16 ? "int16" : "int8", shape: t[0]!.shape }
        : `shift ${a.shift} is outside 0 to 31`,
  ),
  pack: def(
    "integer",
    "cast",
    [1, 1],
    "the same codes, which must fit, stored in 4 or 2 bits: what the array reads in its int4 and int2 modes",
    (t, a) => ({ ...t[0]!, dtype: a.bits === 4 ? "int4" : "int2" }),
  ),
  toFixed: def(
    "integer",
    "elementwise",
    [1, 1],
    "saturate32(round(a * 2^shift)) of a DLFloat number, ties away from zero, -64 <= shift <= 64; what is no number gives INT32_MAX",
    (t) => (t[0]!.dtype === "dlfloat16" ? i32(t[0]!.shape) : `${t[0]!.dtype} is not dlfloat16`),
  ),
  toDlfloat: def(
    "integer",
    "elementwise",
    [1, 1],
    "the DLFloat number nearest to a / 2^shift, -64 <= shift <= 64, ties to even; beyond the largest, what is no number",
    (t) => ({ dtype: "dlfloat16", shape: t[0]!.shape }),
  ),
  toFp8: def(
    "integer",
    "elementwise",
    [1, 1],
    "the FP8 number nearest to a DLFloat one, ties to even, saturating; 1-4-3 under `bias`, 1-5-2 under 15",
    (t, a) =>
      t[0]!.dtype !== "dlfloat16"
        ? `${t[0]!.dtype} is not dlfloat16`
        : { dtype: a.format, shape: t[0]!.shape, ...(a.format === "fp8e4m3" ? { exponentBias: a.bias } : {}) },
  ),
  fromFp8: def("integer", "elementwise", [1, 1], "the same number in DLFloat, which holds it exactly", (t) =>
    t[0]!.dtype === "fp8e4m3" || t[0]!.dtype === "fp8e5m2"
      ? { dtype: "dlfloat16", shape: t[0]!.shape }
      : `${t[0]!.dtype} is no FP8 type`,
  ),
  iwindow: def(
    "integer",
    "window",
    [1, 1],
    "max, min or wrapping int32 sum over a window, padding reads as fill",
    (t, a) => inferWindow(t, a, a.kind === "sum" ? "int32" : t[0]!.dtype),
  ),
  ireduce: def(
    "integer",
    "reduction",
    [1, 1],
    "max, min or wrapping int32 sum along axes, which stay with extent 1",
    (t, a) => {
      const r = inferReduce(t[0]!, a.axes);
      return typeof r === "string" || a.kind !== "sum" ? r : i32(r.shape);
    },
  ),
};
