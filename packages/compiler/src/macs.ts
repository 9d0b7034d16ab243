import { elements, type Graph, isGemm, typeOf } from "@accelc/ir";

/** Multiply-accumulates of every convolution and matrix product. */
export function countMacs(g: Graph): number {
  let macs = 0;
  for (const n of g.nodes) {
    if (!isGemm(n)) continue;
    const out = elements(typeOf(g, n.outputs[0]!).shape);
    const w = typeOf(g, n.inputs[1]!).shape;
    macs += out * (n.op === "conv" ? elements(w.slice(1)) : w.at(-2)!);
  }
  return macs;
}
