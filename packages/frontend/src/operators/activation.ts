import { float, maybeFloat } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { binary, constantNumbers } from "./build.js";
import { type OperatorRow, row } from "./row.js";

/** Largest finite float32: what an absent bound of Clip stands for. */
const FLOAT_MAX = 3.4028234663852886e38;

function clip(n: NodeContext, min: number, max: number): void {
  const x = n.input(0);
  n.result("clip", [x], { min: Math.max(min, -FLOAT_MAX), max: Math.min(max, FLOAT_MAX) });
}

/** Bounds known only at run time: min(max(x, low), high). */
function clipBetween(n: NodeContext): void {
  const low = n.has(1) ? binary(n, "maximum", n.input(0), n.input(1)) : n.input(0);
  if (n.has(2)) n.result("minimum", [low, n.input(2)], {});
  else n.finish(low);
}

const constantBounds = (n: NodeContext): boolean => [1, 2].every((i) => !n.has(i) || n.isConstant(n.input(i)));

const bound = (n: NodeContext, i: number, absent: number): number => (n.has(i) ? n.scalarInput(i) : absent);

/** x < 0 ? slope · x : x, the slope broadcast to x; one that all share is a leaky relu. */
function prelu(n: NodeContext): void {
  const [x, slope] = [n.input(0), n.input(1)];
  n.sameTypes([x, slope]);
  const alphas = constantNumbers(n, slope);
  if (n.dtype(x) === "float32" && alphas?.length === 1 && n.shape(slope).length <= n.shape(x).length) {
    n.result("leakyRelu", [x], { alpha: alphas[0]! });
    return;
  }
  const zero = n.scalar(0, n.dtype(x));
  const negative = binary(n, "mul", binary(n, "minimum", x, zero), slope);
  n.result("add", [binary(n, "maximum", x, zero), negative], {});
}

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
  row({ op: "PRelu", since: 7, unit: "tandem", inputs: 2, attributes: {}, parse: prelu }),
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
    inputs: [1, 3],
    attributes: {},
    parse(n) {
      if (constantBounds(n)) clip(n, bound(n, 1, -FLOAT_MAX), bound(n, 2, FLOAT_MAX));
      else clipBetween(n);
    },
  }),
];
