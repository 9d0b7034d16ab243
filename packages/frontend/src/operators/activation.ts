import { float, maybeFloat } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { type OperatorRow, row } from "./row.js";

/** Largest finite float32: what an absent bound of Clip stands for. */
const FLOAT_MAX = 3.4028234663852886e38;

function clip(n: NodeContext, min: number, max: number): void {
  const x = n.input(0);
  n.result("clip", [x], { min: Math.max(min, -FLOAT_MAX), max: Math.min(max, FLOAT_MAX) });
}

const bound = (n: NodeContext, i: number, absent: number): number => (n.has(i) ? n.scalarInput(i) : absent);

export const ACTIVATION: readonly OperatorRow[] = [
  row({
    op: "Relu",
    since: 6,
    unit: "tandem",
    inputs: 1,
    attributes: {},
    parse: (n) => void n.result("relu", [n.input(0)], {}),
  }),
  row({
    op: "LeakyRelu",
    since: 6,
    unit: "tandem",
    inputs: 1,
    attributes: { alpha: float(0.01) },
    parse: (n, a) => void n.result("leakyRelu", [n.input(0)], { alpha: Math.fround(a.alpha) }),
  }),
  row({
    op: "Clip",
    since: 6,
    until: 10,
    unit: "tandem",
    inputs: 1,
    attributes: { min: maybeFloat, max: maybeFloat },
    parse: (n, a) => clip(n, a.min ?? -FLOAT_MAX, a.max ?? FLOAT_MAX),
  }),
  row({
    op: "Clip",
    since: 11,
    unit: "tandem",
    constraints: "min and max constant",
    inputs: [1, 3],
    attributes: {},
    parse: (n) => clip(n, bound(n, 1, -FLOAT_MAX), bound(n, 2, FLOAT_MAX)),
  }),
];
