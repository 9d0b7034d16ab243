import { DLFLOAT16, decode, encode, fmma, fp8, roundTo } from "@accelc/numerics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Data,
  evaluate,
  GraphBuilder,
  type OpAttrs,
  type OpName,
  type TensorType,
  verifyGraph,
} from "../src/index.js";

const SEED = 20261120;
const loc = { model: "test", node: "n", op: "Test" };

type Input = readonly [TensorType, Data];

function apply<K extends OpName>(op: K, inputs: readonly Input[], attrs: OpAttrs[K]): number[] {
  const b = new GraphBuilder("g");
  const feeds = new Map<string, Data>();
  const ids = inputs.map(([type, data], i) => {
    const id = b.input({ name: `x${i}`, elementType: "float32" }, type);
    feeds.set(id, data);
    return id;
  });
  const y = b.add(op, ids, attrs, loc);
  b.output({ name: "y", value: y, elementType: "float32" });
  const g = b.finish();
  verifyGraph(g, "integer", "test");
  return Array.from(evaluate(g, feeds).get(y)! as Uint16Array);
}

const fp16 = (shape: readonly number[], x: readonly number[]): Input => [
  { dtype: "dlfloat16", shape },
  Uint16Array.from(x, (v) => encode(DLFLOAT16, v)),
];
const hfp8 = (shape: readonly number[], x: readonly number[], bias = 11): Input => [
  { dtype: "fp8e4m3", shape, exponentBias: bias },
  Uint8Array.from(x, (v) => encode(fp8(bias), v, "even", true)),
];
const int32 = (x: readonly number[]): Input => [{ dtype: "int32", shape: [x.length] }, Int32Array.from(x)];
const numbers = (codes: readonly number[]): number[] => codes.map((c) => decode(DLFLOAT16, c));

describe("conversions", () => {
  it("fixed point to DLFloat and back", () => {
    expect(numbers(apply("toDlfloat", [int32([0, 1, -3, 1023, 1025, 1027])], { shift: 1 }))).toEqual([
      0, 0.5, -1.5, 511.5, 512, 514,
    ]);
    expect(apply("toFixed", [fp16([5], [0, 0.5, -0.5, 1.5, 1e9])], { shift: 0 })).toEqual([0, 1, -1, 2, 1000341504]);
    expect(apply("toFixed", [fp16([3], [1, -1, Number.NaN])], { shift: 40 })).toEqual([
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 31 - 1,
    ]);
  });

  it("FP8 saturates, and DLFloat holds it exactly", () => {
    const x = [0, 1, -1.0625, 1.1875, 30, 31, -1e6, 2 ** -14];
    const codes = apply("toFp8", [fp16([x.length], x)], { format: "fp8e4m3", bias: 11 });
    const type: TensorType = { dtype: "fp8e4m3", shape: [x.length], exponentBias: 11 };
    expect(numbers(apply("fromFp8", [[type, Uint8Array.from(codes)]], {}))).toEqual([0, 1, -1, 1.25, 30, 30, -30, 0]);
  });
});

describe("sums of products", () => {
  it("adding 16,384 ones gives the published sums", () => {
    const ones = new Array<number>(16384).fill(1);
    const sum = (chunk: number) =>
      numbers(apply("matmul", [hfp8([1, 16384], ones), hfp8([16384, 1], ones)], { pass: 32, chunk }))[0];
    expect([1, 8, 64].map(sum)).toEqual([1024, 8192, 16384]);
  });

  it("a zero weight silences what is no number", () => {
    const x = fp16([1, 2], [Number.NaN, 3]);
    expect(numbers(apply("matmul", [x, fp16([2, 1], [0, 2])], { pass: 16, chunk: 64 }))).toEqual([6]);
  });

  it("conv sums blocks of channels, then taps, then channels, in chunks by FMMA", () => {
    const value = fc.double({ min: -8, max: 8, noNaN: true });
    const shape = fc.record({
      c: fc.integer({ min: 1, max: 9 }),
      pass: fc.constantFrom(2, 4),
      chunk: fc.constantFrom(1, 2, 8),
    });
    const property = fc.property(shape, fc.infiniteStream(value), ({ c, pass, chunk }, stream) => {
      const take = (n: number) => Array.from({ length: n }, () => stream.next().value as number);
      const x = fp16([1, c, 2, 2], take(4 * c));
      const w = fp16([1, c, 2, 2], take(4 * c));
      const [xs, ws] = [numbers([...(x[1] as Uint16Array)]), numbers([...(w[1] as Uint16Array)])];
      const products: [number, number][] = [];
      for (let block = 0; block < c; block += pass)
        for (let tap = 0; tap < 4; tap++)
          for (let k = block; k < block + pass; k++)
            products.push(k < c ? [xs[4 * k + tap]!, ws[4 * k + tap]!] : [0, 0]);
      let total = 0;
      for (let i = 0; i < products.length; i += chunk) {
        let part = 0;
        const run = products.slice(i, i + chunk);
        for (let j = 0; j < run.length; j += 2)
          part = fmma(run[j]![0], run[j]![1], run[j + 1]?.[0] ?? 0, run[j + 1]?.[1] ?? 0, part);
        total = roundTo(DLFLOAT16, total + part);
      }
      const attrs = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1, fill: 0, pass, chunk };
      expect(numbers(apply("conv", [x, w], attrs))).toEqual([total]);
    });
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });
});
