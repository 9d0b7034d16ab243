import { elements, type IntegerWindowAttrs, type Node, type NodeOf, type Quant, type ValueId } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/**
 * Most input positions one window may span: a position is a row of VMEM, and a window's tile takes half of one VMEM so that
 * the next can be loaded meanwhile.
 */
export const maxWindowRows = (m: MachineDescription): number => Math.max(2, Math.floor(m.tandem.vmemRows / 2));

/** Positions between the first and the last element of a window along each axis, both included. */
const spans = (a: IntegerWindowAttrs): number[] => a.kernel.map((k, i) => (k - 1) * a.dilations[i]! + 1);

const at = <T>(values: readonly T[], axis: number, x: T): T[] => values.map((v, i) => (i === axis ? x : v));

/** `part` of the window along `axis`, nothing along the others. */
function alongOnly(a: IntegerWindowAttrs, axis: number): IntegerWindowAttrs {
  const k = a.kernel.length;
  const ones = a.kernel.map(() => 1);
  const pads = a.pads.map((p, i) => (i % k === axis ? p : 0));
  return {
    ...a,
    kernel: at(ones, axis, a.kernel[axis]!),
    strides: at(ones, axis, a.strides[axis]!),
    dilations: at(ones, axis, a.dilations[axis]!),
    pads,
  };
}

/** What is left of the window once `axis` is done; its padding stands for reduced rows of padding. */
function withoutAxis(a: IntegerWindowAttrs, axis: number): IntegerWindowAttrs {
  const k = a.kernel.length;
  return {
    ...a,
    kernel: at(a.kernel, axis, 1),
    strides: at(a.strides, axis, 1),
    dilations: at(a.dilations, axis, 1),
    pads: a.pads.map((p, i) => (i % k === axis ? 0 : p)),
    fill: a.kind === "sum" ? Math.imul(a.kernel[axis]!, a.fill) : a.fill,
  };
}

/** The grid of a sum of k elements: zero points add up. */
const summed = (q: Quant, k: number): Quant => ({ ...q, zeroPoint: q.zeroPoint * k });

/** The first of two windows that together are `n`; keeps the input's grid, sums of it where it sums. */
function first(n: NodeOf<"iwindow">, a: IntegerWindowAttrs, r: Rewriter): ValueId {
  const quant = r.type(n.inputs[0]!).quant;
  const grid = quant && (a.kind === "sum" ? summed(quant, elements(a.kernel)) : quant);
  return r.add("iwindow", [r.at(n.inputs[0]!)], a, n.loc, grid ? { quant: grid } : {});
}

/** Axes the window does anything along. */
const activeAxes = (a: IntegerWindowAttrs): number[] => {
  const k = a.kernel.length;
  return a.kernel.flatMap((n, i) => (n > 1 || a.strides[i]! > 1 || a.pads[i]! > 0 || a.pads[k + i]! > 0 ? [i] : []));
};

/** Peels off the axis that shrinks most, the last of equals: sum over (h, w) = sum over h of sums over w; so for max and min. */
function peelAxis(n: NodeOf<"iwindow">, axes: readonly number[], r: Rewriter): ValueId {
  const k = n.attrs.kernel.length;
  const [from, to] = [r.shape(n.inputs[0]!), r.shape(n.outputs[0]!)].map((s) => s.slice(-k)) as [number[], number[]];
  const shrink = (i: number) => to[i]! / from[i]!;
  const axis = axes.reduce((best, i) => (shrink(i) <= shrink(best) ? i : best));
  const inner = first(n, alongOnly(n.attrs, axis), r);
  return r.add("iwindow", [inner], withoutAxis(n.attrs, axis), n.loc, r.as(n));
}

/** What leaves a reduction of these elements as it is. */
function neutral(kind: IntegerWindowAttrs["kind"], dtype: string): number {
  if (kind === "sum") return 0;
  const bits = dtype === "int8" ? 8 : dtype === "int16" ? 16 : 32;
  return kind === "max" ? -(2 ** (bits - 1)) : 2 ** (bits - 1) - 1;
}

/** Chunk length and number of chunks: exact where a divisor within the limit exists, else as even as can be. */
function chunks(length: number, limit: number): readonly [size: number, count: number] {
  for (let count = Math.ceil(length / limit); count <= limit && count < length; count++)
    if (length % count === 0) return [length / count, count];
  const count = Math.ceil(length / limit);
  return [Math.ceil(length / count), count];
}

/** A window over one whole padded axis as windows over chunks of it, then one over the chunks. */
function chunkAxis(n: NodeOf<"iwindow">, axis: number, limit: number, r: Rewriter): ValueId | undefined {
  const a = n.attrs;
  const k = a.kernel.length;
  const length = a.kernel[axis]!;
  const [begin, end] = [a.pads[axis]!, a.pads[k + axis]!];
  const extent = r.shape(n.inputs[0]!).at(axis - k)!;
  if (begin + extent + end !== length) return undefined;
  const none = neutral(a.kind, r.type(n.inputs[0]!).dtype);
  const fill = begin + end === 0 ? none : a.fill;
  const [size, count] = chunks(length, limit);
  const extra = size * count - length;
  // The last chunk is filled up with padding, which must not count beside padding that does.
  if (extra > 0 && fill !== none) return undefined;
  const pads = at(a.pads, k + axis, end + extra);
  const inner = first(n, { ...a, kernel: at(a.kernel, axis, size), strides: at(a.strides, axis, size), pads, fill }, r);
  const rest = { ...withoutAxis(a, axis), kernel: at(a.kernel, axis, count) };
  return r.add("iwindow", [inner], rest, n.loc, r.as(n));
}

function split(n: Node, limit: number, r: Rewriter): ValueId | undefined {
  if (n.op !== "iwindow" || elements(spans(n.attrs)) <= limit) return undefined;
  const axes = activeAxes(n.attrs);
  if (axes.length > 1) return peelAxis(n, axes, r);
  return axes.length === 1 ? chunkAxis(n, axes[0]!, limit, r) : undefined;
}

/**
 * ```
 * %y = iwindow(%x) {kind=sum, kernel=[56,56]}   →   %a = iwindow(%x) {kind=sum, kernel=[1,56]}
 *                                                   %y = iwindow(%a) {kind=sum, kernel=[56,1]}
 * ```
 */
export const splitWindows: Pass = {
  name: "split-windows",
  doc: "Splits windows that span more positions than the machine's VMEM holds into windows along one axis each, and a whole axis into chunks, to the same bit.",
  level: "integer",
  run: (g, ctx) => rewrite(g, (n, r) => split(n, maxWindowRows(ctx.machine), r)),
};
