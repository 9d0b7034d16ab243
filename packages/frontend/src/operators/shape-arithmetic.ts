import { foldReduce, type ReduceName, type ScalarName } from "@accelc/ir";
import { flag, int, maybeInt, maybeInts, type Schema } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { foldWith } from "./arithmetic.js";
import { axesOf } from "./axes.js";
import { MANY, type OperatorRow, row } from "./row.js";

const CONSTANT_ONLY = "constant inputs only";

/** Rejects a node whose value would be needed at run time. */
function refuseRunTime(n: NodeContext): never {
  const i = n.allInputs().findIndex((id) => !n.isConstant(id));
  return n.badInput(
    Math.max(i, 0),
    "computed at run time",
    `${n.loc.op} is supported on constants and shapes only`,
    "replace the operator, or fix the shapes it computes from",
  );
}

const scalar = (
  op: string,
  since: number,
  inputs: number | readonly [number, number],
  name: ScalarName,
  until?: number,
  attributes: Schema = {},
): OperatorRow =>
  row({
    op,
    since,
    ...(until === undefined ? {} : { until }),
    unit: "folded",
    constraints: CONSTANT_ONLY,
    inputs,
    attributes,
    parse(n) {
      if (!foldWith(n, name)) refuseRunTime(n);
    },
  });

function shapeOf(n: NodeContext, start: number, end: number | undefined): void {
  const shape = n.shape(n.input(0));
  const clamp = (v: number): number => Math.min(Math.max(v < 0 ? v + shape.length : v, 0), shape.length);
  n.intsResult(shape.slice(clamp(start), end === undefined ? shape.length : clamp(end)));
}

/** start, start + delta, … below (above for negative delta) limit; exact for integers. */
function range(n: NodeContext): void {
  const [start, limit, delta] = [0, 1, 2].map((i) => n.constantInput(i)) as [RangeEnd, RangeEnd, RangeEnd];
  n.sameTypes([start.id, limit.id, delta.id]);
  const [a, b, d] = [start, limit, delta].map((v) => Number(v.data[0])) as [number, number, number];
  if (d === 0) n.badInput(2, "0", "the step must not be 0");
  const count = Math.max(0, Math.ceil((b - a) / d));
  if (!(count <= 2 ** 24)) n.badInput(1, String(b), `the range has ${count} elements`);
  const { dtype } = start.type;
  const wide = dtype === "int64";
  const list = Array.from({ length: count }, (_, i) => a + i * d);
  if (wide) n.intsResult(list);
  else if (dtype === "float32") n.constantResult({ type: { dtype, shape: [count] }, data: Float32Array.from(list) });
  else if (dtype === "int32") n.constantResult({ type: { dtype, shape: [count] }, data: Int32Array.from(list) });
  else n.badInput(0, dtype, "the range must be of int32, int64 or float");
}
type RangeEnd = ReturnType<NodeContext["constantInput"]>;

function reduce(
  n: NodeContext,
  name: ReduceName,
  axes: readonly number[] | undefined,
  keep: boolean,
  noop: boolean,
): void {
  const x = n.input(0);
  const v = n.value(x);
  if (!v.data) refuseRunTime(n);
  const rank = v.type.shape.length;
  const empty = axes === undefined || axes.length === 0;
  const over = empty ? (noop ? [] : v.type.shape.map((_, i) => i)) : axesOf(n, axes, rank);
  const folded = foldReduce(name, v, over, keep);
  if (!folded) n.noValue("nothing has no maximum or minimum");
  n.constantResult(folded);
}

const KEEP = { keepdims: flag(true) };

const reduceRows = (op: string, name: ReduceName, axesInput: number): readonly OperatorRow[] => [
  row({
    op,
    since: 1,
    until: axesInput - 1,
    unit: "folded",
    constraints: CONSTANT_ONLY,
    inputs: 1,
    attributes: { axes: maybeInts, ...KEEP },
    parse: (n, a) => reduce(n, name, a.axes, a.keepdims, false),
  }),
  row({
    op,
    since: axesInput,
    unit: "folded",
    constraints: CONSTANT_ONLY,
    inputs: [1, 2],
    attributes: { ...KEEP, noop_with_empty_axes: flag(false) },
    parse: (n, a) => reduce(n, name, n.has(1) ? n.intsInput(1) : undefined, a.keepdims, a.noop_with_empty_axes),
  }),
];

export const SHAPE_ARITHMETIC: readonly OperatorRow[] = [
  row({
    op: "Shape",
    since: 1,
    until: 14,
    unit: "folded",
    inputs: 1,
    attributes: {},
    parse: (n) => shapeOf(n, 0, undefined),
  }),
  row({
    op: "Shape",
    since: 15,
    unit: "folded",
    inputs: 1,
    attributes: { start: int(0), end: maybeInt },
    parse: (n, a) => shapeOf(n, a.start, a.end),
  }),
  row({
    op: "Size",
    since: 1,
    unit: "folded",
    inputs: 1,
    attributes: {},
    parse: (n) => void n.intsResult([n.shape(n.input(0)).reduce((s, d) => s * d, 1)], []),
  }),
  row({ op: "Range", since: 11, unit: "folded", constraints: CONSTANT_ONLY, inputs: 3, attributes: {}, parse: range }),
  scalar("Floor", 6, 1, "floor"),
  scalar("Ceil", 6, 1, "ceil"),
  scalar("Abs", 6, 1, "abs"),
  scalar("Sqrt", 6, 1, "sqrt"),
  scalar("Not", 1, 1, "not"),
  scalar("And", 7, 2, "and"),
  scalar("Or", 7, 2, "or"),
  scalar("Equal", 7, 2, "equal"),
  scalar("Greater", 7, 2, "greater"),
  scalar("GreaterOrEqual", 12, 2, "greaterOrEqual"),
  scalar("Less", 7, 2, "less"),
  scalar("LessOrEqual", 12, 2, "lessOrEqual"),
  scalar("Where", 9, 3, "where"),
  scalar("Min", 8, [1, MANY], "min"),
  scalar("Max", 8, [1, MANY], "max"),
  ...reduceRows("ReduceProd", "prod", 18),
  ...reduceRows("ReduceMax", "max", 18),
  ...reduceRows("ReduceMin", "min", 18),
];
