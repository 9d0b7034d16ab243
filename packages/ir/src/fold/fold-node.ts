import type { Node } from "../graph.js";
import { OPS, type OpDef } from "../ops.js";
import { type CodeGrid, type Data, elements, type TensorType, type Value } from "../types.js";
import { castData } from "./cast.js";
import { relu, scalar, scalarOf, unary } from "./elementwise.js";
import { fakeQuant, gridAfter } from "./grid.js";
import { conv, matmul } from "./linear.js";
import { concat, expand, gather, pad, slice, transpose } from "./movement.js";
import { argReduce, cumSum, softmax } from "./normalize.js";
import { foldReduce } from "./reduce.js";
import { FOLD_ELEMENTS } from "./scalar.js";
import { cells } from "./strided.js";
import { averagePool, maxPool } from "./window.js";

export interface Folded {
  readonly type: TensorType;
  readonly data: Data;
  readonly grid?: CodeGrid;
}

/** An operation without its place in a graph. */
export type FoldableNode = Node extends infer N ? (N extends Node ? Pick<N, "op" | "attrs"> : never) : never;

/** Multiply-adds a fold may take; beyond them, and beyond FOLD_ELEMENTS, the node stays in the graph. */
export const FOLD_WORK = 2 ** 30;

/** Inner steps per output element. */
function workPerElement(n: FoldableNode, inputs: readonly Value[]): number {
  if (n.op === "matmul") return inputs[0]!.type.shape.at(-1) ?? 1;
  if (n.op === "conv") return elements(inputs[1]!.type.shape.slice(1));
  if (n.op === "maxPool" || n.op === "averagePool") return elements(n.attrs.kernel);
  return 1;
}

/**
 * The value of an operation of the float graph on constants: int64 exactly, float32 rounded once per element (sums of
 * matmul, conv and pools in double precision before it). Undefined where an operand is not constant, the operand types do
 * not fit, the operation has no float meaning or no value (integer division by zero, index out of range), or it is too large.
 */
export function foldNode(n: FoldableNode, inputs: readonly Value[]): Folded | undefined {
  if (inputs.some((v) => v.data === undefined)) return undefined;
  const infer = (OPS[n.op] as OpDef<unknown>).infer;
  const type = infer(
    inputs.map((v) => v.type),
    n.attrs,
  );
  if (typeof type === "string") return undefined;
  const size = elements(type.shape);
  if (!(size <= FOLD_ELEMENTS && size * workPerElement(n, inputs) <= FOLD_WORK)) return undefined;
  const data = evaluate(n, inputs, type);
  const grid = data && gridAfter(n, inputs, type, (moved, t) => evaluate(n, moved, t));
  return data && { type, data, ...(grid ? { grid } : {}) };
}

const float = (inputs: readonly Value[]): boolean => inputs.every((v) => v.type.dtype === "float32");

function map(x: Value, f: (v: number) => number): Data | undefined {
  if (x.type.dtype !== "float32") return undefined;
  return (x.data as Float32Array).map(f);
}

function evaluate(n: FoldableNode, inputs: readonly Value[], type: TensorType): Data | undefined {
  const [x, y] = inputs as readonly [Value, Value];
  const name = scalarOf(n);
  if (name) return scalar(name, inputs);
  switch (n.op) {
    case "unary":
      return unary(x, n.attrs);
    case "fakeQuant":
      return float(inputs) ? fakeQuant(x, n.attrs) : undefined;
    case "reduce":
      return n.attrs.kind === "logSumExp" && !float(inputs)
        ? undefined
        : foldReduce(n.attrs.kind, x, n.attrs.axes, true).data;
    case "argReduce":
      return argReduce(x, n.attrs);
    case "softmax":
      return float(inputs) ? softmax(x, n.attrs) : undefined;
    case "cumSum":
      return cumSum(x, type, n.attrs);
    case "relu":
      return relu(x);
    case "leakyRelu":
      return map(x, (v) => (v < 0 ? n.attrs.alpha * v : v));
    case "clip":
      return clip(x, n.attrs.min, n.attrs.max);
    case "batchNorm":
      return float(inputs) ? batchNorm(inputs, n.attrs.epsilon) : undefined;
    case "maxPool":
      return maxPool(x, type, n.attrs);
    case "averagePool":
      return float(inputs) ? averagePool(x, type, n.attrs) : undefined;
    case "conv":
      return float(inputs) ? conv(inputs, type, n.attrs) : undefined;
    case "matmul":
      return float(inputs) ? matmul(inputs, type) : undefined;
    case "cast":
      return castData(x, n.attrs.to);
    case "identity":
    case "reshape":
      return x.data;
    case "transpose":
      return transpose(x, type, n.attrs);
    case "slice":
      return slice(x, type, n.attrs);
    case "pad":
      return pad(x, type, n.attrs);
    case "concat":
      return concat(inputs, type, n.attrs);
    case "expand":
      return expand(x, type);
    case "gather":
      return gather(x, y, type, n.attrs);
    default:
      return undefined;
  }
}

/** Bounds hold for any numeric type; on integers they are whole numbers. */
function clip(x: Value, min: number, max: number): Data {
  const out = x.data!.slice();
  const cell = cells(out);
  const wide = typeof cell[0] === "bigint";
  for (let i = 0; i < cell.length; i++) {
    const v = cell[i]!;
    const bound = v > max ? max : v < min ? Math.min(min, max) : undefined;
    if (bound !== undefined) cell[i] = wide ? BigInt(bound) : bound;
  }
  return out;
}

/** scale · (x − mean) / √(variance + epsilon) + bias per channel of axis 1. */
function batchNorm(inputs: readonly Value[], epsilon: number): Float32Array {
  const [x, scale, bias, mean, variance] = inputs.map((v) => v.data as Float32Array) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const shape = inputs[0]!.type.shape;
  const channels = shape[1] ?? 1;
  const inner = elements(shape.slice(2));
  return x.map((v, i) => {
    const c = Math.floor(i / inner) % channels;
    return (scale[c]! * (v - mean[c]!)) / Math.sqrt(variance[c]! + epsilon) + bias[c]!;
  });
}
