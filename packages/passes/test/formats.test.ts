import type { Graph } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { type FormatOptions, formatProblems, type LayerFormat, planFormats } from "../src/index.js";
import { Network, random } from "./quantize-support.js";

const same = { pads: [1, 1, 1, 1] };

/** Stem, a bottleneck block with a projection shortcut, one with an identity, a classifier. */
function residualNet(): Graph {
  const n = new Network(random(1));
  let x = n.add("relu", [n.conv(n.input("x", [1, 3, 6, 6]), 4, 3, same, "stem")], {});
  for (const block of ["a", "b"]) {
    const reduced = n.add("relu", [n.conv(x, 2, 1, {}, `${block}.reduce`)], {});
    const inner = n.add("relu", [n.conv(reduced, 2, 3, same, `${block}.inner`)], {});
    const main = n.conv(inner, 4, 1, {}, `${block}.expand`);
    const side = block === "a" ? n.conv(x, 4, 1, {}, "a.project") : x;
    x = n.add("relu", [n.add("add", [main, side], {})], {});
  }
  return n.finish(n.conv(x, 10, 6, {}, "classifier"));
}

const show = ({ activations, weights }: LayerFormat): string => `${activations} x ${weights}`;
const planned = (options: FormatOptions) =>
  Object.fromEntries([...planFormats(residualNet(), options)].map(([id, f]) => [id, show(f)]));

describe("formats of layers", () => {
  it("are those of the precision from 8 bits", () => {
    for (const [precision, format] of [
      ["int8", "int8 x int8"],
      ["int16", "int16 x int8"],
      ["fp16", "fp16 x fp16"],
    ] as const)
      expect(new Set(Object.values(planned({ precision })))).toEqual(new Set([format]));
  });

  it("are wider at the edges below 8 bits; a projection is no bottleneck's last layer", () => {
    expect(planned({ precision: "int4" })).toEqual({
      stem: "int16 x int8",
      "a.reduce": "int4 x int4",
      "a.inner": "int4 x int4",
      "a.expand": "int4 x int4",
      "a.project": "int4 x int16",
      "b.reduce": "int4 x int4",
      "b.inner": "int4 x int4",
      "b.expand": "int4 x int4",
      classifier: "int8 x int8",
    });
    expect(planned({ precision: "hfp8" })).toMatchObject({
      stem: "fp16 x fp16",
      "a.project": "hfp8 x hfp8",
      classifier: "fp16 x fp16",
    });
  });

  it("follow the policies that are on, and names before these", () => {
    const layers = new Map<string, LayerFormat>([["stem", { activations: "int4", weights: "int16" }]]);
    expect(planned({ precision: "int2", layers, edges: { first: true, shortcuts: false, last: false } })).toMatchObject(
      { stem: "int4 x int16", "a.project": "int2 x int2", classifier: "int2 x int2" },
    );
    expect(planned({ precision: "int2", edges: { first: false } })).toMatchObject({ stem: "int2 x int2" });
  });

  it("PA2004: names must be of layers", () => {
    const layers = new Map<string, LayerFormat>([
      ["stem", { activations: "int8", weights: "int8" }],
      ["stern", { activations: "int8", weights: "int8" }],
    ]);
    expect(formatProblems(residualNet(), layers).map((d) => `${d.code}: ${d.message}`)).toEqual([
      "PA2004: layer stern is no convolution or matrix product of the model",
    ]);
  });
});
