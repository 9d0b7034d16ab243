import { elements, type ValueId } from "@accelc/ir";
import { float, int, maybeInts, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axesOf, axisOf } from "./axes.js";
import { alongAxis, binary, reduce, reshape, unary, withNumber } from "./build.js";
import { type OperatorRow, row } from "./row.js";

const FLOATS = "float tensors";
const f = Math.fround;

interface Centred {
  readonly mean: ValueId;
  /** x − mean. */
  readonly offset: ValueId;
  /** √(variance + epsilon). */
  readonly deviation: ValueId;
}

/** Statistics over `axes`, as exporters write them: mean, difference, mean of squares, square root. */
function centre(n: NodeContext, x: ValueId, axes: readonly number[], epsilon: number): Centred {
  const mean = reduce(n, "mean", x, axes);
  const offset = binary(n, "sub", x, mean);
  const variance = reduce(n, "mean", unary(n, "square", offset), axes);
  return { mean, offset, deviation: unary(n, "sqrt", withNumber(n, "add", variance, f(epsilon))) };
}

/** (x − mean) / √(variance + epsilon). */
function normalized(n: NodeContext, x: ValueId, axes: readonly number[], epsilon: number): ValueId {
  const { offset, deviation } = centre(n, x, axes, epsilon);
  return binary(n, "div", offset, deviation);
}

const from = (axis: number, rank: number): number[] => Array.from({ length: rank - axis }, (_, i) => axis + i);

function layerNorm(n: NodeContext, a: { axis: number; epsilon: number }): void {
  const x = n.input(0);
  const rank = n.shape(x).length;
  const axes = from(axisOf(n, a.axis, rank), rank);
  const { mean, offset, deviation } = centre(n, x, axes, a.epsilon);
  if (n.outputRead(1)) n.finish(mean, 1);
  if (n.outputRead(2)) n.result("unary", [deviation], { fn: "reciprocal", a: 0, b: 0 }, 2);
  const scaled = binary(n, "mul", binary(n, "div", offset, deviation), n.input(1));
  if (n.has(2)) n.result("add", [scaled, n.input(2)], {});
  else n.finish(scaled);
}

/** x / √(mean of squares + epsilon) · scale. */
function rmsNorm(n: NodeContext, a: { axis: number; epsilon: number }): void {
  const x = n.input(0);
  const rank = n.shape(x).length;
  const squares = reduce(n, "mean", unary(n, "square", x), from(axisOf(n, a.axis, rank), rank));
  const root = unary(n, "sqrt", withNumber(n, "add", squares, f(a.epsilon)));
  n.result("mul", [binary(n, "div", x, root), n.input(1)], {});
}

/** scale and bias of input 1 and 2 along `axis`, of rank `rank`. */
function scaleAndBias(n: NodeContext, x: ValueId, axis: number, rank: number): ValueId {
  const count = n.shape(x)[axis]!;
  const along = (i: number): ValueId => {
    const p = n.input(i);
    if (elements(n.shape(p)) !== count)
      n.badInput(i, `of shape [${n.shape(p).join(",")}]`, `it must hold one value for each of ${count}`);
    return reshape(n, p, alongAxis(count, axis, rank));
  };
  return binary(n, "add", binary(n, "mul", x, along(1)), along(2));
}

function channels(n: NodeContext): readonly number[] {
  const shape = n.shape(n.input(0));
  if (shape.length < 2) n.badInput(0, `of shape [${shape.join(",")}]`, "it must have a batch and a channel axis");
  return shape;
}

function instanceNorm(n: NodeContext, epsilon: number): void {
  const rank = channels(n).length;
  n.finish(scaleAndBias(n, normalized(n, n.input(0), from(2, rank), epsilon), 1, rank));
}

