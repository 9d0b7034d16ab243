import { allocate, type Data, type TensorType } from "@accelc/ir";
import {
  maybeBigInt,
  maybeBigInts,
  maybeFloat,
  maybeFloats,
  maybeTensor,
  refused,
  type Values,
} from "../attributes.js";
import type { NodeContext } from "../context.js";
import { isExternal } from "../external.js";
import type { TensorProto } from "../proto.js";
import { decodeTensor } from "../tensor.js";
import { type OperatorRow, row } from "./row.js";

function tensor(n: NodeContext, t: TensorProto): { type: TensorType; data: Data } {
  const decoded = isExternal(t) ? "external data in an attribute is not supported" : decodeTensor(t);
  if (typeof decoded === "string")
    return n.reject(
      "FE2007",
      { tensor: n.node.output?.[0] ?? "", reason: decoded },
      "store it in a type and form the compiler reads",
    );
  return { type: { dtype: decoded.dtype, shape: decoded.shape }, data: decoded.data };
}

const SPARSE = { sparse_value: refused("sparse_tensor", "sparse tensors are not supported") };
const STRING = "strings cannot be computed with";
const VALUES = {
  value: maybeTensor,
  value_float: maybeFloat,
  value_floats: maybeFloats,
  value_int: maybeBigInt,
  value_ints: maybeBigInts,
  value_string: refused("string", STRING),
  value_strings: refused("strings", STRING),
};

function constant(n: NodeContext, a: Partial<Values<typeof VALUES>>): void {
  const given = [a.value, a.value_float, a.value_floats, a.value_int, a.value_ints].filter((v) => v !== undefined);
  if (given.length !== 1)
    n.badAttribute("value", given.length === 0 ? "missing" : "given twice", "a constant has one value");
  if (a.value) n.constantResult(tensor(n, a.value));
  else if (a.value_int !== undefined) n.intsResult([a.value_int], []);
  else if (a.value_ints) n.intsResult(a.value_ints);
  else {
    const list = a.value_floats ?? [a.value_float!];
    const shape = a.value_floats ? [list.length] : [];
    n.constantResult({ type: { dtype: "float32", shape }, data: Float32Array.from(list) });
  }
}

function constantOfShape(n: NodeContext, t: TensorProto | undefined): void {
  const shape = n.shapeInput(0);
  const fill = t ? tensor(n, t) : { type: { dtype: "float32" as const, shape: [1] }, data: allocate("float32", 1) };
  if (fill.data.length !== 1) n.badAttribute("value", `${fill.data.length} elements`, "it must hold one element");
  if (shape.some((d) => d < 0)) n.badInput(0, `[${shape.join(",")}]`, "extents must not be negative");
  const one = n.constant({ dtype: fill.type.dtype, shape: [] }, fill.data);
  n.result("expand", [one], { shape });
}

export const CONSTANT: readonly OperatorRow[] = [
  row({
    op: "Constant",
    since: 1,
    until: 10,
    unit: "folded",
    inputs: 0,
    attributes: { value: maybeTensor },
    parse: constant,
  }),
  row({
    op: "Constant",
    since: 11,
    until: 11,
    unit: "folded",
    constraints: "dense values",
    inputs: 0,
    attributes: { value: maybeTensor, ...SPARSE },
    parse: constant,
  }),
  row({
    op: "Constant",
    since: 12,
    unit: "folded",
    constraints: "dense numeric values",
    inputs: 0,
    attributes: { ...VALUES, ...SPARSE },
    parse: constant,
  }),
  row({
    op: "ConstantOfShape",
    since: 9,
    unit: "folded",
    constraints: "input constant",
    inputs: 1,
    attributes: { value: maybeTensor },
    parse: (n, a) => constantOfShape(n, a.value),
  }),
];
