import { AccelcError, type Graph, printGraph, type ValueId, verifyGraph } from "@accelc/ir";
import { DLFLOAT16, fp8 } from "@accelc/numerics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LayerFormat, type QuantizeOptions, quantize } from "../src/index.js";
import { nearestBias } from "../src/quantize/float-gemm.js";
import { fp8Bias } from "../src/quantize/grid.js";
import { joinGroups } from "../src/quantize/joined-groups.js";
import { randomGraph } from "./quantize-random.js";
import { calibrate, encode, Network, overflows, quality, random, samples } from "./quantize-support.js";

type Precision = "fp16" | "hfp8";
const options = (precision: Precision): QuantizeOptions => ({ precision, weights: "max" });

function quantized(g: Graph, seed: number, how: QuantizeOptions): Graph {
  const q = quantize(g, calibrate(g, samples(g, seed)), how);
  verifyGraph(q, "integer", "quantize");
  return q;
}

const nodesOf = (q: Graph): string => q.nodes.map((n) => n.op).join(" ");
const same = { pads: [1, 1, 1, 1] };
const pool = { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };

const NETS: { readonly [name: string]: (n: Network) => ValueId } = {
  "conv conv": (n) => n.conv(n.conv(n.input("x", [1, 3, 6, 6]), 4, 3, same), 2, 1),
  "conv relu": (n) => n.conv(n.add("relu", [n.conv(n.input("x", [1, 3, 6, 6]), 4, 3, same)], {}), 2, 1),
  residual: (n) => {
    const x = n.add("relu", [n.conv(n.input("x", [1, 3, 6, 6]), 4, 3)], {});
    const y = n.conv(n.add("relu", [n.conv(x, 4, 3, same)], {}), 4, 3, same);
    return n.conv(n.add("relu", [n.add("add", [y, x], {})], {}), 2, 1);
  },
  "pool between": (n) => {
    const x = n.add("relu", [n.conv(n.input("x", [1, 3, 8, 8]), 4, 3, same)], {});
    return n.conv(n.conv(n.add("maxPool", [x], pool), 4, 3, same), 2, 1);
  },
  depthwise: (n) => n.conv(n.conv(n.conv(n.input("x", [1, 3, 6, 6]), 8, 3), 8, 3, { ...same, groups: 8 }), 2, 1),
  "window mean": (n) => {
    const x = n.add("relu", [n.conv(n.input("x", [1, 3, 8, 8]), 4, 3, same)], {});
    return n.conv(n.add("averagePool", [x], { ...pool, countedPads: [0, 0, 0, 0] }), 2, 1);
  },
  attention: (n) => {
    const x = n.input("x", [2, 5, 6]);
    const project = (w: number) => n.add("matmul", [x, n.constant([6, w], 0.8)], {});
    const kt = n.add("transpose", [project(4)], { perm: [0, 2, 1] });
    return n.add(
      "matmul",
      [n.add("clip", [n.add("matmul", [project(4), kt], {})], { min: 0, max: 2 }), project(3)],
      {},
    );
  },
  "a stored value that an output shows": (n) => {
    const x = n.add("relu", [n.conv(n.input("x", [1, 3, 4, 4]), 4, 1)], {}, "shown");
    return n.conv(x, 2, 1);
  },
};

describe("small nets", () => {
  const build = (name: string, how: QuantizeOptions) => {
    const net = new Network(random(7));
    const g = net.finish(NETS[name]!(net));
    return { g, q: quantized(g, 11, how) };
  };

  it.each(Object.keys(NETS))("%s", (name) => {
    const [half, byte] = [build(name, options("fp16")), build(name, options("hfp8"))];
    for (const db of quality(half.g, half.q, 11)) expect(db).toBeGreaterThan(48);
    for (const db of quality(byte.g, byte.q, 11)) expect(db).toBeGreaterThan(19);
  });

  it.each([
    ["conv conv", "fp16", "toDlfloat conv conv toFixed imul"],
    ["conv relu", "fp16", "toDlfloat conv toFixed imax toDlfloat conv toFixed imul"],
    ["pool between", "fp16", "toDlfloat conv toFixed imax iwindow toDlfloat conv conv toFixed imul"],
    ["pool between", "hfp8", "toDlfloat conv toFixed imax iwindow toDlfloat toFp8 conv conv toFixed imul"],
  ] as const)("%s in %s is %s", (name, precision, nodes) => {
    expect(nodesOf(build(name, options(precision)).q)).toBe(nodes);
  });

  it("first and last layer of hfp8 multiply DLFloat numbers, the others FP8", () => {
    const { q } = build("residual", options("hfp8"));
    const operands = q.nodes.filter((n) => n.op === "conv").map((n) => q.values.get(n.inputs[0]!)!.type.dtype);
    expect(operands).toEqual(["dlfloat16", "fp8e4m3", "fp8e4m3", "dlfloat16"]);
  });

  it("what a sum reads beside FP8 products is stored in DLFloat", () => {
    const { q } = build("residual", options("hfp8"));
    expect(q.values.get("relu1")!.type.dtype).toBe("dlfloat16");
  });

  it("passes follow the machine, chunks the option", () => {
    const sums = { pass: { fp16: 8, hfp8: 16 }, lanes: 16, chunk: 32 };
    const { q } = build("conv conv", { ...options("fp16"), sums });
    expect(q.nodes.find((n) => n.op === "conv")!.attrs).toMatchObject({ pass: 8, chunk: 32 });
  });

  it("a layer may have a format of its own", () => {
    const layers = new Map<string, LayerFormat>([["conv0", { activations: "fp16", weights: "fp16" }]]);
    const { g, q } = build("conv conv", { precision: "int8", weights: "max", layers });
    expect(nodesOf(q)).toBe("toDlfloat conv toFixed imul iadd narrow conv imul");
    for (const db of quality(g, q, 11)) expect(db).toBeGreaterThan(35);
  });
});

