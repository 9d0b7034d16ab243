import {
  consumersOf,
  type Data,
  type DType,
  diag,
  type Graph,
  isFloat,
  type Node,
  OPS,
  type OpName,
  type ValueId,
} from "@accelc/ir";
import { INT32_MAX, INT32_MIN } from "@accelc/numerics";
import { type Context, floatValue } from "./context.js";

/** Stored type of integer and bool tensors that are computed with. */
export const CARRIER: { readonly [D in DType]?: DType } = {
  bool: "int8",
  int8: "int8",
  uint8: "int16",
  int16: "int16",
  uint16: "int32",
  int32: "int32",
  uint32: "int32",
  int64: "int32",
  uint64: "int32",
};

export const RANGE: { readonly [D in DType]?: readonly [number, number] } = {
  bool: [0, 1],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [INT32_MIN, INT32_MAX],
  uint32: [0, INT32_MAX],
  int64: [INT32_MIN, INT32_MAX],
  uint64: [0, INT32_MAX],
};

const isMove = (n: Node): boolean => OPS[n.op].kind === "movement" || n.op === "identity";

/** Operands of a node that hold the elements of its result. */
const moved = (n: Node): readonly ValueId[] => (n.op === "concat" ? n.inputs : n.inputs.slice(0, 1));

/** Integer and bool values that something computes, or computes with; the rest is only moved and keeps its type. */
export function computedIntegers(g: Graph): ReadonlySet<ValueId> {
  const integer = (id: ValueId) => !isFloat(g.values.get(id)!.type.dtype);
  const out = new Set<ValueId>();
  for (const n of g.nodes) {
    const touched = isMove(n) ? n.inputs.filter((i) => !moved(n).includes(i)) : [...n.inputs, ...n.outputs];
    for (const id of touched) if (integer(id)) out.add(id);
  }
  const moves = g.nodes.filter((n) => isMove(n) && integer(n.outputs[0]!));
  const consumers = consumersOf(g);
  const spread = (from: Node) => {
    const all = [...moved(from), from.outputs[0]!];
    if (!all.some((id) => out.has(id)) || all.every((id) => out.has(id))) return false;
    for (const id of all) if (consumers.has(id) || id === from.outputs[0]) out.add(id);
    return true;
  };
  while (moves.map(spread).some(Boolean));
  return out;
}

const smallConstant = (g: Graph, id: ValueId): boolean =>
  g.values.get(id)!.data?.every((x: number | bigint) => Math.abs(Number(x)) <= 2 ** 29) ?? false;

/** Values that do nothing but select elements of a gather, or meet a small constant in a comparison, through arithmetic, selection and movement. */
export function indexValues(g: Graph, compared: boolean): ReadonlySet<ValueId> {
  const consumers = consumersOf(g);
  const outputs = new Set(g.outputs.map((o) => o.value));
  const known = new Map<ValueId, boolean>();
  const carries: ReadonlySet<OpName> = new Set<OpName>([
    "add",
    "sub",
    "mul",
    "where",
    "minimum",
    "maximum",
    "clip",
    "cast",
  ]);
  const leads = (id: ValueId): boolean => {
    const done = known.get(id);
    if (done !== undefined) return done;
    known.set(id, false);
    const uses = consumers.get(id) ?? [];
    const ok = (n: Node): boolean => {
      if (n.op === "gather" && n.inputs[1] === id && n.inputs[0] !== id) return true;
      if (n.op === "compare") return compared && n.inputs.some((i) => i !== id && smallConstant(g, i));
      return (carries.has(n.op) || isMove(n)) && n.inputs[1] !== undefined
        ? leads(n.outputs[0]!)
        : isMove(n) && leads(n.outputs[0]!);
    };
    const all = !outputs.has(id) && uses.length > 0 && uses.every(ok);
    known.set(id, all);
    return all;
  };
  return new Set([...g.values.keys()].filter((id) => g.values.get(id)!.type.dtype === "int64" && leads(id)));
}

/** An integer constant as an int32 one; PA2001 where it does not fit. */
export function integerConstant(c: Context, id: ValueId, data: Data): ValueId {
  const values = Float64Array.from(data as Int32Array, (x) => Number(x));
  const bad = values.find((x) => x < INT32_MIN || x > INT32_MAX);
  const user = c.graph.nodes.find((n) => n.inputs.includes(id))!;
  if (bad !== undefined) {
    const reason = `its constant operand ${id} holds ${bad}, outside 32 bits`;
    c.problems.push(diag("PA2001", user.loc, { op: user.loc.op, reason }, "keep integers within 32 bits"));
  }
  return c.constants.int32({ shape: floatValue(c, id).type.shape, data: values }, id);
}
