import {
  AccelcError,
  allocate,
  type Data,
  DTYPE_BITS,
  elements,
  evaluate,
  type Graph,
  printGraph,
  type TensorType,
  type ValueId,
  verifyGraph,
} from "@accelc/ir";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Calibration, type QuantizeOptions, quantize } from "../src/index.js";
import { randomGraph } from "./quantize-random.js";
import {
  calibrate,
  decode,
  encode,
  evaluateFloat,
  Network,
  overflows,
  quality,
  random,
  samples,
  sqnr,
} from "./quantize-support.js";

const OPTIONS: QuantizeOptions = { precision: "int8", weights: "max" };

function quantized(g: Graph, seed: number): Graph {
  const q = quantize(g, calibrate(g, samples(g, seed)), OPTIONS);
  verifyGraph(q, "integer", "quantize");
  return q;
}

const nodesOf = (q: Graph): string => q.nodes.map((n) => n.op).join(" ");
const same = { pads: [1, 1, 1, 1] };
const plain = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] };

const GOLDEN: { readonly [name: string]: (n: Network) => ValueId } = {
  "conv-relu": (n) => n.conv(n.add("relu", [n.conv(n.input("x", [1, 3, 6, 6]), 4, 3, same)], {}), 2, 1),
  residual: (n) => {
    const x = n.add("relu", [n.conv(n.input("x", [1, 3, 6, 6]), 4, 3)], {});
    const y = n.conv(n.add("relu", [n.conv(x, 4, 3, same)], {}), 4, 3, same);
    return n.conv(n.add("relu", [n.add("add", [y, x], {})], {}), 2, 1);
  },
  "projection-shortcut": (n) => {
    const x = n.input("x", [1, 3, 6, 6]);
    return n.conv(n.add("relu", [n.add("add", [n.conv(x, 4, 3, same), n.conv(x, 4, 1)], {})], {}), 2, 1);
  },
  "average-pool": (n) => {
    const pool = { kernel: [3, 3], ...plain, countedPads: [0, 0, 0, 0] };
    return n.conv(n.add("averagePool", [n.input("x", [1, 2, 4, 4])], { ...pool }), 2, 1);
  },
  "average-pool-uncounted-pads": (n) => {
    const pool = { kernel: [3, 3], ...plain, pads: [1, 1, 1, 1], countedPads: [0, 0, 0, 0] };
    return n.conv(n.add("averagePool", [n.input("x", [1, 2, 3, 3])], pool), 2, 1);
  },
  "average-pool-counted-pads": (n) => {
    const pool = { kernel: [3, 3], ...plain, pads: [1, 1, 1, 1], countedPads: [1, 1, 1, 1] };
    return n.conv(n.add("averagePool", [n.input("x", [1, 2, 3, 3])], pool), 2, 1);
  },
  concat: (n) => {
    const x = n.input("x", [1, 3, 4, 4]);
    const a = n.conv(x, 2, 1);
    const b = n.add("relu", [n.conv(x, 3, 1)], {});
    const both = n.add("concat", [a, b, x], { axis: 1 });
    return n.conv(both, 2, 1);
  },
  clip6: (n) => n.conv(n.add("clip", [n.conv(n.input("x", [1, 3, 4, 4]), 4, 1)], { min: 0, max: 6 }), 2, 1),
  "clip-that-acts": (n) => {
    const x = n.add("clip", [n.conv(n.input("x", [1, 3, 4, 4]), 4, 1)], { min: -0.1, max: 0.2 });
    return n.conv(n.add("concat", [x, n.conv("x", 1, 1)], { axis: 1 }), 2, 1);
  },
  "leaky-relu": (n) => n.conv(n.add("leakyRelu", [n.conv(n.input("x", [1, 3, 4, 4]), 4, 1)], { alpha: 0.1 }), 2, 1),
  "leaky-relu-residual": (n) => {
    const x = n.add("relu", [n.conv(n.input("x", [1, 3, 4, 4]), 4, 1)], {});
    return n.conv(n.add("add", [x, n.add("leakyRelu", [n.conv(x, 4, 1)], { alpha: 0.1 })], {}), 2, 1);
  },
  "product-of-activations": (n) => {
    const x = n.input("x", [1, 3, 4, 4]);
    return n.conv(n.add("mul", [n.conv(x, 3, 1), x], {}), 2, 1);
  },
  quotient: (n) => {
    const x = n.input("x", [1, 3, 4, 4]);
    const below = n.add("add", [n.add("relu", [n.conv(x, 3, 1)], {}), n.constant([1], 0, 1, "one")], {});
    return n.conv(n.add("div", [x, below], {}), 2, 1);
  },
  gemm: (n) => {
    const x = n.add(
      "reshape",
      [n.add("maxPool", [n.input("x", [1, 2, 4, 4])], { kernel: [2, 2], ...plain, strides: [2, 2] })],
      { shape: [1, 8] },
    );
    return n.add("matmul", [x, n.constant([8, 5]), n.constant([5], 1, 0, "b")], {});
  },
  "matmul-of-activations": (n) => {
    const x = n.input("x", [2, 3, 4]);
    const y = n.add("transpose", [n.input("y", [2, 3, 4])], { perm: [0, 2, 1] });
    return n.add("matmul", [x, y], {});
  },
};

