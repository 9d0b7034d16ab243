import { ints, maybeInts } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { type OperatorRow, row } from "./row.js";

interface Bounds {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes: readonly number[] | undefined;
  readonly steps: readonly number[] | undefined;
}

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** Python slicing: negative bounds count from the end, bounds beyond the axis are moved onto it. */
function slice(n: NodeContext, b: Bounds): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axes = (b.axes ?? b.starts.map((_, i) => i)).map((a) => axisOf(n, a, shape.length, "axes"));
  const count = b.starts.length;
  if (b.ends.length !== count || axes.length !== count || (b.steps?.length ?? count) !== count)
    n.disagree(`${count} starts, ${b.ends.length} ends, ${axes.length} axes and ${b.steps?.length ?? count} steps`);
  if (new Set(axes).size !== count) n.badAttribute("axes", `[${axes.join(",")}]`, "an axis is named twice");
  const starts = shape.map(() => 0);
  const steps = shape.map(() => 1);
  const sizes = [...shape];
  axes.forEach((axis, i) => {
    const extent = shape[axis]!;
    const step = b.steps?.[i] ?? 1;
    if (step === 0) n.badAttribute("steps", 0, "a step must not be 0");
    const wrap = (v: number): number => (v < 0 ? v + extent : v);
    const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
    const start = clamp(wrap(b.starts[i]!), 0, high);
    const end = clamp(wrap(b.ends[i]!), low, high);
    const size = Math.max(0, Math.ceil((end - start) / step));
    starts[axis] = size === 0 ? 0 : start;
    steps[axis] = size <= 1 ? 1 : step;
    sizes[axis] = size;
  });
  n.result("slice", [x], { starts, steps, sizes });
}

export const SLICE: readonly OperatorRow[] = [
  row({
    op: "Slice",
    since: 1,
    until: 9,
    unit: "movement",
    inputs: 1,
    attributes: { starts: ints(), ends: ints(), axes: maybeInts },
    parse: (n, a) => slice(n, { ...a, steps: undefined }),
  }),
  row({
    op: "Slice",
    since: 10,
    unit: "movement",
    constraints: "starts, ends, axes and steps constant",
    inputs: [3, 5],
    attributes: {},
    parse: (n) =>
      slice(n, {
        starts: n.shapeInput(1),
        ends: n.shapeInput(2),
        axes: n.has(3) ? n.shapeInput(3) : undefined,
        steps: n.has(4) ? n.shapeInput(4) : undefined,
      }),
  }),
];
