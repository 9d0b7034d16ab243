import {
  type Data,
  elements,
  evaluate,
  type Graph,
  GraphBuilder,
  type UnaryName,
  unaryFunction,
  type ValueId,
} from "@accelc/ir";
import { Emit } from "./emit.js";
import { type Fixed, fixedOf } from "./fixed.js";

/** A graph that holds one function program over vectors, and the intervals proven of its values. */
export interface Program {
  readonly graph: Graph;
  readonly result: Fixed;
  readonly proven: ReadonlyMap<ValueId, readonly [number, number]>;
  /** Instructions per element: one per operation, two for a select (copy and conditional move). */
  readonly instructions: number;
  /** Of them, those on every element of the first operand; the rest are on smaller shapes. */
  readonly whole: number;
}

const WEIGHT: { readonly [op: string]: number } = { select: 2, imacc: 2, slice: 0, pad: 0 };

/** An operand's real range and step; its shape where it is not the program's. */
export interface Operand {
  readonly lo: number;
  readonly hi: number;
  readonly unit: number;
  readonly of?: readonly number[];
}

/** Builds `f` over int32 inputs of the given ranges and units. */
export function programOf(
  inputs: readonly Operand[],
  shape: readonly number[],
  f: (e: Emit, x: readonly Fixed[]) => Fixed,
): Program {
  const builder = new GraphBuilder("function");
  const constants = new Map<number, ValueId>();
  const scalar = (value: number, id: string): ValueId => {
    const known = constants.get(value) ?? builder.constant({ dtype: "int32", shape: [] }, Int32Array.of(value), { id });
    constants.set(value, known);
    return known;
  };
  const e = new Emit({ builder, scalar }, { loc: { model: "", node: "f", op: "f" }, name: "f" });
  const fixed = inputs.map(({ lo, hi, unit, of }, i) => {
    const id = builder.input({ name: `x${i}`, elementType: "int32" }, { dtype: "int32", shape: of ?? shape });
    return fixedOf({ id, lo: Math.round(lo / unit), hi: Math.round(hi / unit) }, unit);
  });
  const result = f(e, fixed);
  builder.output({ name: "y", value: result.value, elementType: "int32" });
  const graph = builder.finish();
  const weight = (nodes: typeof graph.nodes): number => nodes.reduce((n, node) => n + (WEIGHT[node.op] ?? 1), 0);
  const size = elements(graph.values.get(graph.inputs[0]!.value)!.type.shape);
  const isWhole = (id: ValueId): boolean => elements(graph.values.get(id)!.type.shape) === size;
  return {
    graph,
    result,
    proven: e.proven,
    instructions: weight(graph.nodes),
    whole: weight(graph.nodes.filter((n) => isWhole(n.outputs[0]!) || (n.op === "ireduce" && isWhole(n.inputs[0]!)))),
  };
}

export const runProgram = (p: Program, inputs: readonly Int32Array[]): Map<ValueId, Data> =>
  evaluate(p.graph, new Map(p.graph.inputs.map((port, i) => [port.value, inputs[i]!])));

export interface Measured {
  readonly absolute: number;
  readonly relative: number;
  readonly instructions: number;
}

/** Integers from lo to hi (inclusive), `count` of them, evenly spread. */
export const grid = (lo: number, hi: number, count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => Math.round(lo + ((hi - lo) * i) / (count - 1)));

/** Greatest errors of a program of one operand against a real function; relative where |f| is above 2^-10 of its greatest. */
export function measure(p: Program, x: Int32Array, unit: number, f: (x: number) => number): Measured {
  const y = runProgram(p, [x]).get(p.result.value) as Int32Array;
  const want = Array.from(x, (q) => f(q * unit));
  const top = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  let [absolute, relative] = [0, 0];
  want.forEach((v, i) => {
    const error = Math.abs(y[i]! * p.result.unit - v);
    absolute = Math.max(absolute, error);
    if (Math.abs(v) > top / 1024) relative = Math.max(relative, error / Math.abs(v));
  });
  return { absolute, relative, instructions: p.instructions };
}

export const exactly =
  (fn: UnaryName, a = 0, b = 0) =>
  (x: number) =>
    unaryFunction(fn).f(x, a, b);
