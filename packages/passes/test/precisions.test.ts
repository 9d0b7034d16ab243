import { type Data, elements, evaluate, type Graph, prune, type ValueId, verifyGraph } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { formatBits, type LayerFormat, type OperandFormat, type QuantizeOptions, quantize } from "../src/index.js";
import { randomGraph } from "./quantize-random.js";
import {
  calibrate,
  decode,
  encode,
  evaluateFloat,
  Network,
  overflows,
  random,
  samples,
  sqnr,
} from "./quantize-support.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 100);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);

/** Inputs at the limits of their grids. */
function limits(q: Graph, seed: number): Map<ValueId, Data> {
  const next = random(seed);
  return new Map(
    q.inputs.map((p) => {
      const { dtype, shape, quant } = q.values.get(p.value)!.type;
      const top = dtype === "int8" ? 127 : dtype === "int16" ? 32767 : 2 ** 31 - 1;
      const [least, most] = quant?.codes ?? [-top - 1, top];
      const pick = (n: number) => Array.from({ length: n }, () => (next() < 0 ? least : most));
      const C = dtype === "int8" ? Int8Array : dtype === "int16" ? Int16Array : Int32Array;
      return [p.value, C.from(pick(elements(shape))) as Data];
    }),
  );
}

/** Options, and dB that all graphs and nine in ten reach. */
const CASES: { readonly [name: string]: readonly [QuantizeOptions, number, number] } = {
  int16: [{ precision: "int16", weights: "max" }, 30, 42],
  int8: [{ precision: "int8", weights: "max" }, 20, 36],
  int4: [{ precision: "int4", weights: "mse" }, 5, 22],
  "int2, learned clips": [{ precision: "int2", weights: "sawb", learnedClips: true }, -12, 5],
  "int2 without edges": [
    { precision: "int2", weights: "max", edges: { first: false, shortcuts: false, last: false } },
    -15,
    -3,
  ],
};

const INTEGERS: readonly OperandFormat[] = ["int2", "int4", "int8", "int16"];

/** Formats of the seed's own for every layer. */
function mixed(g: Graph, seed: number): QuantizeOptions {
  const next = random(seed + 11);
  const pick = () => INTEGERS[Math.floor(((next() + 1) / 2) * INTEGERS.length)]!;
  const gemms = g.nodes.filter((n) => n.op === "conv" || n.op === "matmul");
  const layers = new Map(gemms.map((n) => [n.loc.node, { activations: pick(), weights: pick() }]));
  return { precision: "int8", weights: "max", layers };
}

describe("random float graphs in every precision", () => {
  it.each(Object.entries(CASES))(
    `%s: no sum leaves int32, near the float graph, on ${COUNT} graphs`,
    (name, expected) => {
      const [options, least, most] = expected;
      console.log(`${name}: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
      const quality: number[] = [];
      for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
        const g = prune(randomGraph(seed));
        const q = quantize(g, calibrate(g, samples(g, seed)), options);
        verifyGraph(q, "integer", "quantize");
        expect(overflows(q, limits(q, seed)), `seed ${seed}`).toEqual([]);
        const x = samples(g, seed)[0]!;
        const want = evaluateFloat(g, x);
        const got = evaluate(q, encode(q, x));
        g.outputs.forEach((o, i) => {
          const { value } = q.outputs[i]!;
          quality.push(sqnr(want.get(o.value)!, decode(q, value, got.get(value)!)));
        });
      }
      quality.sort((a, b) => a - b);
      expect(quality[0]).toBeGreaterThan(least);
      expect(quality[Math.floor(quality.length / 10)]).toBeGreaterThan(most);
    },
  );
});

describe("random float graphs with formats of their own for every layer", () => {
  it(`no sum leaves int32, on ${COUNT} graphs`, () => {
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const g = prune(randomGraph(seed));
      const q = quantize(g, calibrate(g, samples(g, seed)), mixed(g, seed));
      verifyGraph(q, "integer", "quantize");
      expect(overflows(q, limits(q, seed)), `seed ${seed}`).toEqual([]);
    }
  });
});

/** A network of one layer, and its weights after quantization, in steps. */
function layer(seed: number, format: LayerFormat, at: { readonly channels: number; readonly size: number }) {
  const n = new Network(random(seed));
  const x = n.input("x", [1, at.channels, at.size, at.size]);
  const g = n.finish(n.add("relu", [n.conv(x, 3, 3, { pads: [1, 1, 1, 1] }, "layer")], {}));
  const layers = new Map([["layer", format]]);
  return { g, q: quantize(g, calibrate(g, samples(g, seed)), { precision: "int8", weights: "max", layers }) };
}

describe("operands of 16 bits", () => {
  const FORMATS: readonly LayerFormat[] = [
    { activations: "int16", weights: "int8" },
    { activations: "int8", weights: "int16" },
    { activations: "int16", weights: "int16" },
    { activations: "int4", weights: "int16" },
    { activations: "int16", weights: "int2" },
  ];

  it.each(FORMATS)("$activations x $weights: the sum of the quantized operands, to 2^-15 of its bound", (format) => {
    for (const [seed, channels] of [
      [1, 1],
      [2, 6],
      [3, 40],
    ] as const) {
      const { g, q } = layer(seed, format, { channels, size: 5 });
      for (const inputs of [limits(q, seed), encode(q, samples(g, seed)[0]!)]) {
        expect(overflows(q, inputs)).toEqual([]);
        const { value } = q.outputs[0]!;
        const got = decode(q, value, evaluate(q, inputs).get(value)!);
        const port = q.inputs[0]!.value;
        const top = 2 ** (formatBits(format.activations) - 1);
        const codes = Array.from(inputs.get(port)! as Int32Array, (x) => Math.max(-top, Math.min(top - 1, x)));
        const x = decode(q, port, Int32Array.from(codes));
        const want = evaluateFloat(rounded(g, formatBits(format.weights)), new Map([[port, x]]));
        // The bias may be wrong by 2^-16 of the sum's bound.
        const step = q.values.get(value)!.type.quant!.scale[0]!;
        want.get(g.outputs[0]!.value)!.forEach((w, i) => {
          expect(Math.abs(got[i]! - Math.min(w, step * 2 ** 31))).toBeLessThan(step * 2 ** 16);
        });
      }
    }
  });
});

/** The graph with its weights rounded to symmetric codes per output channel. */
function rounded(g: Graph, bits: number): Graph {
  const top = bits === 16 ? 127 * 257 : 2 ** (bits - 1) - 1;
  const values = new Map(
    [...g.values].map(([id, v]) => {
      if (!v.data || v.type.shape.length !== 4) return [id, v] as const;
      const inner = elements(v.type.shape.slice(1));
      const w = v.data as Float32Array;
      const data = Float64Array.from(w, (value, i) => {
        const own = w.subarray(Math.floor(i / inner) * inner, (Math.floor(i / inner) + 1) * inner);
        const step = own.reduce((m, y) => Math.max(m, Math.abs(y)), 0) / top;
        return Math.round(value / step) * step;
      });
      return [id, { ...v, data }] as const;
    }),
  );
  return { ...g, values };
}