describe("small graphs", () => {
  it.each(Object.keys(GOLDEN))("%s", async (name) => {
    const net = new Network(random(7));
    const g = net.finish(GOLDEN[name]!(net));
    const q = quantized(g, 11);
    for (const db of quality(g, q, 11)) expect(db).toBeGreaterThan(30);
    await expect(printGraph(q)).toMatchFileSnapshot(`golden/quantize/${name}.txt`);
  });
});

const RARE: { readonly [name: string]: (n: Network) => ValueId } = {
  "convolution of one axis": (n) => n.conv(n.add("relu", [n.conv(n.input("x", [2, 3, 9]), 4, 3)], {}), 2, 2),
  "convolution of three axes": (n) => n.conv(n.conv(n.input("x", [1, 2, 4, 3, 3]), 4, 2), 2, 1),
  "channel gate": (n) => {
    const x = n.input("x", [1, 3, 4, 4]);
    const pool = { kernel: [4, 4], ...plain, countedPads: [0, 0, 0, 0] };
    const gate = n.add("clip", [n.conv(n.add("averagePool", [x], pool), 3, 1)], { min: 0, max: 1 });
    return n.conv(n.add("mul", [x, gate], {}), 2, 1);
  },
  "sum that grows by broadcasting": (n) => {
    const x = n.add("add", [n.conv(n.input("x", [1, 3, 1, 1]), 3, 1), n.constant([1, 3, 4, 4])], {});
    return n.conv(n.add("relu", [x], {}), 2, 1);
  },
  "expand and gather": (n) => {
    const x = n.add("expand", [n.input("x", [1, 3, 1, 4])], { shape: [1, 3, 4, 4] });
    const i = n.builder.constant({ dtype: "int64", shape: [2] }, BigInt64Array.of(2n, 0n));
    return n.conv(n.add("gather", [x, i], { axis: 1 }), 2, 1);
  },
  "identity and cast": (n) => {
    const x = n.add("identity", [n.conv(n.input("x", [1, 3, 4, 4]), 3, 1)], {});
    return n.conv(n.add("cast", [x], { to: "float32" }), 2, 1);
  },
  "constant in a concat": (n) =>
    n.conv(n.add("concat", [n.input("x", [1, 2, 3, 3]), n.constant([1, 1, 3, 3])], { axis: 1 }), 2, 1),
  "times zero": (n) => {
    const x = n.input("x", [1, 2, 3, 3]);
    const none = n.add("mul", [n.conv(x, 2, 1), n.constant([1], 0, 0)], {});
    return n.conv(n.add("add", [none, x], {}), 2, 1);
  },
  "constant left operand": (n) => n.add("matmul", [n.constant([5, 3]), n.input("x", [2, 3, 4])], {}),
  "batch of constant matrices": (n) =>
    n.add("matmul", [n.input("x", [2, 3, 4]), n.constant([2, 4, 5]), n.constant([5])], {}),
  "a value and itself": (n) => {
    const x = n.conv(n.input("x", [1, 2, 3, 3]), 2, 1);
    return n.conv(n.add("mul", [n.add("add", [x, x], {}), n.conv("x", 2, 1)], {}), 2, 1);
  },
  "one over a value": (n) => {
    const x = n.add(
      "add",
      [n.add("relu", [n.conv(n.input("x", [1, 2, 3, 3]), 2, 1)], {}), n.constant([1], 0, 1, "one")],
      {},
    );
    return n.conv(n.add("div", [n.constant([1], 0, 1, "one"), x], {}), 2, 1);
  },
  "leaky ReLU of negative slope as an output": (n) =>
    n.add("leakyRelu", [n.conv(n.input("x", [1, 2, 3, 3]), 2, 1)], { alpha: -0.5 }),
  "clip of a wide output": (n) => n.add("clip", [n.conv(n.input("x", [1, 2, 3, 3]), 2, 1)], { min: -0.1, max: 0.3 }),
  "an input that is an output": (n) => n.input("x", [1, 2]),
  "a constant output": (n) => {
    n.input("x", [1, 2]);
    return n.constant([2, 3]);
  },
};

