import { elements, type NodeOf, type OpName, type TensorType, type ValueId } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/**
 * Most elements that one reduction may fold: with the longest axis in the lanes they take a quarter of one VMEM, which
 * leaves room for what is fused around it.
 */
export const maxReduction = (m: MachineDescription): number =>
  m.tandem.lanes * Math.max(1, Math.floor(m.tandem.vmemRows / 4));

const COMBINE: { readonly [K in "sum" | "max" | "min"]: OpName & ("iadd" | "imax" | "imin") } = {
  sum: "iadd",
  max: "imax",
  min: "imin",
};

const largestDivisor = (n: number, most: number): number => {
  for (let d = Math.min(n, most); d > 1; d--) if (n % d === 0) return d;
  return 1;
};

const gridOf = (t: TensorType) => (t.quant && t.dtype !== "int32" ? { quant: t.quant } : {});

/** Over several axes: the longest first, then the rest. */
function peel(n: NodeOf<"ireduce">, r: Rewriter, shape: readonly number[]): ValueId {
  const { kind, axes } = n.attrs;
  const longest = axes.reduce((a, b) => (shape[b]! > shape[a]! ? b : a));
  const first = r.add("ireduce", [r.at(n.inputs[0]!)], { kind, axes: [longest] }, n.loc);
  return r.add("ireduce", [first], { kind, axes: axes.filter((a) => a !== longest) }, n.loc, r.as(n));
}

/** One long axis: chunks of equal length side by side, or a whole part and a rest. */
function chunk(n: NodeOf<"ireduce">, r: Rewriter, shape: readonly number[], most: number): ValueId {
  const { kind } = n.attrs;
  const axis = n.attrs.axes.find((a) => shape[a]! > 1)!;
  const size = shape[axis]!;
  const x = r.at(n.inputs[0]!);
  const part = largestDivisor(size, most);
  const last = r.as(n);
  if (part * part >= size) {
    const split = [...shape.slice(0, axis), size / part, part, ...shape.slice(axis + 1)];
    const wide = r.add("reshape", [x], { shape: split }, n.loc);
    const inner = r.add("ireduce", [wide], { kind, axes: [axis + 1] }, n.loc, gridOf(r.type(n.inputs[0]!)));
    const joined = r.add("reshape", [inner], { shape: shape.map((s, i) => (i === axis ? size / part : s)) }, n.loc);
    return r.add("ireduce", [joined], { kind, axes: [axis] }, n.loc, last);
  }
  const whole = Math.floor(size / most) * most;
  const slice = (start: number, length: number) => {
    const at = (value: number, other: number) => shape.map((_, i) => (i === axis ? value : other));
    const attrs = { starts: at(start, 0), steps: at(1, 1), sizes: shape.map((s, i) => (i === axis ? length : s)) };
    const piece = r.add("slice", [x], attrs, n.loc);
    return r.add("ireduce", [piece], { kind, axes: [axis] }, n.loc);
  };
  return r.add(COMBINE[kind], [slice(0, whole), slice(whole, size - whole)], {}, n.loc, last);
}

/** Splits reductions of more elements than a tile can hold; sums wrap and extremes are associative, so no bit changes. */
export const splitReductions: Pass = {
  name: "split-reductions",
  doc: "Splits reductions that are larger than a tile into reductions of parts.",
  level: "integer",
  run: (g, { machine }) => {
    const most = maxReduction(machine);
    return rewrite(g, (n, r) => {
      if (n.op !== "ireduce") return undefined;
      const shape = r.shape(n.inputs[0]!);
      if (elements(n.attrs.axes.map((a) => shape[a]!)) <= most) return undefined;
      const long = n.attrs.axes.filter((a) => shape[a]! > 1);
      return long.length > 1 ? peel(n, r, shape) : chunk(n, r, shape, most);
    });
  },
};
