import type { Data, Node, ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** First index and distance of evenly spaced indices inside the axis, negative ones counted from its end; undefined for any others. */
function progression(data: Data, extent: number): { start: number; step: number } | undefined {
  const at = Array.from(data as ArrayLike<number | bigint>, (i) => (Number(i) < 0 ? Number(i) + extent : Number(i)));
  const start = at[0];
  if (start === undefined) return undefined;
  const step = at.length > 1 ? at[1]! - start : 1;
  const even = step !== 0 && at.every((i, k) => i === start + k * step && i >= 0 && i < extent);
  return even ? { start, step } : undefined;
}

function slice(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op !== "gather") return undefined;
  const [x, indices] = n.inputs as [ValueId, ValueId];
  const [shape, data, axis] = [r.shape(x), r.data(indices), n.attrs.axis];
  const found = data && progression(data, shape[axis]!);
  if (!found) return undefined;
  const along = (here: number, elsewhere: number) => shape.map((_, i) => (i === axis ? here : elsewhere));
  const attrs = {
    starts: along(found.start, 0),
    steps: along(found.step, 1),
    sizes: shape.map((s, i) => (i === axis ? data.length : s)),
  };
  if (r.shape(indices).length === 1) return r.add("slice", [r.at(x)], attrs, n.loc, r.as(n));
  const box = r.add("slice", [r.at(x)], attrs, n.loc, r.reshaped(n));
  return r.add("reshape", [box], { shape: r.shape(n.outputs[0]!) }, n.loc, r.as(n));
}

/**
 * ```
 * %y = gather(%x, 0) {axis=1}   // %x : float32[1,5,48]   →   %s = slice(%x) {starts=[0,0,0], sizes=[1,1,48]}
 *                                                             %y = reshape(%s) {shape=[1,48]}
 * ```
 */
export const gatherToSlice: Pass = {
  name: "gather-to-slice",
  doc: "Writes a gather at evenly spaced constant indices as a slice.",
  level: "float",
  run: (g) => rewrite(g, slice),
};