describe("exponent bias", () => {
  it.each([
    [30, 11],
    [30.1, 10],
    [1, 15],
    [1.875, 15],
    [1e9, 0],
    [1e-9, 31],
  ])("a range up to %s has bias %s", (top, bias) => {
    expect(fp8Bias(top)).toBe(bias);
    if (bias > 0) expect(fp8(bias).maxFinite).toBeGreaterThanOrEqual(top);
  });

  it("of weights is that of the least squared error", () => {
    expect(nearestBias([0.5, -0.25, 0.125])).toBe(fp8Bias(0.5));
    const small = Float32Array.from({ length: 5000 }, (_, i) => 2 ** -18 * (1 + (i % 97) / 97));
    small[0] = 0.235;
    expect(nearestBias(small)).toBeGreaterThan(fp8Bias(0.235));
  });
});

describe("joined groups", () => {
  it("hold each group's weights beside zeros", () => {
    const w = { data: Float32Array.of(1, 2, 3, 4), shape: [4, 1, 1, 1], groups: 4 };
    const joined = joinGroups(w, 2);
    expect({ ...joined, data: [...(joined.data as Float64Array)] }).toEqual({
      data: [1, 0, 0, 2, 3, 0, 0, 4],
      shape: [4, 2, 1, 1],
      groups: 2,
    });
  });

  it("are one where they leave a rest", () => {
    const joined = joinGroups({ data: Float32Array.of(1, 2, 3), shape: [3, 1, 1, 1], groups: 3 }, 2);
    expect([joined.groups, [...(joined.data as Float64Array)]]).toEqual([1, [1, 0, 0, 0, 2, 0, 0, 0, 3]]);
  });
});

describe("numbers beyond DLFloat", () => {
  const problems = (top: number, weight: number): string[] => {
    const net = new Network(random(1));
    const w = net.builder.constant({ dtype: "float32", shape: [1, 1] }, Float32Array.of(weight), { id: "w" });
    const g = net.finish(net.add("matmul", [net.input("x", [1, 1]), w], {}, "y"));
    const range = (x: number) => ({ min: -x, max: x });
    try {
      quantize(
        g,
        {
          ranges: new Map([
            ["x", range(top)],
            ["y", range(top * weight)],
          ]),
        },
        options("fp16"),
      );
    } catch (e) {
      if (e instanceof AccelcError) return e.diagnostics.map((d) => `${d.code} ${d.message}`);
      throw e;
    }
    return [];
  };

  it("are refused, with their size", () => {
    expect(DLFLOAT16.maxFinite).toBe(2 ** 32 * (2 - 2 ** -8));
    expect(problems(1, 1e10)).toEqual([
      "PA2001 matmul cannot be quantized: w reaches 1.00e+10; the largest DLFloat number is 8.57e+9, the smallest 4.67e-10",
    ]);
    expect(problems(1e-12, 1)[0]).toContain("x reaches 1.00e-12");
    expect(problems(1, 1)).toEqual([]);
  });
});

const SEED = 2024;

describe(`random graphs, seed ${SEED}`, () => {
  it.each([
    ["fp16", 40],
    ["hfp8", 8],
  ] as const)("in %s stay within %s dB of the float graph, and no sum leaves int32", (precision, floor) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1 << 30 }), (seed) => {
        const g = randomGraph(seed);
        const q = quantized(g, seed, options(precision));
        for (const db of quality(g, q, seed)) expect(db).toBeGreaterThan(floor);
        expect(overflows(q, encode(q, samples(g, seed)[0]!))).toEqual([]);
      }),
      { seed: SEED, numRuns: 120 },
    );
  });

  it("the same graph gives the same text", () => {
    const text = () => printGraph(quantized(randomGraph(99), 1, options("hfp8")));
    expect(text()).toBe(text());
  });
});
