import type { Node, ValueId, WindowAttrs } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

/** [N,…,L] as [N,…,1,L]. */
const widened = (shape: readonly number[]): number[] => [...shape.slice(0, -1), 1, shape.at(-1)!];

/** Begin and end of one axis as begins and ends of a unit axis and that one. */
const widenedPads = ([begin, end]: readonly number[]): number[] => [0, begin!, 0, end!];

const widenedWindow = <A extends Omit<WindowAttrs, "kernel">>(a: A): A => ({
  ...a,
  strides: [1, ...a.strides],
  dilations: [1, ...a.dilations],
  pads: widenedPads(a.pads),
});

/** The operation on inputs that have the second axis already. */
function inTwoAxes(n: Node, widen: (id: ValueId) => ValueId, r: Rewriter): ValueId | undefined {
  const [x, at] = [n.inputs[0]!, r.reshaped(n)];
  switch (n.op) {
    case "conv": {
      const bias = n.inputs.slice(2).map((i) => r.at(i));
      return r.add("conv", [widen(x), widen(n.inputs[1]!), ...bias], widenedWindow(n.attrs), n.loc, at);
    }
    case "maxPool":
      return r.add("maxPool", [widen(x)], { ...widenedWindow(n.attrs), kernel: [1, ...n.attrs.kernel] }, n.loc, at);
    case "averagePool": {
      const countedPads = widenedPads(n.attrs.countedPads);
      const attrs = { ...widenedWindow(n.attrs), kernel: [1, ...n.attrs.kernel], countedPads };
      return r.add("averagePool", [widen(x)], attrs, n.loc, at);
    }
    default:
      return undefined;
  }
}

function widenNode(n: Node, r: Rewriter): ValueId | undefined {
  if (!("strides" in n.attrs) || n.attrs.strides.length !== 1) return undefined;
  const widen = (id: ValueId) => r.add("reshape", [r.at(id)], { shape: widened(r.shape(id)) }, n.loc);
  const y = inTwoAxes(n, widen, r);
  return y && r.add("reshape", [y], { shape: r.shape(n.outputs[0]!) }, n.loc, r.as(n));
}

/**
 * ```
 * %y = conv(%x, %w) {pads=[1,1]}   →   %a = conv(reshape(%x), reshape(%w)) {pads=[0,1,0,1]}   // [N,C,L] → [N,C,1,L]
 *                                      %y = reshape(%a)
 * ```
 */
export const convRank: Pass = {
  name: "conv-rank",
  doc: "Gives convolutions and poolings over one spatial axis a second one of extent 1.",
  level: "float",
  run: (g) => rewrite(g, widenNode),
};
