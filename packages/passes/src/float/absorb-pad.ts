import { type Node, type NodeOf, typeOf, type ValueId, type WindowAttrs } from "@accelc/ir";
import type { Pass } from "../pass.js";
import { type Rewriter, rewrite } from "../rewrite.js";

const FLOAT32_MAX = 3.4028234663852886e38;

type Windowed = NodeOf<"conv"> | NodeOf<"maxPool"> | NodeOf<"averagePool">;

/** Begins and ends of `pad` along the last `spatial` axes, where it touches no others. */
function spatialPads(pad: NodeOf<"pad">, rank: number, spatial: number): number[] | undefined {
  const lead = rank - spatial;
  const begins = pad.attrs.pads.slice(0, rank);
  const ends = pad.attrs.pads.slice(rank);
  const outside = [...begins.slice(0, lead), ...ends.slice(0, lead)];
  return outside.every((p) => p === 0) ? [...begins.slice(lead), ...ends.slice(lead)] : undefined;
}

const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x + b[i]!);

/** Whether every window covers an element of the unpadded input, axis by axis. */
function everyWindowReads(size: readonly number[], out: readonly number[], a: WindowAttrs): boolean {
  return size.every((n, axis) =>
    Array.from({ length: out[axis]! }, (_, o) =>
      Array.from({ length: a.kernel[axis]! }, (_, k) => o * a.strides[axis]! + k * a.dilations[axis]! - a.pads[axis]!),
    ).every((taps) => taps.some((t) => t >= 0 && t < n)),
  );
}

/** No element of the value is below 0. */
function nonNegative(id: ValueId, r: Rewriter): boolean {
  const n = r.producerOf(id);
  if (n?.op === "maxPool") return nonNegative(n.inputs[0]!, r);
  return n?.op === "relu" || (n?.op === "clip" && n.attrs.min >= 0);
}

/** Padding that never wins a maximum: as low as float32 goes, or 0 beside elements that are not negative. */
const neverWins = (pad: NodeOf<"pad">, r: Rewriter): boolean =>
  pad.attrs.value <= -FLOAT32_MAX || (pad.attrs.value === 0 && nonNegative(pad.inputs[0]!, r));

function absorbedAttrs(n: Windowed, pad: NodeOf<"pad">, r: Rewriter): Windowed["attrs"] | undefined {
  const shape = r.shape(pad.inputs[0]!);
  const spatial = n.attrs.strides.length;
  const extra = spatialPads(pad, shape.length, spatial);
  if (!extra) return undefined;
  const pads = plus(n.attrs.pads, extra);
  switch (n.op) {
    case "conv":
      return pad.attrs.value === n.attrs.fill ? { ...n.attrs, pads } : undefined;
    case "averagePool":
      return pad.attrs.value === 0 ? { ...n.attrs, pads, countedPads: plus(n.attrs.countedPads, extra) } : undefined;
    case "maxPool": {
      const attrs = { ...n.attrs, pads };
      const out = typeOf(r.graph, n.outputs[0]!).shape.slice(-spatial);
      return neverWins(pad, r) && everyWindowReads(shape.slice(-spatial), out, attrs) ? attrs : undefined;
    }
  }
}

function absorb(n: Node, r: Rewriter): ValueId | undefined {
  if (n.op !== "conv" && n.op !== "maxPool" && n.op !== "averagePool") return undefined;
  const x = n.inputs[0]!;
  const pad = r.single(x) ? r.producer(x, "pad") : undefined;
  const attrs = pad && absorbedAttrs(n, pad, r);
  if (!attrs) return undefined;
  const rest = n.inputs.slice(1).map((i) => r.at(i));
  return r.add(n.op, [r.at(pad.inputs[0]!), ...rest], attrs as never, n.loc, r.as(n));
}

/**
 * ```
 * %b = pad(%a) {pads=[0,0,1,1,0,0,1,1], value=0}
 * %c = conv(%b, %w) {pads=[0,0,0,0]}              →   %c = conv(%a, %w) {pads=[1,1,1,1]}
 * ```
 */
export const absorbPad: Pass = {
  name: "absorb-pad",
  doc: "Turns constant padding of spatial axes before a convolution or pooling into the operation's own padding, where it reads the same.",
  level: "float",
  run: (g) => rewrite(g, absorb),
};
