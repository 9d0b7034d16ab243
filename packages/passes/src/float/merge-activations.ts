import type { Node, OpAttrs, ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

const FLOAT32_MAX = 3.4028234663852886e38;

/** relu and clip as min(max(x, lo), hi), bounds no float32 can pass being infinite. */
function bounds(n: Node | undefined): OpAttrs["clip"] | undefined {
  if (n?.op === "relu") return { min: 0, max: Number.POSITIVE_INFINITY };
  if (n?.op !== "clip") return undefined;
  return {
    min: n.attrs.min <= -FLOAT32_MAX ? Number.NEGATIVE_INFINITY : n.attrs.min,
    max: n.attrs.max >= FLOAT32_MAX ? Number.POSITIVE_INFINITY : n.attrs.max,
  };
}

/** min(max(min(max(x,a),b),c),d) = min(max(x, max(a,c)), min(max(b,c),d)). */
function compose(first: OpAttrs["clip"], second: OpAttrs["clip"]): OpAttrs["clip"] {
  return {
    min: Math.max(first.min, second.min),
    max: Math.min(Math.max(first.max, second.min), second.max),
  };
}

function emit(b: OpAttrs["clip"], x: ValueId, n: Node, r: Rewriter): ValueId {
  if (b.max === Number.POSITIVE_INFINITY) {
    if (b.min === 0) return r.add("relu", [x], {}, n.loc, r.as(n));
    if (b.min === Number.NEGATIVE_INFINITY) return r.add("identity", [x], {}, n.loc, r.as(n));
  }
  return r.add("clip", [x], b, n.loc, r.as(n));
}

function merge(n: Node, r: Rewriter): ValueId | undefined {
  const own = bounds(n);
  if (!own) return undefined;
  const x = n.inputs[0]!;
  const inner = r.single(x) ? bounds(r.producerOf(x)) : undefined;
  if (inner) return emit(compose(inner, own), r.at(r.producerOf(x)!.inputs[0]!), n, r);
  if (n.op === "relu" || own.max !== Number.POSITIVE_INFINITY) return undefined;
  return own.min === 0 || own.min === Number.NEGATIVE_INFINITY ? emit(own, r.at(x), n, r) : undefined;
}

/**
 * ```
 * %b = relu(%a)
 * %c = clip(%b) {min=-1, max=6}   →   %c = clip(%a) {min=0, max=6}
 * ```
 */
export const mergeActivations: Pass = {
  name: "merge-activations",
  doc: "Joins clips and relus that follow each other into one, and writes a clip bounded only by 0 from below as relu.",
  level: "float",
  run: (g) => rewrite(g, merge),
};
