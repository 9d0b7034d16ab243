import { type Data, type DType, elements, type OpAttrs, sameShape, type UnaryName, type ValueId } from "@accelc/ir";
import type { NodeContext } from "../context.js";

/** Shorthands for the operations that decompositions are made of; each leaves out what would change nothing. */

export const reshape = (n: NodeContext, x: ValueId, shape: readonly number[]): ValueId =>
  sameShape(n.shape(x), shape) ? x : n.add("reshape", [x], { shape });

export const transpose = (n: NodeContext, x: ValueId, perm: readonly number[]): ValueId =>
  perm.every((p, i) => p === i) ? x : n.add("transpose", [x], { perm });

export const expand = (n: NodeContext, x: ValueId, shape: readonly number[]): ValueId =>
  sameShape(n.shape(x), shape) ? x : n.add("expand", [x], { shape });

export const concat = (n: NodeContext, list: readonly ValueId[], axis: number): ValueId =>
  list.length === 1 ? list[0]! : n.add("concat", list, { axis });

type Binary = "add" | "sub" | "mul" | "div" | "pow" | "minimum" | "maximum";
export const binary = (n: NodeContext, op: Binary, a: ValueId, b: ValueId): ValueId => n.add(op, [a, b], {});

/** x op a number, in x's element type. */
export const withNumber = (n: NodeContext, op: Binary, x: ValueId, value: number): ValueId =>
  binary(n, op, x, n.scalar(value, n.dtype(x)));

export const unary = (n: NodeContext, fn: UnaryName, x: ValueId, a = 0, b = 0): ValueId =>
  n.add("unary", [x], { fn, a, b });

export const reduce = (n: NodeContext, kind: OpAttrs["reduce"]["kind"], x: ValueId, axes: readonly number[]): ValueId =>
  n.add("reduce", [x], { kind, axes });

export const compare = (n: NodeContext, kind: OpAttrs["compare"]["kind"], a: ValueId, b: ValueId): ValueId =>
  n.add("compare", [a, b], { kind });

export const where = (n: NodeContext, condition: ValueId, yes: ValueId, no: ValueId): ValueId =>
  n.add("where", [condition, yes, no], {});

export const cast = (n: NodeContext, x: ValueId, to: DType): ValueId =>
  n.dtype(x) === to ? x : n.add("cast", [x], { to });

/** Elements start, start + step, … along one axis. */
export function slice(n: NodeContext, x: ValueId, axis: number, start: number, size: number, step = 1): ValueId {
  const shape = n.shape(x);
  if (start === 0 && size === shape[axis] && step === 1) return x;
  return n.add("slice", [x], {
    starts: shape.map((_, i) => (i === axis ? start : 0)),
    steps: shape.map((_, i) => (i === axis ? step : 1)),
    sizes: shape.map((d, i) => (i === axis ? size : d)),
  });
}

/** `begin` and `end` elements of `value` along one axis. */
export function padAxis(n: NodeContext, x: ValueId, axis: number, begin: number, end: number, value = 0): ValueId {
  if (begin === 0 && end === 0) return x;
  const rank = n.shape(x).length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = begin;
  pads[rank + axis] = end;
  return n.add("pad", [x], { pads, value });
}

/** Elements at constant indices along one axis; consecutive ones are a slice. */
export function gatherAt(n: NodeContext, x: ValueId, axis: number, indices: readonly number[]): ValueId {
  if (indices.length > 0 && indices.every((v, i) => v === indices[0]! + i))
    return slice(n, x, axis, indices[0]!, indices.length);
  return n.add("gather", [x, n.list(indices, [indices.length], "int64")], { axis });
}

/** All elements on one axis. */
export const flat = (n: NodeContext, x: ValueId): ValueId => reshape(n, x, [elements(n.shape(x))]);

/** Values along `axis`, of rank `rank`, to broadcast against a tensor. */
export const alongAxis = (length: number, axis: number, rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? length : 1));

export const bools = (n: NodeContext, values: readonly boolean[], shape: readonly number[]): ValueId =>
  n.constant({ dtype: "bool", shape }, Uint8Array.from(values, Number));

/** 0, 1, … along `axis` of a tensor of `rank` axes. */
export const iota = (n: NodeContext, length: number, axis: number, rank: number, dtype: DType = "int64"): ValueId =>
  n.list(
    Array.from({ length }, (_, i) => i),
    alongAxis(length, axis, rank),
    dtype,
  );

/** A constant's elements as numbers, or undefined for run-time values. */
export const constantNumbers = (n: NodeContext, id: ValueId): number[] | undefined => {
  const data: Data | undefined = n.value(id).data;
  return data && Array.from(data as ArrayLike<number | bigint>, Number);
};
