import { CompilerBug } from "../diagnostics.js";
import type { Graph, Node } from "../graph.js";
import type { IntegerOpName, OpAttrs, OpName } from "../ops.js";
import { allocate, type Data, type DType, elements, type TensorType, type ValueId } from "../types.js";
import { conv, matmul } from "./gemm.js";
import { BINARY, binary, COMPARE, imacc, imul, narrow, select, ternary, UNARY, unary } from "./lanes.js";
import { fromFp8, minifloatConv, minifloatMatmul, toDlfloat, toFixed, toFp8 } from "./minifloat.js";
import { concat, expand, gather, pad, slice, transpose } from "./movement.js";
import type { Tensor } from "./strided.js";
import { ireduce, iwindow } from "./window.js";

type Rule<A> = (x: readonly Tensor[], attrs: A, out: TensorType, types: readonly TensorType[]) => Data;

/** The meaning of every operation of the integer graph; `OPS` holds each one's sentence. */
const RULES: { readonly [K in IntegerOpName]: Rule<OpAttrs[K]> } = {
  conv: ([x, w, bias], a, out, types) =>
    out.dtype === "dlfloat16" ? minifloatConv(x!, w!, bias, a, out, types) : conv(x!, w!, bias, a, out.shape),
  matmul: ([a, b, bias], order, out, types) =>
    out.dtype === "dlfloat16" ? minifloatMatmul(a!, b!, bias, order, out, types) : matmul(a!, b!, bias, out),
  reshape: ([x]) => x!.data,
  transpose: ([x], a, out) => transpose(x!, a, out),
  slice: ([x], a, out) => slice(x!, a, out),
  pad: ([x], a, out) => pad(x!, a, out),
  concat: (xs, a, out) => concat(xs, a, out),
  expand: ([x], _, out) => expand(x!, out),
  gather: ([x, indices], a, out) => gather(x!, indices!, a, out),
  iadd: ([a, b], _, out) => binary(BINARY.iadd, a!, b!, out.shape),
  isub: ([a, b], _, out) => binary(BINARY.isub, a!, b!, out.shape),
  imul: ([a, b], attrs, out) => binary(imul(attrs), a!, b!, out.shape),
  imacc: ([acc, a, b], _, out) => ternary(imacc, acc!, a!, b!, out.shape),
  idiv: ([a, b], _, out) => binary(BINARY.idiv, a!, b!, out.shape),
  imax: ([a, b], _, out) => binary(BINARY.imax, a!, b!, out.shape),
  imin: ([a, b], _, out) => binary(BINARY.imin, a!, b!, out.shape),
  ishr: ([a, b], _, out) => binary(BINARY.ishr, a!, b!, out.shape),
  ishl: ([a, b], _, out) => binary(BINARY.ishl, a!, b!, out.shape),
  iand: ([a, b], _, out) => binary(BINARY.iand, a!, b!, out.shape),
  ior: ([a, b], _, out) => binary(BINARY.ior, a!, b!, out.shape),
  inot: ([a]) => unary(UNARY.inot, a!),
  iabs: ([a]) => unary(UNARY.iabs, a!),
  isign: ([a]) => unary(UNARY.isign, a!),
  icmp: ([a, b], attrs, out) => binary(COMPARE[attrs.kind], a!, b!, out.shape),
  select: ([c, a, b], _, out) => ternary(select, c!, a!, b!, out.shape),
  narrow: ([a], attrs) => unary(narrow(attrs), a!),
  pack: ([x]) => x!.data,
  toFixed: ([x], a) => toFixed(x!, a.shift),
  toDlfloat: ([x], a) => toDlfloat(x!, a.shift),
  toFp8: ([x], a) => toFp8(x!, a),
  fromFp8: ([x], _, __, types) => fromFp8(x!, types[0]!),
  iwindow: ([x], a, out) => iwindow(x!, a, out.shape),
  ireduce: ([x], a) => ireduce(x!, a.kind, a.axes),
};

/** `data` in the storage class of `dtype`: results are computed wide and fit their type. */
function stored(data: Data, dtype: DType): Data {
  const target = allocate(dtype, 0);
  if (data.constructor === target.constructor) return data;
  const out = allocate(dtype, data.length) as Int32Array;
  out.set(data as Int32Array);
  return out;
}

function run(graph: Graph, n: Node, known: ReadonlyMap<ValueId, Data>): Data {
  const rule = (RULES as Partial<Record<OpName, Rule<never>>>)[n.op];
  if (!rule) throw new CompilerBug("evaluate", `${n.op} (${n.loc.node}) is no operation of the integer graph`);
  const types = n.inputs.map((id) => graph.values.get(id)!.type);
  const operands = n.inputs.map((id, i) => ({ data: known.get(id)!, shape: types[i]!.shape }));
  const out = graph.values.get(n.outputs[0]!)!.type;
  return stored(rule(operands, n.attrs as never, out, types), out.dtype);
}

export interface EvaluateOptions {
  /** The values to return; all others are dropped after their last use. Without it every value is kept. */
  readonly keep?: Iterable<ValueId>;
}

/**
 * Runs the integer graph on `inputs` (one entry per graph input, row-major in its dtype's storage class): the specification
 * of what a compiled program computes, to the bit. Returns graph inputs, constants and results by value id, or only those
 * asked for. Throws CompilerBug where an input is missing or has the wrong number of elements.
 */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<ValueId, Data>,
  options: EvaluateOptions = {},
): Map<ValueId, Data> {
  const known = new Map<ValueId, Data>();
  for (const [id, v] of graph.values) if (v.data) known.set(id, v.data);
  for (const p of graph.inputs) {
    const data = inputs.get(p.value);
    const need = elements(graph.values.get(p.value)!.type.shape);
    if (data?.length !== need)
      throw new CompilerBug("evaluate", `input ${p.name} has ${data?.length ?? "no"} elements, not ${need}`);
    known.set(p.value, data);
  }
  const keep = options.keep && new Set(options.keep);
  const lastUse = new Map<ValueId, number>();
  graph.nodes.forEach((n, at) => {
    for (const id of [...n.inputs, ...n.outputs]) lastUse.set(id, at);
  });
  graph.nodes.forEach((n, at) => {
    known.set(n.outputs[0]!, run(graph, n, known));
    if (keep)
      for (const id of [...n.inputs, ...n.outputs]) if (lastUse.get(id) === at && !keep.has(id)) known.delete(id);
  });
  if (keep) for (const id of [...known.keys()]) if (!keep.has(id)) known.delete(id);
  return known;
}
