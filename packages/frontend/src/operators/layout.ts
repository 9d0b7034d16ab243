import { elements } from "@accelc/ir";
import { choice, flag, int, maybeInt } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { elementType } from "../element-types.js";
import { axisOf } from "./axes.js";
import { binary, bools, cast, compare, expand, iota, reshape, transpose, where } from "./build.js";
import { type OperatorRow, row } from "./row.js";

/** [N, C, *spatial] of an image. */
function image(n: NodeContext): readonly [number, number, number, number] {
  const shape = n.shape(n.input(0));
  if (shape.length !== 4) n.badInput(0, `of shape [${shape.join(",")}]`, "it must have rank 4");
  return shape as unknown as readonly [number, number, number, number];
}

/** DCR: channels are block row, block column, depth; CRD: depth, block row, block column. */
function depthToSpace(n: NodeContext, b: number, mode: "DCR" | "CRD"): void {
  const [batch, c, h, w] = image(n);
  if (b < 1 || c % (b * b) !== 0)
    n.badAttribute("blocksize", b, `${c} channels do not divide into blocks of that size`);
  const depth = c / (b * b);
  const [split, perm] =
    mode === "DCR"
      ? [
          [batch, b, b, depth, h, w],
          [0, 3, 4, 1, 5, 2],
        ]
      : [
          [batch, depth, b, b, h, w],
          [0, 1, 4, 2, 5, 3],
        ];
  const y = transpose(n, reshape(n, n.input(0), split), perm);
  n.result("reshape", [y], { shape: [batch, depth, h * b, w * b] });
}

function spaceToDepth(n: NodeContext, b: number): void {
  const [batch, c, h, w] = image(n);
  if (b < 1 || h % b !== 0 || w % b !== 0)
    n.badAttribute("blocksize", b, `an image of ${h} by ${w} does not divide into blocks of that size`);
  const split = reshape(n, n.input(0), [batch, c, h / b, b, w / b, b]);
  const y = transpose(n, split, [0, 3, 5, 1, 2, 4]);
  n.result("reshape", [y], { shape: [batch, c * b * b, h / b, w / b] });
}

/** Repetition of a whole axis: an axis of copies before it. */
function tile(n: NodeContext, repeats: readonly number[]): void {
  const x = n.input(0);
  const shape = n.shape(x);
  if (repeats.length !== shape.length || repeats.some((r) => r < 0))
    n.badInput(1, `[${repeats.join(",")}]`, `it must hold ${shape.length} counts that are not negative`);
  const split = shape.flatMap((d, i) => (repeats[i] === 1 ? [d] : [1, d]));
  const wide = shape.flatMap((d, i) => (repeats[i] === 1 ? [d] : [repeats[i]!, d]));
  const copies = expand(n, reshape(n, x, split), wide);
  n.result("reshape", [copies], { shape: shape.map((d, i) => d * repeats[i]!) });
}

/** Keeps the triangle on or above (below) diagonal k; a constant mask chooses between x and 0. */
function trilu(n: NodeContext, upper: boolean): void {
  const x = n.input(0);
  const shape = n.shape(x);
  if (shape.length < 2) n.badInput(0, `of shape [${shape.join(",")}]`, "it must have rank 2 or more");
  const k = n.has(1) ? n.scalarInput(1) : 0;
  const [rows, columns] = shape.slice(-2) as [number, number];
  const kept = Array.from({ length: rows * columns }, (_, i) => {
    const offset = (i % columns) - Math.floor(i / columns);
    return upper ? offset >= k : offset <= k;
  });
  n.result("where", [bools(n, kept, [rows, columns]), x, n.scalar(0, n.dtype(x))], {});
}

function eyeLike(n: NodeContext, dtypeAttribute: number | undefined, k: number): void {
  const x = n.input(0);
  const shape = n.shape(x);
  if (shape.length !== 2) n.badInput(0, `of shape [${shape.join(",")}]`, "it must be a matrix");
  const dtype = dtypeAttribute === undefined ? n.dtype(x) : elementType(dtypeAttribute).dtype;
  if (dtype === undefined) n.badAttribute("dtype", dtypeAttribute!, "the element type is not supported");
  const columns = shape[1]!;
  const ones = Array.from({ length: elements(shape) }, (_, i) =>
    (i % columns) - Math.floor(i / columns) === k ? 1 : 0,
  );
  n.finish(n.list(ones, shape, dtype!));
}

/** Compares the indices, negative ones counted from the end, with 0 … depth − 1 along a new axis. */
function oneHot(n: NodeContext, axisAttribute: number): void {
  const given = n.input(0);
  const depth = n.scalarInput(1);
  if (!Number.isInteger(depth) || depth < 1 || depth > 2 ** 24)
    n.badInput(1, String(depth), "it must be a whole number of 1 or more");
  const values = n.input(2);
  if (elements(n.shape(values)) !== 2)
    n.badInput(2, `of shape [${n.shape(values).join(",")}]`, "it must hold two values");
  const rank = n.shape(given).length + 1;
  const axis = axisOf(n, axisAttribute, rank);
  const shape = [...n.shape(given)];
  shape.splice(axis, 0, 1);
  const indices = reshape(n, cast(n, given, "int64"), shape);
  const zero = n.scalar(0, "int64");
  const wrapped = where(
    n,
    compare(n, "lt", indices, zero),
    binary(n, "add", indices, n.scalar(depth, "int64")),
    indices,
  );
  const hot = compare(n, "eq", wrapped, iota(n, depth, axis, rank));
  const value = (i: number) =>
    reshape(n, n.add("slice", [reshape(n, values, [2])], { starts: [i], steps: [1], sizes: [1] }), []);
  n.result("where", [hot, value(1), value(0)], {});
}

export const LAYOUT: readonly OperatorRow[] = [
  row({
    op: "DepthToSpace",
    since: 1,
    until: 10,
    unit: "movement",
    inputs: 1,
    attributes: { blocksize: int() },
    parse: (n, a) => depthToSpace(n, a.blocksize, "DCR"),
  }),
  row({
    op: "DepthToSpace",
    since: 11,
    unit: "movement",
    inputs: 1,
    attributes: { blocksize: int(), mode: choice(["DCR", "CRD"]) },
    parse: (n, a) => depthToSpace(n, a.blocksize, a.mode),
  }),
  row({
    op: "SpaceToDepth",
    since: 1,
    unit: "movement",
    inputs: 1,
    attributes: { blocksize: int() },
    parse: (n, a) => spaceToDepth(n, a.blocksize),
  }),
  row({
    op: "Tile",
    since: 6,
    unit: "movement",
    constraints: "repeats constant",
    inputs: 2,
    attributes: {},
    parse: (n) => tile(n, n.shapeInput(1)),
  }),
  row({
    op: "Trilu",
    since: 14,
    unit: "tandem",
    constraints: "k constant",
    inputs: [1, 2],
    attributes: { upper: flag(true) },
    parse: (n, a) => trilu(n, a.upper),
  }),
  row({
    op: "EyeLike",
    since: 9,
    unit: "folded",
    inputs: 1,
    attributes: { dtype: maybeInt, k: int(0) },
    parse: (n, a) => eyeLike(n, a.dtype, a.k),
  }),
  row({
    op: "OneHot",
    since: 9,
    unit: "tandem",
    constraints: "depth constant",
    inputs: 3,
    attributes: { axis: int(-1) },
    parse: (n, a) => oneHot(n, a.axis),
  }),
];
