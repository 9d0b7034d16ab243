import { elements, type ValueId } from "@accelc/ir";
import { int, maybeInts, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { reshape, transpose } from "./build.js";
import { convolve, kernelAndExtent } from "./conv.js";
import { type OperatorRow, row } from "./row.js";
import { perAxis, WINDOW } from "./window.js";

const ATTRIBUTES = {
  ...WINDOW,
  dilations: maybeInts,
  group: int(1),
  kernel_shape: maybeInts,
  output_padding: maybeInts,
  output_shape: maybeInts,
};

interface Extents {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Elements cut from the full result, negative where zeros are added; all begins, then all ends. */
  readonly cut: readonly number[];
}

/** As the operator's text: total padding from output_shape, or from the pads. */
function extents(
  n: NodeContext,
  a: Values<typeof ATTRIBUTES>,
  extent: readonly number[],
  kernel: readonly number[],
): Extents {
  const count = extent.length;
  const strides = perAxis(n, "strides", a.strides, count, 1);
  const dilations = perAxis(n, "dilations", a.dilations, count, 1);
  const declared = perAxis(n, "pads", a.pads, 2 * count, 0);
  const added = perAxis(n, "output_padding", a.output_padding, count, 0);
  const full = extent.map((d, i) => (d - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1);
  const same = a.auto_pad === "SAME_UPPER" || a.auto_pad === "SAME_LOWER";
  const wanted = a.output_shape
    ? perAxis(n, "output_shape", a.output_shape.slice(-count), count, 1)
    : same
      ? extent.map((d, i) => d * strides[i]!)
      : undefined;
  const begins = declared.slice(0, count);
  const ends = declared.slice(count).map((p, i) => p - added[i]!);
  if (!wanted)
    return {
      strides,
      dilations,
      cut: a.auto_pad === "VALID" ? [...added.map(() => 0), ...added.map((p) => -p)] : [...begins, ...ends],
    };
  const total = wanted.map((size, i) => full[i]! + added[i]! - size);
  const half = total.map((t) => Math.floor(t / 2));
  const other = total.map((t, i) => t - half[i]!);
  const [first, last] = a.auto_pad === "SAME_UPPER" ? [half, other] : [other, half];
  return { strides, dilations, cut: [...first, ...last.map((p, i) => p - added[i]!)] };
}

/** Zeros between neighbours along every spatial axis: padded behind an axis of extent 1, the last ones cut off. */
function spread(n: NodeContext, x: ValueId, strides: readonly number[]): ValueId {
  if (strides.every((s) => s === 1)) return x;
  const [batch, channels, ...extent] = n.shape(x) as [number, number, ...number[]];
  const split = reshape(n, x, [batch, channels, ...extent.flatMap((d) => [d, 1])]);
  const ends = [0, 0, ...strides.flatMap((s) => [0, s - 1])];
  const padded = n.add("pad", [split], { pads: [...ends.map(() => 0), ...ends], value: 0 });
  const wide = reshape(n, padded, [batch, channels, ...extent.map((d, i) => d * strides[i]!)]);
  const sizes = [batch, channels, ...extent.map((d, i) => (d - 1) * strides[i]! + 1)];
  return n.add("slice", [wide], { starts: sizes.map(() => 0), steps: sizes.map(() => 1), sizes });
}

/** w[C,O/g,*] as the weight [O,C/g,*] of the convolution that reads backwards. */
function flipped(n: NodeContext, w: ValueId, groups: number): ValueId {
  const [channels, perGroup, ...kernel] = n.shape(w) as [number, number, ...number[]];
  const grouped = reshape(n, w, [groups, channels / groups, perGroup, ...kernel]);
  const swapped = transpose(n, grouped, [0, 2, 1, ...kernel.map((_, i) => i + 3)]);
  const shape = [groups * perGroup, channels / groups, ...kernel];
  const joined = reshape(n, swapped, shape);
  return n.add("slice", [joined], {
    starts: shape.map((d, i) => (i < 2 ? 0 : d - 1)),
    steps: shape.map((_, i) => (i < 2 ? 1 : -1)),
    sizes: shape,
  });
}

/** Padding of x; negative padding removes elements. */
function bordered(n: NodeContext, x: ValueId, pads: readonly number[]): { x: ValueId; pads: number[] } {
  const border = pads.map((p) => Math.max(p, 0));
  if (pads.every((p) => p >= 0)) return { x, pads: border };
  const shape = n.shape(x);
  const count = shape.length - 2;
  const starts = shape.map((_, i) => (i < 2 ? 0 : Math.max(-pads[i - 2]!, 0)));
  const sizes = shape.map((d, i) => (i < 2 ? d : d - starts[i]! - Math.max(-pads[count + i - 2]!, 0)));
  if (sizes.some((s) => s < 1)) n.disagree(`pads cut all of [${shape.join(",")}] off`);
  return { x: n.add("slice", [x], { starts, steps: shape.map(() => 1), sizes }), pads: border };
}

export const CONV_TRANSPOSE: readonly OperatorRow[] = [
  row({
    op: "ConvTranspose",
    since: 1,
    unit: "systolic",
    constraints: "any number of spatial axes",
    inputs: [2, 3],
    attributes: ATTRIBUTES,
    parse(n, a) {
      const { extent, kernel } = kernelAndExtent(n, a);
      const [x, w] = [n.input(0), n.input(1)];
      const channels = n.shape(x)[1]!;
      if (n.shape(w)[0] !== channels || channels % a.group !== 0)
        n.disagree(`weight [${n.shape(w).join(",")}] in ${a.group} groups for ${channels} channels`);
      const { strides, dilations, cut } = extents(n, a, extent, kernel);
      if (elements(n.shape(x)) === 0) n.badInput(0, `of shape [${n.shape(x).join(",")}]`, "it has no elements");
      const reach = kernel.map((k, i) => dilations[i]! * (k - 1));
      const pads = [...reach, ...reach].map((r, i) => r - cut[i]!);
      const inner = bordered(n, spread(n, x, strides), pads);
      const ones = strides.map(() => 1);
      const inputs = [inner.x, flipped(n, w, a.group), ...(n.has(2) ? [n.input(2)] : [])];
      n.sameTypes(inputs);
      n.finish(convolve(n, inputs, { strides: ones, dilations, pads: inner.pads, groups: a.group, fill: 0 }));
    },
  }),
];
