import { int, maybeInt, maybeInts } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { MANY, type OperatorRow, row } from "./row.js";

function split(n: NodeContext, axisAttribute: number, sizes: readonly number[] | undefined, count: number): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axis = axisOf(n, axisAttribute, shape.length);
  const extent = shape[axis]!;
  const parts = sizes ?? equalParts(n, extent, count);
  if (parts.length !== n.outputCount) n.disagree(`${parts.length} parts for ${n.outputCount} outputs`);
  if (parts.some((p) => p < 0) || parts.reduce((s, p) => s + p, 0) !== extent)
    n.disagree(`parts [${parts.join(",")}] do not add up to the ${extent} of axis ${axis}`);
  let start = 0;
  parts.forEach((size, i) => {
    const attrs = {
      starts: shape.map((_, k) => (k === axis ? start : 0)),
      steps: shape.map(() => 1),
      sizes: shape.map((d, k) => (k === axis ? size : d)),
    };
    start += size;
    if (n.outputRead(i)) n.result("slice", [x], attrs, i);
  });
}

/** Before opset 18 the parts must be equal; from then on the last may be smaller. */
function equalParts(n: NodeContext, extent: number, count: number): number[] {
  if (n.opset < 18 && extent % count !== 0)
    n.disagree(`an extent of ${extent} does not split into ${count} equal parts`);
  const size = Math.ceil(extent / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, extent - i * size)));
}

export const JOIN: readonly OperatorRow[] = [
  row({
    op: "Concat",
    since: 4,
    unit: "movement",
    inputs: [1, MANY],
    attributes: { axis: int() },
    parse(n, a) {
      const inputs = n.allInputs();
      n.sameTypes(inputs);
      const axis = axisOf(n, a.axis, n.shape(inputs[0]!).length);
      const filled = inputs.filter((id) => n.shape(id)[axis] !== 0);
      n.result("concat", filled.length > 0 ? filled : inputs, { axis });
    },
  }),
  row({
    op: "Split",
    since: 2,
    until: 12,
    unit: "movement",
    inputs: 1,
    outputs: [1, MANY],
    attributes: { axis: int(0), split: maybeInts },
    parse: (n, a) => split(n, a.axis, a.split, n.outputCount),
  }),
  row({
    op: "Split",
    since: 13,
    until: 17,
    unit: "movement",
    constraints: "split constant",
    inputs: [1, 2],
    outputs: [1, MANY],
    attributes: { axis: int(0) },
    parse: (n, a) => split(n, a.axis, n.has(1) ? n.shapeInput(1) : undefined, n.outputCount),
  }),
  row({
    op: "Split",
    since: 18,
    unit: "movement",
    constraints: "split constant",
    inputs: [1, 2],
    outputs: [1, MANY],
    attributes: { axis: int(0), num_outputs: maybeInt },
    parse(n, a) {
      if (n.has(1) && a.num_outputs !== undefined)
        n.badAttribute("num_outputs", a.num_outputs, "the split input is given as well");
      if (a.num_outputs !== undefined && a.num_outputs !== n.outputCount)
        n.badAttribute("num_outputs", a.num_outputs, `the node has ${n.outputCount} outputs`);
      split(n, a.axis, n.has(1) ? n.shapeInput(1) : undefined, n.outputCount);
    },
  }),
];