describe("rare graphs", () => {
  it.each(Object.keys(RARE))("%s", (name) => {
    const net = new Network(random(17));
    const g = net.finish(RARE[name]!(net));
    const q = quantized(g, 19);
    for (const db of quality(g, q, 19)) expect(db).toBeGreaterThan(30);
    expect(overflows(q, encode(q, samples(g, 19)[0]!))).toEqual([]);
  });
});

describe("instructions per stored value", () => {
  const ops = (name: string) => {
    const net = new Network(random(7));
    return nodesOf(quantized(net.finish(GOLDEN[name]!(net)), 11));
  };

  it("convolution, ReLU and requantization take imul and narrow", () => {
    expect(ops("conv-relu")).toBe("conv imul narrow conv imul");
    expect(ops("clip6")).toBe("conv imul narrow conv imul");
  });

  it("a residual addition takes one imacc more", () => {
    expect(ops("residual")).toBe("conv imul narrow conv imul narrow conv imul imacc narrow conv imul");
  });

  it("of two convolutions that meet in a sum the earlier is stored", () => {
    expect(ops("projection-shortcut")).toBe("conv imul narrow conv imul imul iadd narrow conv imul");
  });

  it("a leaky ReLU takes imul and imax, and its value joins a sum as it is", () => {
    expect(ops("leaky-relu")).toBe("conv imul imul imax iadd narrow conv imul");
    expect(ops("leaky-relu-residual")).toBe("conv imul narrow conv imul imul imax iadd imacc narrow conv imul");
  });

  it.each(["swish", "gelu", "geluTanh"] as const)("a %s is computed in steps of the grid it comes to lie on", (fn) => {
    const net = new Network(random(7));
    const x = net.conv(net.input("x", [1, 3, 6, 6]), 4, 3);
    const g = net.finish(net.conv(net.add("unary", [x], { fn, a: 1, b: 0 }), 2, 1));
    const ranges = new Map([...g.values.keys()].map((id) => [id, { min: -20, max: 20 }]));
    const q = quantize(g, { ranges }, OPTIONS);
    verifyGraph(q, "integer", "quantize");
    // The last product is that with the gate: none on the way to the grid.
    expect(nodesOf(q)).toMatch(/^conv imul iabs imin .*imul imax isub narrow conv imul$/);
  });
});

