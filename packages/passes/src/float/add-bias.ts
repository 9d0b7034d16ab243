import { elements, type Node, type ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** The constant as one number per channel, where it varies along `axis` of `shape` at most and does not enlarge it. */
function perChannel(id: ValueId, shape: readonly number[], axis: number, r: Rewriter): Float32Array | undefined {
  const data = r.data(id) as Float32Array | undefined;
  const own = r.shape(id);
  if (!data || own.length > shape.length) return undefined;
  const missing = shape.length - own.length;
  if (!own.every((n, i) => n === 1 || (i + missing === axis && n === shape[axis]))) return undefined;
  return Float32Array.from({ length: shape[axis]! }, (_, c) => data[elements(own) === 1 ? 0 : c]!);
}

/** The sum's gemm operand and its constant operand with its sign. */
function operands(n: Node): (readonly [gemm: ValueId, constant: ValueId, sign: 1 | -1])[] {
  const [a, b] = n.inputs as [ValueId, ValueId];
  if (n.op === "add")
    return [
      [a, b, 1],
      [b, a, 1],
    ];
  return n.op === "sub" ? [[a, b, -1]] : [];
}

function intoBias(n: Node, r: Rewriter): ValueId | undefined {
  for (const [value, constant, sign] of operands(n)) {
    const gemm = r.single(value) ? r.producerOf(value) : undefined;
    if (gemm?.op !== "conv" && gemm?.op !== "matmul") continue;
    const shape = r.shape(value);
    const addend = perChannel(constant, shape, gemm.op === "conv" ? 1 : shape.length - 1, r);
    const old = gemm.inputs[2] === undefined ? undefined : r.data(gemm.inputs[2]);
    if (!addend || (gemm.inputs[2] !== undefined && !old)) continue;
    const sum = addend.map((v, c) => sign * v + ((old as Float32Array | undefined)?.[c] ?? 0));
    const bias = r.constant({ dtype: "float32", shape: [sum.length] }, sum, `${constant}.bias`);
    const inputs = gemm.inputs.slice(0, 2).map((i) => r.at(i));
    return r.add(gemm.op, [...inputs, bias], gemm.attrs as never, gemm.loc, r.as(n));
  }
  return undefined;
}

/**
 * ```
 * %y = conv(%x, %w)
 * %z = add(%y, %c)    // %c : float32[8,1,1]   →   %z = conv(%x, %w, %c.bias)
 * ```
 */
export const addBias: Pass = {
  name: "add-bias",
  doc: "Turns the addition or subtraction of a constant per output channel behind a convolution or matrix product into its bias.",
  level: "float",
  run: (g) => rewrite(g, intoBias),
};
