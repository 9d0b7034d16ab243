import { elements, type ValueId } from "@accelc/ir";
import { flag, int, ints, maybeInts, only, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { reduce, unary, withNumber } from "./build.js";
import { type OperatorRow, row } from "./row.js";
import { ceilPads, kernelOf, readWindow, refuseEmptyWindows, spatial, WINDOW } from "./window.js";

const POOL = { ...WINDOW, kernel_shape: ints() };
const MAX = { ...POOL, storage_order: only(0, "column-major indices are not supported") };
const CEIL = { ceil_mode: flag(false) };
const DILATED = { dilations: maybeInts };
const LP = { ...POOL, p: int(2) };
const COUNT = { count_include_pad: flag(false) };

type PoolValues = Values<typeof POOL> & {
  readonly ceil_mode?: boolean;
  readonly dilations?: readonly number[] | undefined;
};

/** The window with its declared padding, and the padding that rounding up makes of it. */
function poolWindow(n: NodeContext, a: PoolValues) {
  const extent = spatial(n);
  const kernel = kernelOf(n, a.kernel_shape, extent.length);
  const window = readWindow(n, a, extent, kernel);
  const pads = a.ceil_mode ? ceilPads(extent, kernel, window) : window.pads;
  const effective = { ...window, pads };
  return { extent, declared: window.pads, attrs: { kernel, ...effective } };
}

function maxPool(n: NodeContext, a: PoolValues): void {
  n.refuseOutput(1, "indices of maxima are not supported");
  const { extent, attrs } = poolWindow(n, a);
  refuseEmptyWindows(n, extent, attrs.kernel, attrs);
  n.result("maxPool", [n.input(0)], attrs);
}

function averagePool(n: NodeContext, a: PoolValues & Values<typeof COUNT>): void {
  const { extent, declared, attrs } = poolWindow(n, a);
  if (!a.count_include_pad) refuseEmptyWindows(n, extent, attrs.kernel, attrs);
  const counted = attrs.pads.map((p, i) => (a.count_include_pad ? Math.min(p, declared[i]!) : 0));
  n.result("averagePool", [n.input(0)], { ...attrs, countedPads: counted });
}

/** (Σ |x|^p)^(1/p); order 2 and 1 have operations of their own. */
function lpPool(n: NodeContext, a: PoolValues & { readonly p: number }): void {
  if (a.p < 1) n.badAttribute("p", a.p, "it must be 1 or more");
  const { attrs } = poolWindow(n, a);
  const mean = n.add("averagePool", [lpPower(n, n.input(0), a.p)], { ...attrs, countedPads: attrs.pads });
  n.finish(lpRoot(n, withNumber(n, "mul", mean, elements(attrs.kernel)), a.p));
}

/** |x|^p. */
function lpPower(n: NodeContext, x: ValueId, p: number): ValueId {
  if (p === 2) return unary(n, "square", x);
  const size = unary(n, "abs", x);
  return p === 1 ? size : withNumber(n, "pow", size, p);
}

/** x^(1/p). */
function lpRoot(n: NodeContext, x: ValueId, p: number): ValueId {
  if (p === 1) return x;
  return p === 2 ? unary(n, "sqrt", x) : withNumber(n, "pow", x, 1 / p);
}

/** One window over all spatial axes. */
function globalAttrs(n: NodeContext, x: ValueId) {
  const kernel = n.shape(x).slice(2);
  const [ones, zeros] = [kernel.map(() => 1), [...kernel, ...kernel].map(() => 0)];
  return { kernel, strides: ones, dilations: ones, pads: zeros };
}

export const POOL_ROWS: readonly OperatorRow[] = [
  row({ op: "MaxPool", since: 1, until: 7, unit: "tandem", inputs: 1, attributes: POOL, parse: maxPool }),
  row({
    op: "MaxPool",
    since: 8,
    until: 9,
    unit: "tandem",
    constraints: "no Indices output",
    inputs: 1,
    outputs: [1, 2],
    attributes: MAX,
    parse: maxPool,
  }),
  row({
    op: "MaxPool",
    since: 10,
    unit: "tandem",
    constraints: "no Indices output",
    inputs: 1,
    outputs: [1, 2],
    attributes: { ...MAX, ...CEIL, ...DILATED },
    parse: maxPool,
  }),
  row({
    op: "AveragePool",
    since: 7,
    until: 9,
    unit: "tandem",
    inputs: 1,
    attributes: { ...POOL, ...COUNT },
    parse: averagePool,
  }),
  row({
    op: "AveragePool",
    since: 10,
    until: 18,
    unit: "tandem",
    inputs: 1,
    attributes: { ...POOL, ...COUNT, ...CEIL },
    parse: averagePool,
  }),
  row({
    op: "AveragePool",
    since: 19,
    unit: "tandem",
    inputs: 1,
    attributes: { ...POOL, ...COUNT, ...CEIL, ...DILATED },
    parse: averagePool,
  }),
  row({
    op: "GlobalAveragePool",
    since: 1,
    unit: "tandem",
    inputs: 1,
    attributes: {},
    parse(n) {
      spatial(n);
      const attrs = globalAttrs(n, n.input(0));
      n.result("averagePool", [n.input(0)], { ...attrs, countedPads: attrs.pads });
    },
  }),
  row({
    op: "GlobalMaxPool",
    since: 1,
    unit: "tandem",
    inputs: 1,
    attributes: {},
    parse(n) {
      spatial(n);
      n.result("maxPool", [n.input(0)], globalAttrs(n, n.input(0)));
    },
  }),
  row({
    op: "LpPool",
    since: 2,
    until: 17,
    unit: "tandem",
    inputs: 1,
    attributes: LP,
    parse: lpPool,
  }),
  row({
    op: "LpPool",
    since: 18,
    unit: "tandem",
    inputs: 1,
    attributes: { ...LP, ...CEIL, ...DILATED },
    parse: lpPool,
  }),
  row({
    op: "GlobalLpPool",
    since: 2,
    unit: "tandem",
    inputs: 1,
    attributes: { p: int(2) },
    parse(n, a) {
      if (a.p < 1) n.badAttribute("p", a.p, "it must be 1 or more");
      const axes = spatial(n).map((_, i) => i + 2);
      n.finish(lpRoot(n, reduce(n, "sum", lpPower(n, n.input(0), a.p), axes), a.p));
    },
  }),
];
