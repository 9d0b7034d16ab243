import type { ValueId } from "@accelc/ir";
import { flag, int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { compare, concat, iota, reduce, where } from "./build.js";
import { type OperatorRow, row } from "./row.js";

/** Every value costs a round over the axis. */
const MOST = 64;

/**
 * k rounds: the extreme of what is left, then the first place that holds it and is not taken. Taken places count as the
 * worst value of their line, so no value from outside the tensor's range is needed.
 */
function topK(n: NodeContext, k: number, axisAttribute: number, largest: boolean): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axis = axisOf(n, axisAttribute, shape.length);
  const extent = shape[axis]!;
  if (k < 0 || k > extent) n.disagree(`${k} values of the ${extent} of axis ${axis}`);
  if (k === 0 || k > MOST) n.noValue(`${k} values are asked for; 1 to ${MOST} are supported`);
  const [best, worst] = largest ? (["max", "min"] as const) : (["min", "max"] as const);
  const last = k > 1 ? reduce(n, worst, x, [axis]) : undefined;
  const places = iota(n, extent, axis, shape.length);
  let taken: ValueId | undefined;
  const values: ValueId[] = [];
  const indices: ValueId[] = [];
  for (let round = 0; round < k; round++) {
    const left = taken === undefined ? x : where(n, taken, last!, x);
    const value = reduce(n, best, left, [axis]);
    const index =
      taken === undefined
        ? n.add("argReduce", [x], { kind: best, axis, last: false })
        : firstOpen(n, x, value, taken, axis);
    values.push(value);
    indices.push(index);
    if (round + 1 === k) break;
    const here = compare(n, "eq", places, index);
    taken = taken === undefined ? n.add("expand", [here], { shape }) : n.add("logical", [taken, here], { kind: "or" });
  }
  n.finish(concat(n, values, axis), 0);
  if (n.outputRead(1)) n.finish(concat(n, indices, axis), 1);
}

/** The first place along the axis that holds `value` and is not taken. */
function firstOpen(n: NodeContext, x: ValueId, value: ValueId, taken: ValueId, axis: number): ValueId {
  const open = n.add("not", [taken], { bitwise: false });
  const found = n.add("logical", [compare(n, "eq", x, value), open], { kind: "and" });
  const [one, zero] = [n.scalar(1, "int32"), n.scalar(0, "int32")];
  return n.add("argReduce", [where(n, found, one, zero)], { kind: "max", axis, last: false });
}

const CONSTRAINTS = `k constant, at most ${MOST}`;

function kInput(n: NodeContext): number {
  const [k, ...more] = n.shapeInput(1);
  return k === undefined || more.length > 0 ? n.badInput(1, `of ${more.length} elements`, "it must hold one") : k;
}

export const TOP_K: readonly OperatorRow[] = [
  row({
    op: "TopK",
    since: 1,
    until: 9,
    unit: "tandem",
    constraints: CONSTRAINTS,
    inputs: 1,
    outputs: [1, 2],
    attributes: { k: int(), axis: int(-1) },
    parse: (n, a) => topK(n, a.k, a.axis, true),
  }),
  row({
    op: "TopK",
    since: 10,
    until: 10,
    unit: "tandem",
    constraints: CONSTRAINTS,
    inputs: 2,
    outputs: [1, 2],
    attributes: { axis: int(-1) },
    parse: (n, a) => topK(n, kInput(n), a.axis, true),
  }),
  row({
    op: "TopK",
    since: 11,
    unit: "tandem",
    constraints: CONSTRAINTS,
    inputs: 2,
    outputs: [1, 2],
    attributes: { axis: int(-1), largest: flag(true), sorted: flag(true) },
    parse: (n, a) => topK(n, kInput(n), a.axis, a.largest),
  }),
];
