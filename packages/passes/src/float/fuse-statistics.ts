import type { Node, NodeOf, ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

const isFloat32 = (r: Rewriter, id: ValueId): boolean => r.type(id).dtype === "float32";

/** x where `id` is f(x) and nothing else reads it. */
function operandOf(r: Rewriter, id: ValueId, fn: "sqrt" | "square"): ValueId | undefined {
  const n = r.single(id) ? r.producer(id, "unary") : undefined;
  return n?.attrs.fn === fn && isFloat32(r, n.inputs[0]!) ? n.inputs[0] : undefined;
}

function rsqrt(n: Node, r: Rewriter, x: ValueId, own: boolean): ValueId {
  const power = r.constant({ dtype: "float32", shape: [] }, Float32Array.of(-0.5), `${n.outputs[0]}.exponent`);
  return r.add("pow", [r.at(x), power], {}, n.loc, own ? r.as(n) : { id: `${n.outputs[0]}.rsqrt` });
}

/** a / √x = a x^(−1/2). */
function divideByRoot(n: NodeOf<"div">, r: Rewriter): ValueId | undefined {
  const [a, b] = n.inputs as readonly [ValueId, ValueId];
  const x = operandOf(r, b, "sqrt");
  return x === undefined
    ? undefined
    : r.add("mul", [r.at(a), rsqrt(n as Node, r, x, false)], {}, n.loc, r.as(n as Node));
}

/** Σ x² and its mean. */
function sumSquares(n: NodeOf<"reduce">, r: Rewriter): ValueId | undefined {
  const { kind, axes } = n.attrs;
  const x = kind === "sum" || kind === "mean" ? operandOf(r, n.inputs[0]!, "square") : undefined;
  if (x === undefined) return undefined;
  return r.add(
    "reduce",
    [r.at(x)],
    { kind: kind === "sum" ? "sumSquare" : "meanSquare", axes },
    n.loc,
    r.as(n as Node),
  );
}

function fuse(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op === "div") return divideByRoot(n as NodeOf<"div">, r);
  if (n.op === "reduce") return sumSquares(n as NodeOf<"reduce">, r);
  if (n.op !== "unary" || n.attrs.fn !== "reciprocal") return undefined;
  const x = operandOf(r, n.inputs[0]!, "sqrt");
  return x === undefined ? undefined : rsqrt(n, r, x, true);
}

/**
 * ```
 * %b = unary(%a) {fn=square}
 * %c = reduce(%b) {kind=mean}   →   %c = reduce(%a) {kind=meanSquare}
 * %d = unary(%c) {fn=sqrt}          %d = pow(%c, -0.5)
 * %y = div(%x, %d)                  %y = mul(%x, %d)
 * ```
 */
export const fuseStatistics: Pass = {
  name: "fuse-statistics",
  doc: "Writes the sum or mean of squares as one reduction, and division by a square root as multiplication by the power −1/2.",
  level: "float",
  run: (g) => rewrite(g, fuse),
};
