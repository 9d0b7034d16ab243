import {
  type Data,
  type Diagnostic,
  type DType,
  diag,
  type Graph,
  isFloat,
  type Node,
  OPS,
  type OpName,
  unpackMinifloat,
  type ValueId,
} from "@accelc/ir";
import type { Calibration } from "../calibration/index.js";
import { coveredInputs } from "./coverage.js";

/** Operations with an integer form, beside data movement: those on floats, and those on integer or bool tensors. */
const FLOATS: ReadonlySet<OpName> = new Set<OpName>([
  "add",
  "sub",
  "mul",
  "div",
  "relu",
  "leakyRelu",
  "clip",
  "batchNorm",
  "maxPool",
  "averagePool",
  "cast",
  "identity",
  "conv",
  "matmul",
  "unary",
  "pow",
  "minimum",
  "maximum",
  "mod",
  "compare",
  "where",
  "reduce",
  "argReduce",
  "softmax",
  "cumSum",
  "fakeQuant",
]);
const INTEGERS: ReadonlySet<OpName> = new Set<OpName>([
  "add",
  "sub",
  "mul",
  "div",
  "relu",
  "clip",
  "cast",
  "identity",
  "unary",
  "pow",
  "minimum",
  "maximum",
  "mod",
  "compare",
  "logical",
  "bitwise",
  "not",
  "where",
  "reduce",
  "argReduce",
  "cumSum",
]);
const INTEGER_REDUCTIONS: ReadonlySet<string> = new Set(["sum", "mean", "max", "min", "l1", "sumSquare"]);
/** By operation, the operands (by position) that must be constants and what they are called. */
const CONSTANT: { readonly [K in OpName]?: readonly (string | undefined)[] } = {
  conv: [undefined, "weight", "bias"],
  matmul: [undefined, undefined, "bias"],
  batchNorm: [undefined, "scale", "bias", "mean", "variance"],
};

/** The first element without an integer; one that masks a softmax has one. */
function notFinite(data: Data | undefined, masks: boolean): number | undefined {
  if (!data) return undefined;
  for (let i = 0; i < data.length; i++) {
    const x = Number(data[i]!);
    if (!Number.isFinite(x) && !(masks && x === Number.NEGATIVE_INFINITY)) return i;
  }
  return undefined;
}

/** Why an integer or bool tensor cannot be computed on; undefined where it can. */
function integerReason(g: Graph, n: Node, dtype: DType): string | undefined {
  if (n.op === "maxPool" && dtype !== "bool") return undefined;
  if (!INTEGERS.has(n.op)) return `it computes on ${dtype}`;
  if (n.op === "reduce" && !INTEGER_REDUCTIONS.has(n.attrs.kind)) return `it reduces ${dtype} by ${n.attrs.kind}`;
  if (n.op === "pow") {
    const { data } = g.values.get(n.inputs[1]!)!;
    const small = (v: number | bigint) => Number.isInteger(Number(v)) && Number(v) >= 0 && Number(v) < 2 ** 16;
    const whole = data !== undefined && data.length > 0 && [...data].every(small);
    return whole ? undefined : `its exponent is not constant, and ${dtype} has powers by natural numbers only`;
  }
  return undefined;
}

interface Known {
  readonly masked: ReadonlySet<ValueId>;
  readonly raw: ReadonlySet<ValueId>;
}

function nodeReason(g: Graph, n: Node, { masked, raw }: Known): string | undefined {
  const value = (id: ValueId) => g.values.get(id)!;
  const types = [...n.inputs, ...n.outputs].map((id) => value(id).type.dtype);
  const movement = OPS[n.op].kind === "movement";
  const names = CONSTANT[n.op] ?? [];
  for (const [i, id] of n.inputs.entries())
    if (names[i] !== undefined && !value(id).data)
      return `its ${names[i]} is computed, and only a constant is supported`;
  if (movement || n.op === "identity" || raw.has(n.outputs[0]!)) return undefined;
  const first = types[n.op === "where" ? 1 : 0]!;
  if (!isFloat(first)) return integerReason(g, n, first);
  if (n.op === "unary" && n.attrs.fn === "minifloat" && unpackMinifloat(n.attrs.a).special === "scale")
    return "powers of two as element type are supported on constants and on tensors that are only moved";
  if (!FLOATS.has(n.op)) return "it has no integer form";
  for (const id of n.inputs) {
    const bad = notFinite(value(id).data, masked.has(id));
    if (bad !== undefined) return `its constant operand ${id} holds ${value(id).data![bad]} at element ${bad}`;
  }
  if (n.op === "div" && value(n.inputs[1]!).data?.some((v: number | bigint) => Number(v) === 0))
    return "its constant divisor holds 0";
  return undefined;
}

/** Everything in a float graph that quantization cannot do, all at once. */
export function quantizationProblems(
  g: Graph,
  calibration: Calibration,
  masked: ReadonlySet<ValueId>,
  raw: ReadonlySet<ValueId>,
): Diagnostic[] {
  const out: Diagnostic[] = [];
  for (const n of g.nodes) {
    const reason = nodeReason(g, n, { masked, raw });
    if (reason !== undefined)
      out.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, "change the model so that this operator is not needed"));
  }
  const covered = coveredInputs(g);
  for (const p of g.inputs) {
    const v = g.values.get(p.value)!;
    if (
      isFloat(v.type.dtype) &&
      !raw.has(p.value) &&
      !covered.has(p.value) &&
      !calibration.ranges.has(v.source ?? p.name)
    )
      out.push(
        diag(
          "PA2003",
          {},
          { input: p.name },
          `give calibration data with --calib ${p.name}=FILE.npy or a table that has it`,
        ),
      );
  }
  return out;
}
