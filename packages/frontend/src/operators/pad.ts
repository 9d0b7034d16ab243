import { choice, float, ints } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axesOf } from "./axes.js";
import { type OperatorRow, row } from "./row.js";

const REASON = "only constant padding is supported";
const MODE = { mode: choice(["constant"], { reflect: REASON, edge: REASON, wrap: REASON }) };
const LARGEST = 2 ** 32;

/** A negative pad removes elements: a slice, then the border. */
function pad(n: NodeContext, given: readonly number[], value: number, axes: readonly number[] | undefined): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const rank = shape.length;
  const on = axes ?? shape.map((_, i) => i);
  if (given.length !== 2 * on.length) n.disagree(`${given.length} pads for ${on.length} axes`);
  if (given.some((p) => Math.abs(p) > LARGEST)) n.disagree(`pads [${given.join(",")}] are too large`);
  const pads = new Array<number>(2 * rank).fill(0);
  on.forEach((axis, i) => {
    pads[axis] = given[i]!;
    pads[rank + axis] = given[on.length + i]!;
  });
  const border = pads.map((p) => Math.max(p, 0));
  const starts = shape.map((_, i) => Math.max(-pads[i]!, 0));
  const sizes = shape.map((d, i) => d - starts[i]! - Math.max(-pads[rank + i]!, 0));
  if (sizes.some((s) => s < 0)) n.disagree(`pads [${given.join(",")}] remove more than [${shape.join(",")}] has`);
  const cut = { starts, steps: shape.map(() => 1), sizes };
  if (pads.every((p) => p >= 0)) n.result("pad", [x], { pads: border, value });
  else if (pads.every((p) => p <= 0)) n.result("slice", [x], cut);
  else n.result("pad", [n.add("slice", [x], cut)], { pads: border, value });
}

const value = (n: NodeContext): number => (n.has(2) ? n.scalarInput(2) : 0);

export const PAD: readonly OperatorRow[] = [
  row({
    op: "Pad",
    since: 2,
    until: 10,
    unit: "movement",
    constraints: "mode constant",
    inputs: 1,
    attributes: { ...MODE, pads: ints(), value: float(0) },
    parse: (n, a) => pad(n, a.pads, Math.fround(a.value), undefined),
  }),
  row({
    op: "Pad",
    since: 11,
    until: 17,
    unit: "movement",
    constraints: "mode constant; pads and constant_value constant",
    inputs: [2, 3],
    attributes: MODE,
    parse: (n) => pad(n, n.shapeInput(1), value(n), undefined),
  }),
  row({
    op: "Pad",
    since: 18,
    unit: "movement",
    constraints: "mode constant; pads, constant_value and axes constant",
    inputs: [2, 4],
    attributes: MODE,
    parse(n) {
      const rank = n.shape(n.input(0)).length;
      const axes = n.has(3) ? n.shapeInput(3).map((a) => axesOf(n, [a], rank)[0]!) : undefined;
      if (axes && new Set(axes).size !== axes.length)
        n.badAttribute("axes", `[${axes.join(",")}]`, "an axis is named twice");
      pad(n, n.shapeInput(1), value(n), axes);
    },
  }),
];
