import { elements, type Loc, type Node, type NodeOf, type ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** y[c] = x[c] * scale[c] + shift[c]. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale; undefined unless all of them are constants. */
function affineOf(n: NodeOf<"batchNorm">, r: Rewriter): Affine | undefined {
  const data = n.inputs.slice(1).map((i) => r.data(i));
  if (data.some((d) => d === undefined)) return undefined;
  const [gamma, beta, mean, variance] = data as Float32Array[];
  const scale = Float64Array.from(gamma!, (v, c) => v / Math.sqrt(variance![c]! + n.attrs.epsilon));
  const shift = Float64Array.from(beta!, (b, c) => b - mean![c]! * scale[c]!);
  return [...scale, ...shift].every(Number.isFinite) ? { scale, shift } : undefined;
}

/** The weights with their slices along `axis` scaled, and the bias that goes with them. */
function foldInto(gemm: Node, axis: number, affine: Affine, loc: Loc, r: Rewriter): ValueId[] | undefined {
  const [w, bias] = [gemm.inputs[1]!, gemm.inputs[2]];
  if (r.grid(w)) return undefined;
  const weights = r.data(w) as Float32Array | undefined;
  const old = bias === undefined ? undefined : (r.data(bias) as Float32Array | undefined);
  if (!weights || (bias !== undefined && !old)) return undefined;
  const shape = r.shape(w);
  const [extent, inner] = [shape[axis]!, elements(shape.slice(axis + 1))];
  const scaled = weights.map((v, i) => v * affine.scale[Math.floor(i / inner) % extent]!);
  const shifted = Float32Array.from(affine.shift, (s, c) => s + (old?.[c] ?? 0) * affine.scale[c]!);
  return [
    r.constant({ dtype: "float32", shape }, scaled, `${w}.normalized`),
    r.constant({ dtype: "float32", shape: [extent] }, shifted, `${bias ?? loc.node}.normalized`),
  ];
}

function fold(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op !== "batchNorm" || !r.single(n.inputs[0]!)) return undefined;
  const gemm = r.producerOf(n.inputs[0]!);
  const affine = affineOf(n, r);
  if (!affine || !gemm) return undefined;
  const flat = gemm.op === "matmul" && r.shape(n.inputs[0]!).length === 2 && r.shape(gemm.inputs[1]!).length === 2;
  if (gemm.op !== "conv" && !flat) return undefined;
  const folded = foldInto(gemm, flat ? 1 : 0, affine, n.loc, r);
  if (!folded) return undefined;
  return r.add(gemm.op, [r.at(gemm.inputs[0]!), ...folded], gemm.attrs as never, gemm.loc, r.as(n));
}

/**
 * scale * (conv(x, w) + b) + shift = conv(x, scale * w) + (scale * b + shift), per output channel, computed in binary64 and
 * rounded once.
 * ```
 * %y = conv(%x, %w)
 * %z = batchNorm(%y, …)   →   %z = conv(%x, %w.normalized, %b.normalized)
 * ```
 */
export const foldBatchNorm: Pass = {
  name: "fold-batch-norm",
  doc: "Folds a batch normalization into the weights and bias of the convolution or matrix product it alone follows; others stay, and so do those behind weights whose grid the model states.",
  level: "float",
  run: (g) => rewrite(g, fold),
};
