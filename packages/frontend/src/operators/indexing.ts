import { elements, strides, type ValueId } from "@accelc/ir";
import { choice, int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { axisOf } from "./axes.js";
import { binary, bools, cast, compare, flat, iota, reshape, slice, where } from "./build.js";
import { type OperatorRow, row } from "./row.js";

/** Indices as int64, negative ones counted from the end of an axis of `extent`; constants are checked. */
function indexInput(n: NodeContext, i: number): ValueId {
  const id = n.input(i);
  const dtype = n.dtype(id);
  if (dtype !== "int64" && dtype !== "int32") n.badInput(i, dtype, "it must be an int32 or int64 tensor");
  return cast(n, id, "int64");
}

function wrapped(n: NodeContext, i: number, indices: ValueId, extent: number): ValueId {
  const data = n.value(indices).data as BigInt64Array | undefined;
  const bad = data?.find((v) => v < -extent || v >= extent);
  if (bad !== undefined) n.badInput(i, String(bad), `the axis has ${extent} elements`);
  if (data?.every((v) => v >= 0n)) return indices;
  const end = binary(n, "add", indices, n.scalar(extent, "int64"));
  return where(n, compare(n, "lt", indices, n.scalar(0, "int64")), end, indices);
}

const times = (n: NodeContext, x: ValueId, factor: number): ValueId =>
  factor === 1 ? x : binary(n, "mul", x, n.scalar(factor, "int64"));

const sum = (n: NodeContext, terms: readonly ValueId[]): ValueId => terms.reduce((s, t) => binary(n, "add", s, t));

/** Places in the row-major tensor: the index along `axis`, the element's own position along the others. */
function elementPlaces(n: NodeContext, indices: ValueId, shape: readonly number[], axis: number): ValueId {
  const own = n.shape(indices);
  const steps = strides(shape);
  const terms = own.map((extent, i) =>
    i === axis ? times(n, indices, steps[i]!) : times(n, iota(n, extent, i, own.length), steps[i]!),
  );
  return sum(n, terms);
}

function sameRank(n: NodeContext, axis: number): void {
  const [x, i] = [n.shape(n.input(0)), n.shape(n.input(1))];
  if (x.length !== i.length || i.some((d, k) => k !== axis && d > x[k]!))
    n.disagree(`indices of shape [${i.join(",")}] for [${x.join(",")}]`);
}

function gatherElements(n: NodeContext, axisAttribute: number): void {
  const x = n.input(0);
  const shape = n.shape(x);
  const axis = axisOf(n, axisAttribute, shape.length);
  sameRank(n, axis);
  const indices = wrapped(n, 1, indexInput(n, 1), shape[axis]!);
  n.result("gather", [flat(n, x), elementPlaces(n, indices, shape, axis)], { axis: 0 });
}

/** Places of the slices that index tuples name: Σ index[k] · stride[k], batch axes counted along. */
function tuplePlaces(n: NodeContext, i: number, shape: readonly number[], batch: number): ValueId {
  const indices = indexInput(n, i);
  const own = n.shape(indices);
  const length = own.at(-1) ?? 0;
  if (own.length <= batch || length < 1 || length > shape.length - batch)
    n.badInput(
      i,
      `of shape [${own.join(",")}]`,
      `tuples of 1 to ${shape.length - batch} indices fit [${shape.join(",")}]`,
    );
  const steps = strides(shape.slice(0, batch + length));
  const lead = own.slice(0, -1);
  const tuple = Array.from({ length }, (_, k) => {
    const part = reshape(n, slice(n, indices, own.length - 1, k, 1), lead);
    return times(n, wrapped(n, i, part, shape[batch + k]!), steps[batch + k]!);
  });
  const outer = Array.from({ length: batch }, (_, k) => times(n, iota(n, lead[k]!, k, lead.length), steps[k]!));
  return sum(n, [...tuple, ...outer]);
}

function gatherNd(n: NodeContext, batch: number): void {
  const x = n.input(0);
  const shape = n.shape(x);
  if (batch < 0 || batch >= shape.length) n.badAttribute("batch_dims", batch, `the input has rank ${shape.length}`);
  const places = tuplePlaces(n, 1, shape, batch);
  const rest = shape.slice(batch + n.shape(n.input(1)).at(-1)!);
  const rows = reshape(n, x, [elements(shape) / elements(rest), ...rest]);
  n.result("gather", [rows, places], { axis: 0 });
}

type Reduction = (typeof REDUCTIONS)[number];
const JOIN = { add: "add", mul: "mul", max: "maximum", min: "minimum" } as const;

/** rows[places[i]] ← updates[i], in order; several updates of a row are joined one after the other. */
function scatterRows(
  n: NodeContext,
  rows: ValueId,
  places: readonly number[],
  updates: ValueId,
  reduction: Reduction,
): ValueId {
  const count = n.shape(rows)[0]!;
  if (reduction === "none") {
    const at = Array.from({ length: count }, (_, i) => i);
    places.forEach((p, i) => {
      at[p] = count + i;
    });
    const both = n.add("concat", [rows, updates], { axis: 0 });
    return n.add("gather", [both, n.list(at, [count], "int64")], { axis: 0 });
  }
  const waiting = new Map<number, number[]>();
  places.forEach((p, i) => {
    waiting.set(p, [...(waiting.get(p) ?? []), i]);
  });
  const rounds = Math.max(0, ...[...waiting.values()].map((list) => list.length));
  let y = rows;
  for (let r = 0; r < rounds; r++) {
    const at = Array.from({ length: count }, (_, p) => waiting.get(p)?.[r]);
    const found = n.list(
      at.map((i) => i ?? 0),
      [count],
      "int64",
    );
    const update = n.add("gather", [updates, found], { axis: 0 });
    const joined = binary(n, JOIN[reduction], y, update);
    const mask = bools(
      n,
      at.map((i) => i !== undefined),
      [
        count,
        ...n
          .shape(rows)
          .slice(1)
          .map(() => 1),
      ],
    );
    y = where(n, mask, joined, y);
  }
  return y;
}

function constantPlaces(n: NodeContext, id: ValueId): number[] {
  const { data } = n.value(id);
  if (!data) n.badInput(1, "computed at run time", `${n.loc.op} needs it as a constant`, "make it an initializer");
  return Array.from(data as BigInt64Array, Number);
}

function scatterElements(n: NodeContext, axisAttribute: number, reduction: Reduction): void {
  const [x, updates] = [n.input(0), n.input(2)];
  n.sameTypes([x, updates]);
  const shape = n.shape(x);
  const axis = axisOf(n, axisAttribute, shape.length);
  sameRank(n, axis);
  const indices = wrapped(n, 1, indexInput(n, 1), shape[axis]!);
  const places = constantPlaces(n, elementPlaces(n, indices, shape, axis));
  if (elements(n.shape(updates)) !== places.length)
    n.disagree(`updates of shape [${n.shape(updates).join(",")}] for ${places.length} indices`);
  n.result("reshape", [scatterRows(n, flat(n, x), places, flat(n, updates), reduction)], { shape });
}

function scatterNd(n: NodeContext, reduction: Reduction): void {
  const [x, updates] = [n.input(0), n.input(2)];
  n.sameTypes([x, updates]);
  const shape = n.shape(x);
  const tuples = tuplePlaces(n, 1, shape, 0);
  const places = constantPlaces(n, tuples);
  const rest = shape.slice(n.shape(n.input(1)).at(-1)!);
  if (elements(n.shape(updates)) !== places.length * elements(rest))
    n.disagree(`updates of shape [${n.shape(updates).join(",")}] for ${places.length} slices of [${rest.join(",")}]`);
  const rows = reshape(n, x, [elements(shape) / elements(rest), ...rest]);
  const given = reshape(n, updates, [places.length, ...rest]);
  n.result("reshape", [scatterRows(n, rows, places, given, reduction)], { shape });
}

const REDUCTIONS = ["none", "add", "mul", "max", "min"] as const;
const LATER = "it is supported from opset 18 on";
const AXIS = { axis: int(0) };
const REDUCTION_16 = { reduction: choice(["none", "add", "mul"], { max: LATER, min: LATER }) };
const REDUCTION_18 = { reduction: choice(REDUCTIONS) };

/** What the rows of one operator share. */
const scatter = { unit: "movement", constraints: "indices constant", inputs: 3 } as const;
const elementwise = { ...scatter, op: "ScatterElements" } as const;
const nd = { ...scatter, op: "ScatterND" } as const;

export const INDEXING: readonly OperatorRow[] = [
  row({
    op: "GatherElements",
    since: 11,
    unit: "movement",
    inputs: 2,
    attributes: AXIS,
    parse: (n, a) => gatherElements(n, a.axis),
  }),
  row({
    op: "GatherND",
    since: 11,
    until: 11,
    unit: "movement",
    inputs: 2,
    attributes: {},
    parse: (n) => gatherNd(n, 0),
  }),
  row({
    op: "GatherND",
    since: 12,
    unit: "movement",
    inputs: 2,
    attributes: { batch_dims: int(0) },
    parse: (n, a) => gatherNd(n, a.batch_dims),
  }),
  row({ ...scatter, op: "Scatter", since: 9, attributes: AXIS, parse: (n, a) => scatterElements(n, a.axis, "none") }),
  row({
    ...elementwise,
    since: 11,
    until: 15,
    attributes: AXIS,
    parse: (n, a) => scatterElements(n, a.axis, "none"),
  }),
  row({
    ...elementwise,
    since: 16,
    until: 17,
    attributes: { ...AXIS, ...REDUCTION_16 },
    parse: (n, a) => scatterElements(n, a.axis, a.reduction),
  }),
  row({
    ...elementwise,
    since: 18,
    attributes: { ...AXIS, ...REDUCTION_18 },
    parse: (n, a) => scatterElements(n, a.axis, a.reduction),
  }),
  row({ ...nd, since: 11, until: 15, attributes: {}, parse: (n) => scatterNd(n, "none") }),
  row({ ...nd, since: 16, until: 17, attributes: REDUCTION_16, parse: (n, a) => scatterNd(n, a.reduction) }),
  row({ ...nd, since: 18, attributes: REDUCTION_18, parse: (n, a) => scatterNd(n, a.reduction) }),
];
