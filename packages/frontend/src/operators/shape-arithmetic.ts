import { int, maybeInt } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { type OperatorRow, row } from "./row.js";

const CONSTANT_ONLY = "constant inputs only";

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
];
