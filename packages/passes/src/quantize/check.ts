import {
  type Data,
  type Diagnostic,
  diag,
  type Graph,
  isFloat,
  type Node,
  OPS,
  type OpName,
  type ValueId,
} from "@accelc/ir";
import type { Calibration } from "../calibration/index.js";

/** Operations with an integer form, beside data movement. */
const KNOWN: ReadonlySet<OpName> = new Set<OpName>([
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
]);
/** By operation, the operands (by position) that must be constants and what they are called. */
const CONSTANT: { readonly [K in OpName]?: readonly (string | undefined)[] } = {
  conv: [undefined, "weight", "bias"],
  matmul: [undefined, undefined, "bias"],
  batchNorm: [undefined, "scale", "bias", "mean", "variance"],
  gather: [undefined, "indices"],
};

function notFinite(data: Data | undefined): number | undefined {
  if (data) for (let i = 0; i < data.length; i++) if (!Number.isFinite(Number(data[i]!))) return i;
  return undefined;
}

function nodeReason(g: Graph, n: Node): string | undefined {
  const value = (id: ValueId) => g.values.get(id)!;
  const output = value(n.outputs[0]!).type.dtype;
  const x = value(n.inputs[0]!).type.dtype;
  if (!KNOWN.has(n.op) && OPS[n.op].kind !== "movement") return "it has no integer form";
  const names = CONSTANT[n.op] ?? [];
  for (const [i, id] of n.inputs.entries())
    if (names[i] !== undefined && !value(id).data)
      return `its ${names[i]} is computed, and only a constant is supported`;
  if (OPS[n.op].kind === "movement") return undefined;
  if (n.op === "cast") return isFloat(x) && isFloat(output) ? undefined : `it converts ${x} to ${output}`;
  if (n.inputs.some((i) => !isFloat(value(i).type.dtype))) return `it computes on ${x}`;
  for (const id of n.inputs) {
    const bad = notFinite(value(id).data);
    if (bad !== undefined) return `its constant operand ${id} holds ${value(id).data![bad]} at element ${bad}`;
  }
  if (n.op === "div" && value(n.inputs[1]!).data?.some((v: number | bigint) => Number(v) === 0))
    return "its constant divisor holds 0";
  return undefined;
}

/** Everything in a float graph that quantization cannot do, all at once. */
export function quantizationProblems(g: Graph, calibration: Calibration): Diagnostic[] {
  const out: Diagnostic[] = [];
  for (const n of g.nodes) {
    const reason = nodeReason(g, n);
    if (reason !== undefined)
      out.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, "change the model so that this operator is not needed"));
  }
  for (const p of g.inputs) {
    const v = g.values.get(p.value)!;
    if (isFloat(v.type.dtype) && !calibration.ranges.has(v.source ?? p.name))
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
