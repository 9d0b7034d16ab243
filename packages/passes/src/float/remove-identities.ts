import { type Data, isFloat, type Node, sameShape } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

function filledWith(data: Data | undefined, x: number): boolean {
  if (!data) return false;
  for (const v of data) if (Number(v) !== x) return false;
  return true;
}

/** Index of the operand that `n` gives back unchanged, shape aside; undefined where it changes elements. */
function passedOn(n: Node, r: Rewriter): number | undefined {
  const type = r.type(n.inputs[0]!);
  const constant = (i: number, x: number) => filledWith(r.data(n.inputs[i]!), x);
  switch (n.op) {
    case "identity":
    case "reshape":
    case "expand":
      return 0;
    case "concat":
      return n.inputs.length === 1 ? 0 : undefined;
    case "cast":
      return n.attrs.to === type.dtype || (isFloat(n.attrs.to) && isFloat(type.dtype)) ? 0 : undefined;
    case "transpose":
      return n.attrs.perm.every((p, i) => p === i) ? 0 : undefined;
    case "slice":
      return n.attrs.starts.every((s) => s === 0) && n.attrs.steps.every((s, i) => s === 1 || type.shape[i] === 1)
        ? 0
        : undefined;
    case "pad":
      return n.attrs.pads.every((p) => p === 0) ? 0 : undefined;
    case "add":
      return constant(1, 0) ? 0 : constant(0, 0) ? 1 : undefined;
    case "mul":
      return constant(1, 1) ? 0 : constant(0, 1) ? 1 : undefined;
    case "sub":
      return constant(1, 0) ? 0 : undefined;
    case "div":
      return constant(1, 1) ? 0 : undefined;
    default:
      return undefined;
  }
}

/** An operation between a graph input and a graph output stays: the output needs a place of its own. */
function joinsPorts(n: Node, operand: string, r: Rewriter): boolean {
  const inputs = r.graph.inputs.map((p) => p.value);
  return r.isGraphOutput(n.outputs[0]!) && inputs.includes(operand);
}

/**
 * ```
 * %b = reshape(%a) {shape=[1,8]} : float32[1,8]   // %a : float32[1,8]
 * %c = relu(%b)                               →   %c = relu(%a)
 * ```
 */
export const removeIdentities: Pass = {
  name: "remove-identities",
  doc: "Removes operations that give an operand back unchanged: identities, casts between float types, moves that move nothing, sums with 0, products with 1.",
  level: "float",
  run: (g) =>
    rewrite(g, (n, r) => {
      const i = passedOn(n, r);
      if (i === undefined || !sameShape(r.shape(n.inputs[i]!), r.shape(n.outputs[0]!))) return undefined;
      const operand = r.at(n.inputs[i]!);
      return joinsPorts(n, operand, r) ? undefined : operand;
    }),
};
