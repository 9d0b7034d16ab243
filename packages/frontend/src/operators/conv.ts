import { type ConvAttrs, elements, sameShape, type ValueId } from "@accelc/ir";
import { int, maybeInts, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { gatherAt, padAxis, reshape, transpose } from "./build.js";
import { type OperatorRow, row } from "./row.js";
import { readWindow, spatial, WINDOW } from "./window.js";

/**
 * The convolution with one spatial axis less: the slices that a window reads along the first of them stand side by side
 * as channels, its output positions as batch.
 *
 *     x[N,C,D,*] → padded, gathered [N,C,D',k,*] → [N,D',C,k,*] → [N·D',C·k,*];  w[O,C/g,k,*] → [O,C/g·k,*]
 */
function withoutFirstAxis(n: NodeContext, inputs: readonly ValueId[], a: ConvAttrs): ValueId {
  const [x, w, ...bias] = inputs as [ValueId, ValueId, ...ValueId[]];
  const axes = a.strides.length;
  const [stride, dilation] = [a.strides[0]!, a.dilations[0]!];
  const [begin, end] = [a.pads[0]!, a.pads[axes]!];
  const [batch, channels, depth] = n.shape(x) as [number, number, number];
  const [outputs, perGroup, kernel] = n.shape(w) as [number, number, number];
  const positions = Math.floor((depth + begin + end - (kernel - 1) * dilation - 1) / stride) + 1;
  if (positions < 1) n.disagree(`a window of ${(kernel - 1) * dilation + 1} is larger than its input of ${depth}`);
  const at = Array.from({ length: positions }, (_, o) =>
    Array.from({ length: kernel }, (_, k) => o * stride + k * dilation),
  ).flat();
  const rest = n.shape(x).slice(3);
  const slices = gatherAt(n, padAxis(n, x, 2, begin, end), 2, at);
  const split = reshape(n, slices, [batch, channels, positions, kernel, ...rest]);
  const order = [0, 2, 1, 3, ...rest.map((_, i) => i + 4)];
  const images = reshape(n, transpose(n, split, order), [batch * positions, channels * kernel, ...rest]);
  const weights = reshape(n, w, [outputs, perGroup * kernel, ...n.shape(w).slice(3)]);
  const later = (list: readonly number[]): number[] => list.filter((_, i) => i % axes !== 0);
  const attrs = { ...a, strides: later(a.strides), dilations: later(a.dilations), pads: later(a.pads) };
  const y = convolve(n, [images, weights, ...bias], attrs);
  const extent = n.shape(y).slice(2);
  const back = [0, 2, 1, ...extent.map((_, i) => i + 3)];
  return transpose(n, reshape(n, y, [batch, positions, outputs, ...extent]), back);
}

/** A convolution over any number of spatial axes; the machine has two. */
export const convolve = (n: NodeContext, inputs: readonly ValueId[], a: ConvAttrs): ValueId =>
  a.strides.length > 2 && elements(n.shape(inputs[0]!)) > 0 ? withoutFirstAxis(n, inputs, a) : n.add("conv", inputs, a);

export const CONV_ATTRIBUTES = { ...WINDOW, dilations: maybeInts, group: int(1), kernel_shape: maybeInts };

/** Extents of input and kernel, checked against each other. */
export function kernelAndExtent(
  n: NodeContext,
  a: Pick<Values<typeof CONV_ATTRIBUTES>, "kernel_shape" | "group">,
  weight = 1,
) {
  const extent = spatial(n);
  const shape = n.shape(n.input(weight));
  const kernel = shape.slice(2);
  if (a.kernel_shape && !sameShape(a.kernel_shape, kernel))
    n.badAttribute("kernel_shape", `[${a.kernel_shape.join(",")}]`, `the weight has [${kernel.join(",")}]`);
  if (kernel.length !== extent.length)
    n.badInput(weight, `of shape [${shape.join(",")}]`, `the input has ${extent.length} spatial axes`);
  if (a.group < 1) n.badAttribute("group", a.group, "it must be 1 or more");
  return { extent, kernel };
}

export const CONV: readonly OperatorRow[] = [
  row({
    op: "Conv",
    since: 1,
    unit: "systolic",
    constraints: "any number of spatial axes; pads must not be negative",
    inputs: [2, 3],
    attributes: CONV_ATTRIBUTES,
    parse(n, a) {
      const { extent, kernel } = kernelAndExtent(n, a);
      const attrs = { ...readWindow(n, a, extent, kernel), groups: a.group, fill: 0 };
      const inputs = n.has(2) ? [n.input(0), n.input(1), n.input(2)] : [n.input(0), n.input(1)];
      n.sameTypes(inputs);
      if (extent.length > 2) n.finish(convolve(n, inputs, attrs));
      else n.result("conv", inputs, attrs);
    },
  }),
];
