import { elements } from "@accelc/ir";
import { int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { type OperatorRow, row } from "./row.js";

const FLOATS = "float tensors";

/** Before opset 13 the axes from `axis` on count as one. */
function flattened(n: NodeContext, axisAttribute: number, log: boolean): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axis = axisOf(n, axisAttribute, shape.length);
  if (elements(shape.slice(axis + 1)) === 1) {
    n.result("softmax", [x], { axis, log });
    return;
  }
  const matrix = n.add("reshape", [x], { shape: [elements(shape.slice(0, axis)), elements(shape.slice(axis))] });
  n.result("reshape", [n.add("softmax", [matrix], { axis: 1, log })], { shape });
}

const rows = (op: string, log: boolean): readonly OperatorRow[] => [
  row({
    op,
    since: 1,
    until: 12,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 1,
    attributes: { axis: int(1) },
    parse: (n, a) => flattened(n, a.axis, log),
  }),
  row({
    op,
    since: 13,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 1,
    attributes: { axis: int(-1) },
    parse: (n, a) =>
      void n.result("softmax", [n.input(0)], { axis: axisOf(n, a.axis, n.shape(n.input(0)).length), log }),
  }),
];

export const SOFTMAX: readonly OperatorRow[] = [...rows("Softmax", false), ...rows("LogSoftmax", true)];