describe("grids", () => {
  const build = (make: (n: Network) => ValueId) => {
    const net = new Network(random(3));
    return quantized(net.finish(make(net)), 5);
  };
  const type = (q: Graph, id: ValueId) => q.values.get(id)!.type;

  it("an unsigned range has zero point -128, and padding reads it", () => {
    const q = build((n) => n.conv(n.add("relu", [n.conv(n.input("x", [1, 2, 4, 4]), 2, 1)], {}, "r"), 2, 3, same));
    expect(type(q, "r").quant!.zeroPoint).toBe(-128);
    expect(q.nodes.filter((n) => n.op === "conv").map((n) => n.attrs.fill)).toEqual([
      type(q, "x").quant!.zeroPoint,
      -128,
    ]);
  });

  it("data movement keeps the grid, and a pad's value becomes its code", () => {
    const q = build((n) => {
      const p = n.add("pad", [n.input("x", [1, 2, 3, 3])], { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: 0 }, "p");
      return n.conv(n.add("transpose", [p], { perm: [0, 1, 3, 2] }, "t"), 2, 1);
    });
    expect([type(q, "p").quant, type(q, "t").quant]).toEqual([type(q, "x").quant, type(q, "x").quant]);
    expect(q.nodes.find((n) => n.op === "pad")!.attrs).toMatchObject({ value: type(q, "x").quant!.zeroPoint });
  });

  it("outputs are int32, also behind movement", () => {
    const q = build((n) =>
      n.add("reshape", [n.conv(n.input("x", [1, 2, 2, 2]), 2, 1, {}, "c")], { shape: [1, 8] }, "r"),
    );
    expect([type(q, "c").dtype, type(q, "r").dtype]).toEqual(["int32", "int32"]);
  });

  it("a range of zeros has scale 1", () => {
    const net = new Network(random(1));
    const g = net.finish(net.conv(net.input("x", [1, 1, 2, 2]), 1, 1));
    const zero = { min: 0, max: 0 };
    const q = quantize(
      g,
      {
        ranges: new Map([
          ["x", zero],
          ["conv0", zero],
        ]),
      },
      OPTIONS,
    );
    expect(type(q, "x").quant).toEqual({ scale: [1], zeroPoint: 0, axis: null });
  });

  it("a channel whose weights vanish beside its bias keeps the bias", () => {
    const net = new Network(random(1));
    const x = net.input("x", [1, 2, 2, 2]);
    const w = net.builder.constant({ dtype: "float32", shape: [2, 2, 1, 1] }, Float32Array.of(1e-20, 0, 0.5, 0.5));
    const b = net.builder.constant({ dtype: "float32", shape: [2] }, Float32Array.of(0.75, 0));
    const y = net.add("relu", [net.add("conv", [x, w, b], { ...plain, groups: 1, fill: 0 })], {}, "y");
    const g = net.finish(net.conv(y, 1, 1));
    const q = quantized(g, 5);
    const s = samples(g, 5)[0]!;
    const got = decode(q, "y", evaluate(q, encode(q, s)).get("y")!);
    for (const v of got.slice(0, 4)) expect(Math.abs(v - 0.75)).toBeLessThan(0.005);
  });

  it("integer tensors that are only moved stay as they are", () => {
    const net = new Network(random(1));
    const i = net.builder.input({ name: "i", elementType: "int64" }, { dtype: "int64", shape: [2, 3] });
    const g = net.finish(net.add("transpose", [i], { perm: [1, 0] }));
    const q = quantize(g, { ranges: new Map() }, OPTIONS);
    expect(q.values.get(q.outputs[0]!.value)!.type).toEqual({ dtype: "int64", shape: [3, 2] });
  });
});

describe("every stored ONNX tensor can be compared", () => {
  it("source and grid reproduce its value", () => {
    const net = new Network(random(21));
    const g = net.finish(GOLDEN["leaky-relu-residual"]!(net));
    const q = quantized(g, 5);
    const s = samples(g, 5)[0]!;
    const [want, got] = [evaluateFloat(g, s), evaluate(q, encode(q, s))];
    const named = [...q.values.values()].filter((v) => v.source !== undefined && !v.data);
    expect(named.map((v) => v.source)).toEqual(["x", "relu1", "leakyRelu3", "add4", "conv5"]);
    for (const v of named) expect(sqnr(want.get(v.source!)!, decode(q, v.id, got.get(v.id)!))).toBeGreaterThan(35);
  });
});

/** The least and greatest codes of a type at random. */
function extremes(t: TensorType, next: () => number): Data {
  const top = 2 ** (DTYPE_BITS[t.dtype] - 1);
  const data = allocate(t.dtype, elements(t.shape)) as Int32Array;
  return data.map(() => (next() > 0 ? top - 1 : -top)) as Data;
}

const SEED = 4711;
const FLOOR_DB = 20;

