import { elements } from "@accelc/ir";
import { flag, int, ints, maybeInts } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axesOf } from "./axes.js";
import { type OperatorRow, row } from "./row.js";

function reshape(n: NodeContext, allowZero: boolean): void {
  const x = n.input(0);
  const from = n.shape(x);
  const wanted = n.shapeInput(1);
  const text = `[${wanted.join(",")}]`;
  const shape = wanted.map((d, i) => {
    if (d !== 0 || allowZero) return d;
    if (i >= from.length)
      n.badInput(1, text, `0 at position ${i} copies an axis that [${from.join(",")}] does not have`);
    return from[i]!;
  });
  if (shape.some((d) => d < -1)) n.badInput(1, text, "extents must be -1 or more");
  const open = shape.flatMap((d, i) => (d === -1 ? [i] : []));
  if (open.length > 1) n.badInput(1, text, "only one extent may be -1");
  if (open.length === 1) {
    const known = elements(shape.filter((d) => d !== -1));
    shape[open[0]!] = known === 0 ? 0 : elements(from) / known;
    if (!Number.isInteger(shape[open[0]!]!))
      n.disagree(`${elements(from)} elements of [${from.join(",")}] do not fill ${text}`);
  }
  n.result("reshape", [x], { shape });
}

function flatten(n: NodeContext, axis: number): void {
  const shape = n.shape(n.input(0));
  const least = n.opset >= 11 ? -shape.length : 0;
  if (axis < least || axis > shape.length)
    n.badAttribute("axis", axis, `it must lie between ${least} and ${shape.length}`);
  const cut = axis < 0 ? axis + shape.length : axis;
  n.result("reshape", [n.input(0)], { shape: [elements(shape.slice(0, cut)), elements(shape.slice(cut))] });
}

function squeeze(n: NodeContext, axes: readonly number[] | undefined): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const gone = axes ? axesOf(n, axes, shape.length) : shape.flatMap((d, i) => (d === 1 ? [i] : []));
  const wide = gone.find((a) => shape[a] !== 1);
  if (wide !== undefined) n.disagree(`axis ${wide} of [${shape.join(",")}] cannot be removed: its extent is not 1`);
  n.result("reshape", [x], { shape: shape.filter((_, i) => !gone.includes(i)) });
}

function unsqueeze(n: NodeContext, axes: readonly number[]): void {
  const x = n.input(0);
  const shape = [...n.shape(x)];
  for (const a of axesOf(n, axes, shape.length + axes.length)) shape.splice(a, 0, 1);
  n.result("reshape", [x], { shape });
}

function transpose(n: NodeContext, perm: readonly number[] | undefined): void {
  const x = n.input(0);
  const rank = n.shape(x).length;
  const order = perm ?? n.shape(x).map((_, i) => rank - 1 - i);
  if (order.length !== rank || [...order].sort((a, b) => a - b).some((p, i) => p !== i))
    n.badAttribute("perm", `[${order.join(",")}]`, `it must be a permutation of the ${rank} axes`);
  n.result("transpose", [x], { perm: order });
}

export const SHAPE_ROWS: readonly OperatorRow[] = [
  row({
    op: "Reshape",
    since: 5,
    until: 13,
    unit: "movement",
    constraints: "shape constant",
    inputs: 2,
    attributes: {},
    parse: (n) => reshape(n, false),
  }),
  row({
    op: "Reshape",
    since: 14,
    unit: "movement",
    constraints: "shape constant",
    inputs: 2,
    attributes: { allowzero: flag(false) },
    parse: (n, a) => reshape(n, a.allowzero),
  }),
  row({
    op: "Flatten",
    since: 1,
    unit: "movement",
    inputs: 1,
    attributes: { axis: int(1) },
    parse: (n, a) => flatten(n, a.axis),
  }),
  row({
    op: "Squeeze",
    since: 1,
    until: 12,
    unit: "movement",
    inputs: 1,
    attributes: { axes: maybeInts },
    parse: (n, a) => squeeze(n, a.axes),
  }),
  row({
    op: "Squeeze",
    since: 13,
    unit: "movement",
    constraints: "axes constant",
    inputs: [1, 2],
    attributes: {},
    parse: (n) => squeeze(n, n.has(1) ? n.shapeInput(1) : undefined),
  }),
  row({
    op: "Unsqueeze",
    since: 1,
    until: 12,
    unit: "movement",
    inputs: 1,
    attributes: { axes: ints() },
    parse: (n, a) => unsqueeze(n, a.axes),
  }),
  row({
    op: "Unsqueeze",
    since: 13,
    unit: "movement",
    constraints: "axes constant",
    inputs: 2,
    attributes: {},
    parse: (n) => unsqueeze(n, n.shapeInput(1)),
  }),
  row({
    op: "Transpose",
    since: 1,
    unit: "movement",
    inputs: 1,
    attributes: { perm: maybeInts },
    parse: (n, a) => transpose(n, a.perm),
  }),
  row({
    op: "Expand",
    since: 8,
    unit: "movement",
    constraints: "shape constant",
    inputs: 2,
    attributes: {},
    parse(n) {
      const from = n.shape(n.input(0));
      const to = n.shapeInput(1);
      const rank = Math.max(from.length, to.length);
      const at = (s: readonly number[], i: number): number => s[s.length - rank + i] ?? 1;
      const shape = Array.from({ length: rank }, (_, i) => (at(to, i) === 1 ? at(from, i) : at(to, i)));
      n.result("expand", [n.input(0)], { shape });
    },
  }),
];
