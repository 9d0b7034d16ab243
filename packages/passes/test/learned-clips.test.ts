import type { Graph, ValueId } from "@accelc/ir";
import { printGraph } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { clippedTensors, type QuantizeOptions, quantize } from "../src/index.js";
import { calibrate, Network, random } from "./quantize-support.js";

const plain = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] };
const same = { pads: [1, 1, 1, 1] };

const net = (build: (n: Network) => ValueId): Graph => {
  const n = new Network(random(7));
  return n.finish(build(n));
};

const stem = (n: Network, channels = 4): ValueId => n.conv(n.input("x", [1, 3, 6, 6]), channels, 3, same, "stem");
const clip = (n: Network, x: ValueId, max: number, name: string, min = 0): ValueId =>
  n.add("clip", [x], { min, max }, name);
const level = (n: Network, value: number): ValueId => n.constant([1], 0, value, "level");

const SHAPES: { readonly [name: string]: readonly [build: (n: Network) => ValueId, learned: readonly string[]] } = {
  "a clip from 0": [(n) => n.conv(clip(n, stem(n), 0.5, "a"), 2, 1), ["a"]],
  "a minimum of a relu": [
    (n) => n.conv(n.add("minimum", [n.add("relu", [stem(n)], {}, "r"), level(n, 0.5)], {}, "a"), 2, 1),
    ["a"],
  ],
  "a relu of a minimum": [
    (n) => n.conv(n.add("relu", [n.add("minimum", [level(n, 0.5), stem(n)], {}, "m")], {}, "a"), 2, 1),
    ["a"],
  ],
  "what moves it, too": [
    (n) => {
      const a = clip(n, stem(n), 0.5, "a");
      const p = n.add("maxPool", [a], { kernel: [2, 2], ...plain, strides: [2, 2] }, "p");
      return n.conv(n.add("transpose", [p], { perm: [0, 1, 3, 2] }, "t"), 2, 1);
    },
    ["a", "p", "t"],
  ],
  "no clip from elsewhere": [(n) => n.conv(clip(n, stem(n), 0.5, "a", -0.5), 2, 1), []],
  "no minimum of anything": [(n) => n.conv(n.add("minimum", [stem(n), level(n, 0.5)], {}, "a"), 2, 1), []],
  "none that a product reads": [
    (n) => {
      const a = clip(n, stem(n), 0.5, "a");
      return n.conv(n.add("mul", [a, a], {}), 2, 1);
    },
    [],
  ],
  "none that shares its grid with what is not clipped": [
    (n) => n.conv(n.add("concat", [clip(n, stem(n), 0.5, "a"), n.conv("x", 1, 1)], { axis: 1 }, "b"), 2, 1),
    [],
  ],
};

const OPTIONS: QuantizeOptions = { precision: "int4", weights: "max", learnedClips: true };

const quantized = (g: Graph, options: QuantizeOptions): Graph => {
  const next = random(3);
  const sample = () => new Map(g.inputs.map((p) => [p.value, Float64Array.from({ length: 108 }, next)] as const));
  return quantize(g, calibrate(g, [sample(), sample()]), options);
};

const gridOf = (q: Graph, source: string) => [...q.values.values()].find((v) => v.source === source)!.type.quant!;

describe("learned clips", () => {
  it.each(Object.entries(SHAPES))("%s", (_, [build, learned]) => {
    expect([...clippedTensors(net(build))].sort()).toEqual([...learned].sort());
  });

  it("are exactly the range, in as many steps as there are codes", () => {
    const g = net((n) => n.conv(n.conv(clip(n, stem(n), 3.7, "a"), 2, 3), 2, 1));
    for (const [precision, steps] of [
      ["int4", 15],
      ["int2", 3],
    ] as const) {
      const { scale, zeroPoint, codes } = gridOf(quantized(g, { ...OPTIONS, precision }), "a");
      expect(scale[0]! * steps).toBeCloseTo(3.7, 13);
      expect(zeroPoint).toBe(codes![0]);
      expect(codes![1] - codes![0]).toBe(steps);
    }
    expect(gridOf(quantized(g, { ...OPTIONS, learnedClips: false }), "a").scale[0]! * 15).toBeLessThan(3);
  });

  it("of several that are joined, the greatest counts", () => {
    const g = net((n) => {
      const x = stem(n);
      const both = n.add("concat", [clip(n, x, 0.3, "a"), clip(n, x, 0.5, "b")], { axis: 1 }, "c");
      return n.conv(n.conv(both, 2, 3), 2, 1);
    });
    expect(gridOf(quantized(g, OPTIONS), "c").scale[0]! * 15).toBeCloseTo(0.5, 14);
  });

  it("are stored where a mean follows them, as training rounded them", () => {
    const g = net((n) => {
      const mean = n.add("averagePool", [clip(n, stem(n), 0.5, "a")], {
        kernel: [6, 6],
        ...plain,
        countedPads: [0, 0, 0, 0],
      });
      return n.conv(mean, 2, 1);
    });
    expect(gridOf(quantized(g, OPTIONS), "a").codes).toEqual([-8, 7]);
  });
});

const GOLDEN: { readonly [name: string]: readonly [QuantizeOptions, (n: Network) => ValueId] } = {
  "int4-residual": [
    OPTIONS,
    (n) => {
      const x = clip(n, stem(n), 0.5, "a");
      const y = clip(n, n.conv(x, 4, 3, same, "first"), 0.6, "b");
      const z = n.add("add", [n.conv(y, 4, 3, same, "second"), x], {});
      return n.conv(clip(n, z, 0.8, "c"), 2, 6, {}, "head");
    },
  ],
  "int2-projection": [
    { ...OPTIONS, precision: "int2" },
    (n) => {
      const x = clip(n, stem(n), 0.5, "a");
      const y = clip(n, n.conv(x, 4, 3, same, "first"), 0.6, "b");
      const z = n.add("add", [n.conv(y, 4, 3, same, "second"), n.conv(x, 4, 1, {}, "projection")], {});
      return n.conv(clip(n, z, 0.8, "c"), 2, 6, {}, "head");
    },
  ],
  "int16-conv": [{ precision: "int16", weights: "max" }, (n) => n.conv(n.add("relu", [stem(n)], {}), 2, 1, {}, "head")],
  "int16-matmul-of-activations": [
    { precision: "int16", weights: "max" },
    (n) => n.add("matmul", [n.input("x", [2, 3, 18]), n.input("y", [2, 18, 3])], {}, "z"),
  ],
};

describe("small graphs below and above 8 bits", () => {
  it.each(Object.entries(GOLDEN))("%s", async (name, [options, build]) => {
    await expect(printGraph(quantized(net(build), options))).toMatchFileSnapshot(`golden/quantize/${name}.txt`);
  });
});
