import { int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { type OperatorRow, row } from "./row.js";

function gather(n: NodeContext, axisAttribute: number): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axis = axisOf(n, axisAttribute, shape.length);
  const extent = shape[axis]!;
  if (!n.isConstant(n.input(1))) {
    const type = n.dtype(n.input(1));
    if (type !== "int64" && type !== "int32") n.badInput(1, type, "it must be an int32 or int64 tensor");
    n.result("gather", [x, n.input(1)], { axis });
    return;
  }
  const indices = n.intsInput(1);
  const bad = indices.find((i) => i < -extent || i >= extent);
  if (bad !== undefined) n.badInput(1, String(bad), `axis ${axis} has ${extent} elements`);
  const type = { dtype: "int64" as const, shape: n.shape(n.input(1)) };
  const ready = n.dtype(n.input(1)) === "int64" && indices.every((i) => i >= 0);
  const at = ready
    ? n.input(1)
    : n.constant(
        type,
        BigInt64Array.from(indices, (i) => BigInt(i < 0 ? i + extent : i)),
      );
  n.result("gather", [x, at], { axis });
}

export const GATHER: readonly OperatorRow[] = [
  row({
    op: "Gather",
    since: 1,
    unit: "movement",
    constraints: "",
    inputs: 2,
    attributes: { axis: int(0) },
    parse: (n, a) => gather(n, a.axis),
  }),
];
