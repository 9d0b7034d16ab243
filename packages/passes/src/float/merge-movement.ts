import { type Node, type NodeOf, sameShape, type ValueId } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** transpose(transpose(x, p), q) = transpose(x, p∘q). A transpose that moves only axes of extent 1 is a reshape. */
function transpose(n: NodeOf<"transpose">, r: Rewriter): ValueId | undefined {
  const x = n.inputs[0]!;
  const before = r.producer(x, "transpose");
  if (before) {
    const perm = n.attrs.perm.map((p) => before.attrs.perm[p]!);
    return r.add("transpose", [r.at(before.inputs[0]!)], { perm }, n.loc, r.as(n));
  }
  const moved = n.attrs.perm.filter((p) => r.shape(x)[p] !== 1);
  if (moved.some((p, i) => i > 0 && p < moved[i - 1]!) || n.attrs.perm.every((p, i) => p === i)) return undefined;
  return r.add("reshape", [r.at(x)], { shape: r.shape(n.outputs[0]!) }, n.loc, r.as(n));
}

function reshape(n: NodeOf<"reshape">, r: Rewriter): ValueId | undefined {
  const before = r.producer(n.inputs[0]!, "reshape");
  if (!before) return undefined;
  return r.add("reshape", [r.at(before.inputs[0]!)], n.attrs, n.loc, r.as(n));
}

/** A slice that reads only one operand of a concatenation is a slice of that operand. */
function sliceOfPart(n: NodeOf<"slice">, concat: NodeOf<"concat">, r: Rewriter): ValueId | undefined {
  const { axis } = concat.attrs;
  const from = n.attrs.starts[axis]!;
  const to = from + (n.attrs.sizes[axis]! - 1) * n.attrs.steps[axis]!;
  let begin = 0;
  for (const part of concat.inputs) {
    const end = begin + r.shape(part)[axis]!;
    if (Math.min(from, to) >= begin && Math.max(from, to) < end) {
      const starts = n.attrs.starts.map((s, i) => (i === axis ? s - begin : s));
      return r.add("slice", [r.at(part)], { ...n.attrs, starts }, n.loc, r.as(n));
    }
    begin = end;
  }
  return undefined;
}

function slice(n: NodeOf<"slice">, r: Rewriter): ValueId | undefined {
  const joined = r.producer(n.inputs[0]!, "concat");
  if (joined) return sliceOfPart(n, joined, r);
  const before = r.producer(n.inputs[0]!, "slice");
  if (!before) return undefined;
  const a = before.attrs;
  const starts = n.attrs.starts.map((s, i) => a.starts[i]! + s * a.steps[i]!);
  const steps = n.attrs.steps.map((s, i) => s * a.steps[i]!);
  return r.add("slice", [r.at(before.inputs[0]!)], { starts, steps, sizes: n.attrs.sizes }, n.loc, r.as(n));
}

function pad(n: NodeOf<"pad">, r: Rewriter): ValueId | undefined {
  const before = r.producer(n.inputs[0]!, "pad");
  if (!before || before.attrs.value !== n.attrs.value || !r.single(n.inputs[0]!)) return undefined;
  const pads = n.attrs.pads.map((p, i) => p + before.attrs.pads[i]!);
  return r.add("pad", [r.at(before.inputs[0]!)], { pads, value: n.attrs.value }, n.loc, r.as(n));
}

/** concat(a, concat(b, c)) along one axis = concat(a, b, c). */
function concat(n: NodeOf<"concat">, r: Rewriter): ValueId | undefined {
  const parts = n.inputs.map((i) => {
    const inner = r.single(i) ? r.producer(i, "concat") : undefined;
    return inner?.attrs.axis === n.attrs.axis ? inner.inputs : [i];
  });
  if (parts.every((p, i) => p.length === 1 && p[0] === n.inputs[i])) return undefined;
  return r.add(
    "concat",
    parts.flat().map((i) => r.at(i)),
    n.attrs,
    n.loc,
    r.as(n),
  );
}

function expand(n: NodeOf<"expand">, r: Rewriter): ValueId | undefined {
  const before = r.producer(n.inputs[0]!, "expand");
  if (!before || sameShape(n.attrs.shape, before.attrs.shape)) return undefined;
  return r.add("expand", [r.at(before.inputs[0]!)], n.attrs, n.loc, r.as(n));
}

function merged(n: Node, r: Rewriter): ValueId | undefined {
  switch (n.op) {
    case "transpose":
      return transpose(n, r);
    case "reshape":
      return reshape(n, r);
    case "slice":
      return slice(n, r);
    case "pad":
      return pad(n, r);
    case "concat":
      return concat(n, r);
    case "expand":
      return expand(n, r);
    default:
      return undefined;
  }
}

/**
 * ```
 * %b = transpose(%a) {perm=[0,2,3,1]}
 * %c = transpose(%b) {perm=[0,3,1,2]}   →   %c = transpose(%a) {perm=[0,1,2,3]}
 * ```
 */
export const mergeMovement: Pass = {
  name: "merge-movement",
  doc: "Joins two transposes, reshapes, slices, pads, expansions or concatenations that follow each other, looks through a concatenation for the one part that is sliced, and turns transposes that move only unit axes into reshapes.",
  level: "float",
  run: (g) => rewrite(g, merged),
};