describe(`random graphs, seed ${SEED}`, () => {
  it(`stay within ${FLOOR_DB} dB of the float graph, and no sum leaves int32`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1 << 30 }), (seed) => {
        const g = randomGraph(seed);
        const q = quantized(g, seed);
        for (const db of quality(g, q, seed)) expect(db).toBeGreaterThan(FLOOR_DB);
        const next = random(seed);
        const limit = (id: ValueId) => extremes(q.values.get(id)!.type, next);
        for (let i = 0; i < 3; i++)
          expect(overflows(q, new Map(q.inputs.map((p) => [p.value, limit(p.value)])))).toEqual([]);
      }),
      { seed: SEED, numRuns: 400 },
    );
  });

  it("without ranges of inner tensors intervals take their place, still without overflow", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1 << 30 }), (seed) => {
        const g = randomGraph(seed);
        const all = calibrate(g, samples(g, seed));
        const some: Calibration = {
          ranges: new Map([...all.ranges].filter(([name], i) => name === "x" || (i + seed) % 3 !== 0)),
        };
        const q = quantize(g, some, OPTIONS);
        verifyGraph(q, "integer", "quantize");
        expect(overflows(q, encode(q, samples(g, seed)[0]!))).toEqual([]);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it("the same graph gives the same text", () => {
    expect(printGraph(quantized(randomGraph(99), 1))).toBe(printGraph(quantized(randomGraph(99), 1)));
  });
});

describe("what cannot be quantized", () => {
  const messages = (g: Graph, ranges: Calibration = calibrate(g, [])): string[] => {
    try {
      quantize(g, ranges, OPTIONS);
    } catch (e) {
      if (e instanceof AccelcError)
        return e.diagnostics.map((d) => `${d.code} ${d.location.node ?? "-"}: ${d.message}`);
      throw e;
    }
    return [];
  };

  it("is listed all at once", () => {
    const n = new Network(random(1));
    const x = n.input("x", [1, 1, 2, 2]);
    const c = n.add("conv", [x, x], { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1, fill: 0 });
    const i = n.add("cast", [c], { to: "int64" });
    const l = n.add("reduce", [i], { kind: "logSum", axes: [1] }, "logSum3");
    const z = n.add("div", [x, n.builder.constant({ dtype: "float32", shape: [] }, Float32Array.of(0))], {});
    const inf = n.add(
      "mul",
      [
        z,
        n.builder.constant({ dtype: "float32", shape: [2] }, Float32Array.of(1, Number.POSITIVE_INFINITY), { id: "k" }),
      ],
      {},
    );
    expect(messages(n.finish(l, inf))).toEqual([
      "PA2001 conv0: conv cannot be quantized: its weight is computed, and only a constant is supported",
      "PA2001 logSum3: reduce cannot be quantized: it reduces int64 by logSum",
      "PA2001 div2: div cannot be quantized: its constant divisor holds 0",
      "PA2001 mul3: mul cannot be quantized: its constant operand k holds Infinity at element 1",
      "PA2003 -: the calibration holds no range for input x",
    ]);
  });

  it("accumulators that int32 cannot hold", () => {
    const n = new Network(random(1));
    const depth = 140_000;
    const w = n.builder.constant({ dtype: "float32", shape: [depth, 1] }, new Float32Array(depth).fill(1));
    const g = n.finish(n.add("matmul", [n.input("x", [1, depth]), w], {}));
    const got = messages(g, { ranges: new Map([["x", { min: -1, max: 1 }]]) });
    expect(got).toEqual([
      "PA2001 matmul0: matmul cannot be quantized: a sum of 140000 products in channel 0 can reach 2275840000; the accumulator holds 2147483647",
    ]);
  });

  it("a sum whose own grid is too fine for it", () => {
    const n = new Network(random(1));
    const x = n.input("x", [1, 2, 2, 2]);
    const g = n.finish(n.conv(n.add("add", [n.conv(x, 2, 1), x], {}), 1, 1));
    const tiny = { min: -1e-12, max: 1e-12 };
    const ranges = new Map([
      ["x", { min: -1, max: 1 }],
      ["conv0", { min: -1, max: 1 }],
      ["add1", tiny],
    ]);
    expect(messages(g, { ranges })).toEqual([
      "PA2001 add1: add cannot be quantized: its value can exceed 2^31 steps of its own grid",
    ]);
  });
});