/** Groups of channels share statistics; scale and bias per group before opset 21, per channel from then on. */
function groupNorm(n: NodeContext, a: { epsilon: number; num_groups: number }): void {
  const x = n.input(0);
  const shape = channels(n);
  const [batch, count] = [shape[0]!, shape[1]!];
  const groups = a.num_groups;
  if (groups < 1 || count % groups !== 0)
    n.badAttribute("num_groups", groups, `${count} channels do not divide into that many groups`);
  const grouped = reshape(n, x, [batch, groups, (count / groups) * elements(shape.slice(2))]);
  const y = normalized(n, grouped, [2], a.epsilon);
  if (n.opset < 21) n.finish(reshape(n, scaleAndBias(n, y, 1, 3), shape));
  else n.finish(scaleAndBias(n, reshape(n, y, shape), 1, shape.length));
}

const LRN = { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int() };

/** x / (bias + alpha/size · Σ x²)^beta, the sum over `size` neighbouring channels: a mean that counts its padding. */
function lrn(n: NodeContext, a: Values<typeof LRN>): void {
  const x = n.input(0);
  const shape = channels(n);
  if (a.size < 1) n.badAttribute("size", a.size, "it must be 1 or more");
  const rows = reshape(n, unary(n, "square", x), [shape[0]!, 1, shape[1]!, elements(shape.slice(2))]);
  const before = Math.floor((a.size - 1) / 2);
  const pads = [before, 0, a.size - 1 - before, 0];
  const window = { kernel: [a.size, 1], strides: [1, 1], dilations: [1, 1], pads, countedPads: pads };
  const mean = reshape(n, n.add("averagePool", [rows], window), shape);
  const base = withNumber(n, "add", withNumber(n, "mul", mean, f(a.alpha)), f(a.bias));
  n.result("div", [x, withNumber(n, "pow", base, f(a.beta))], {});
}

/** The least normal float32: divides where a norm is 0, so that 0 stays 0. */
const TINY = 2 ** -126;

function lpNorm(n: NodeContext, axisAttribute: number, p: number): void {
  const x = n.input(0);
  if (p !== 1 && p !== 2) n.badAttribute("p", p, "only norms of order 1 and 2 are defined");
  const norm = reduce(n, p === 1 ? "l1" : "l2", x, [axisOf(n, axisAttribute, n.shape(x).length)]);
  n.result("div", [x, withNumber(n, "maximum", norm, TINY)], {});
}

function meanVariance(n: NodeContext, axesAttribute: readonly number[]): void {
  const x = n.input(0);
  const axes = axesOf(n, axesAttribute, n.shape(x).length);
  const offset = binary(n, "sub", x, reduce(n, "mean", x, axes));
  const deviation = unary(n, "sqrt", reduce(n, "mean", unary(n, "square", offset), axes));
  n.result("div", [offset, withNumber(n, "add", deviation, 1e-9)], {});
}

const NORM = { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) };

export const STATISTICS: readonly OperatorRow[] = [
  row({
    op: "LayerNormalization",
    since: 17,
    unit: "tandem",
    constraints: FLOATS,
    inputs: [2, 3],
    outputs: [1, 3],
    attributes: NORM,
    parse: layerNorm,
  }),
  row({
    op: "RMSNormalization",
    since: 23,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 2,
    attributes: NORM,
    parse: rmsNorm,
  }),
  row({
    op: "InstanceNormalization",
    since: 6,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 3,
    attributes: { epsilon: float(1e-5) },
    parse: (n, a) => instanceNorm(n, a.epsilon),
  }),
  row({
    op: "GroupNormalization",
    since: 18,
    until: 20,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 3,
    attributes: { epsilon: float(1e-5), num_groups: int() },
    parse: groupNorm,
  }),
  row({
    op: "GroupNormalization",
    since: 21,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 3,
    attributes: { epsilon: float(1e-5), num_groups: int(), stash_type: int(1) },
    parse: groupNorm,
  }),
  row({ op: "LRN", since: 1, unit: "tandem", constraints: FLOATS, inputs: 1, attributes: LRN, parse: lrn }),
  row({
    op: "LpNormalization",
    since: 1,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 1,
    attributes: { axis: int(-1), p: int(2) },
    parse: (n, a) => lpNorm(n, a.axis, a.p),
  }),
  row({
    op: "MeanVarianceNormalization",
    since: 9,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 1,
    attributes: { axes: maybeInts },
    parse: (n, a) => meanVariance(n, a.axes ?? [0, 2, 3]),
  }),
];
