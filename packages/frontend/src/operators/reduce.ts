import type { Reduction, UnaryName, ValueId } from "@accelc/ir";
import { flag, int, maybeInts } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axesOf, axisOf } from "./axes.js";
import { type OperatorRow, row } from "./row.js";

const KEEP = { keepdims: flag(true) };
const AXES_CONSTANT = "axes constant";

/** `id` without the axes of extent 1 that a reduction left, or as it is, as output 0. */
function finish(n: NodeContext, id: ValueId, axes: readonly number[], keep: boolean): void {
  if (keep) n.finish(id);
  else n.result("reshape", [id], { shape: n.shape(id).filter((_, i) => !axes.includes(i)) });
}

/** What a reduction does to a single number, where it is not that number. */
const OF_ONE: { readonly [K in Reduction]?: UnaryName } = { l1: "abs", l2: "abs", sumSquare: "square", logSum: "log" };

function reduce(
  n: NodeContext,
  kind: Reduction,
  given: readonly number[] | undefined,
  keep: boolean,
  noop: boolean,
): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const all = given === undefined || given.length === 0;
  if (all && noop) {
    n.finish(x);
    return;
  }
  if (n.dtype(x) !== "float32" && kind === "logSumExp") n.badInput(0, n.dtype(x), "it must be a float tensor");
  if (shape.length === 0) {
    const fn = OF_ONE[kind];
    if (fn) n.result("unary", [x], { fn, a: 0, b: 0 });
    else n.finish(x);
    return;
  }
  const axes = all ? shape.map((_, i) => i) : axesOf(n, given, shape.length);
  if (keep) n.result("reduce", [x], { kind, axes });
  else finish(n, n.add("reduce", [x], { kind, axes }), axes, false);
}

const reduceRows = (op: string, kind: Reduction, axesInput = 18): readonly OperatorRow[] => [
  row({
    op,
    since: 1,
    until: axesInput - 1,
    unit: "tandem",
    inputs: 1,
    attributes: { axes: maybeInts, ...KEEP },
    parse: (n, a) => reduce(n, kind, a.axes, a.keepdims, false),
  }),
  row({
    op,
    since: axesInput,
    unit: "tandem",
    constraints: AXES_CONSTANT,
    inputs: [1, 2],
    attributes: { ...KEEP, noop_with_empty_axes: flag(false) },
    parse: (n, a) => reduce(n, kind, n.has(1) ? n.shapeInput(1) : undefined, a.keepdims, a.noop_with_empty_axes),
  }),
];

function argReduce(n: NodeContext, kind: "max" | "min", axisAttribute: number, keep: boolean, last: boolean): void {
  const x = n.input(0);
  const axis = axisOf(n, axisAttribute, n.shape(x).length);
  if (n.shape(x)[axis] === 0) n.badInput(0, `of shape [${n.shape(x).join(",")}]`, "nothing has no extreme");
  const attrs = { kind, axis, last };
  if (keep) n.result("argReduce", [x], attrs);
  else finish(n, n.add("argReduce", [x], attrs), [axis], false);
}

const argRows = (op: string, kind: "max" | "min"): readonly OperatorRow[] => [
  row({
    op,
    since: 1,
    until: 11,
    unit: "tandem",
    inputs: 1,
    attributes: { axis: int(0), ...KEEP },
    parse: (n, a) => argReduce(n, kind, a.axis, a.keepdims, false),
  }),
  row({
    op,
    since: 12,
    unit: "tandem",
    inputs: 1,
    attributes: { axis: int(0), ...KEEP, select_last_index: flag(false) },
    parse: (n, a) => argReduce(n, kind, a.axis, a.keepdims, a.select_last_index),
  }),
];

export const REDUCE: readonly OperatorRow[] = [
  ...reduceRows("ReduceSum", "sum", 13),
  ...reduceRows("ReduceMean", "mean"),
  ...reduceRows("ReduceMax", "max"),
  ...reduceRows("ReduceMin", "min"),
  ...reduceRows("ReduceProd", "prod"),
  ...reduceRows("ReduceL1", "l1"),
  ...reduceRows("ReduceL2", "l2"),
  ...reduceRows("ReduceSumSquare", "sumSquare"),
  ...reduceRows("ReduceLogSum", "logSum"),
  ...reduceRows("ReduceLogSumExp", "logSumExp"),
  ...argRows("ArgMax", "max"),
  ...argRows("ArgMin", "min"),
  row({
    op: "CumSum",
    since: 11,
    unit: "tandem",
    constraints: "axis constant",
    inputs: 2,
    attributes: { exclusive: flag(false), reverse: flag(false) },
    parse(n, a) {
      const rank = n.shape(n.input(0)).length;
      const [axis, ...more] = n.shapeInput(1);
      if (axis === undefined || more.length > 0) n.badInput(1, `of ${more.length + 1} elements`, "it must hold one");
      n.result("cumSum", [n.input(0)], { axis: axisOf(n, axis!, rank), ...a });
    },
  }),
];
