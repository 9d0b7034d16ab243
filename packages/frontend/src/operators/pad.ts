import type { ValueId } from "@accelc/ir";
import { choice, float, ints } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axesOf } from "./axes.js";
import { gatherAt } from "./build.js";
import { type OperatorRow, row } from "./row.js";

type Mode = "constant" | "reflect" | "edge" | "wrap";
const MODE = { mode: choice(["constant", "reflect", "edge"]) };
const MODE_19 = { mode: choice(["constant", "reflect", "edge", "wrap"]) };
const LARGEST = 2 ** 32;

/** The input position that position `i` of a padded axis of `size` elements repeats. */
function repeats(mode: Exclude<Mode, "constant">, i: number, size: number): number {
  if (mode === "edge") return Math.min(Math.max(i, 0), size - 1);
  const modulo = (v: number, m: number): number => ((v % m) + m) % m;
  if (mode === "wrap") return modulo(i, size);
  const period = Math.max(2 * (size - 1), 1);
  const at = modulo(i, period);
  return at < size ? at : period - at;
}

/** Gathers along every padded axis. */
function repeat(n: NodeContext, x: ValueId, mode: Exclude<Mode, "constant">, border: readonly number[]): ValueId {
  const shape = n.shape(x);
  let y = x;
  shape.forEach((size, axis) => {
    const [begin, end] = [border[axis]!, border[shape.length + axis]!];
    if (begin === 0 && end === 0) return;
    if (size === 0) n.disagree(`mode ${mode} has nothing to repeat along axis ${axis} of [${shape.join(",")}]`);
    const at = Array.from({ length: begin + size + end }, (_, i) => repeats(mode, i - begin, size));
    y = gatherAt(n, y, axis, at);
  });
  return y;
}

/** A negative pad removes elements: a slice, then the border. */
function pad(
  n: NodeContext,
  mode: Mode,
  given: readonly number[],
  value: number,
  axes: readonly number[] | undefined,
): void {
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
  const [adds, removes] = [pads.some((p) => p > 0), pads.some((p) => p < 0)];
  if (removes && !adds) {
    n.result("slice", [x], cut);
    return;
  }
  const inner = removes ? n.add("slice", [x], cut) : x;
  if (mode === "constant") n.result("pad", [inner], { pads: border, value });
  else n.finish(repeat(n, inner, mode, border));
}

const value = (n: NodeContext): number => (n.has(2) ? n.scalarInput(2) : 0);

function padAxes(n: NodeContext, a: { readonly mode: Mode }): void {
  const rank = n.shape(n.input(0)).length;
  const axes = n.has(3) ? n.shapeInput(3).map((v) => axesOf(n, [v], rank)[0]!) : undefined;
  if (axes && new Set(axes).size !== axes.length)
    n.badAttribute("axes", `[${axes.join(",")}]`, "an axis is named twice");
  pad(n, a.mode, n.shapeInput(1), value(n), axes);
}

export const PAD: readonly OperatorRow[] = [
  row({
    op: "Pad",
    since: 2,
    until: 10,
    unit: "movement",
    inputs: 1,
    attributes: { ...MODE, pads: ints(), value: float(0) },
    parse: (n, a) => pad(n, a.mode, a.pads, Math.fround(a.value), undefined),
  }),
  row({
    op: "Pad",
    since: 11,
    until: 17,
    unit: "movement",
    constraints: "pads and constant_value constant",
    inputs: [2, 3],
    attributes: MODE,
    parse: (n, a) => pad(n, a.mode, n.shapeInput(1), value(n), undefined),
  }),
  row({
    op: "Pad",
    since: 18,
    until: 18,
    unit: "movement",
    constraints: "pads, constant_value and axes constant",
    inputs: [2, 4],
    attributes: MODE,
    parse: padAxes,
  }),
  row({
    op: "Pad",
    since: 19,
    unit: "movement",
    constraints: "pads, constant_value and axes constant",
    inputs: [2, 4],
    attributes: MODE_19,
    parse: padAxes,
  }),
];
