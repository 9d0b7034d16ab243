import {
  AccelcError,
  broadcastShapes,
  type DType,
  elements,
  evaluate,
  type Graph,
  GraphBuilder,
  type OpAttrs,
  type OpName,
  packMinifloat,
  type UnaryName,
  unaryFunction,
  type ValueId,
  verifyGraph,
} from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { type Calibration, fuseActivations, quantize, type Range } from "../src/index.js";
import { decode, encode, random, sqnr } from "./quantize-support.js";

const next = random(91);
const LOC = { model: "m", node: "n", op: "op" };
type Vec = readonly number[];
interface In {
  readonly dtype?: DType;
  readonly shape: readonly number[];
  readonly lo: number;
  readonly hi: number;
}

const draw = (s: In): number[] =>
  Array.from({ length: elements(s.shape) }, () => {
    const x = s.lo + ((next() + 1) / 2) * (s.hi - s.lo);
    return s.dtype && s.dtype !== "float32"
      ? Math.min(s.hi, Math.floor(s.lo + ((next() + 1) / 2) * (s.hi - s.lo + 1)))
      : x;
  });

const rangeOf = (x: Vec): Range => ({ min: Math.min(...x), max: Math.max(...x) });

interface Case {
  readonly g: Graph;
  readonly q: Graph;
  readonly x: readonly number[][];
  readonly got: number[];
}

/** One operation on graph inputs: its quantized graph and what that gives. `want` calibrates the output. */
function run<K extends OpName>(
  op: K,
  attrs: OpAttrs[K],
  inputs: readonly In[],
  want: ((x: readonly number[][]) => number[]) | undefined,
  constants: readonly number[] = [],
): Case {
  const b = new GraphBuilder("g");
  const ids: ValueId[] = inputs.map((s, i) => {
    const dtype = s.dtype ?? "float32";
    return b.input({ name: `x${i}`, elementType: dtype }, { dtype, shape: s.shape });
  });
  for (const v of constants) ids.push(b.constant({ dtype: "float32", shape: [] }, Float32Array.of(v)));
  const y = b.add(op, ids, attrs, LOC, { id: "y", source: "y" });
  b.output({ name: "y", value: y, elementType: b.type(y).dtype });
  const g = b.finish();
  const x = inputs.map(draw);
  const ranges = new Map<string, Range>(x.map((v, i) => [`x${i}`, rangeOf(v)] as const));
  if (want) ranges.set("y", rangeOf(want(x)));
  const calibration: Calibration = { ranges };
  const q = quantize(g, calibration, { precision: "int8", weights: "max" });
  verifyGraph(q, "integer", "quantize");
  const feed = new Map(g.inputs.map((p, i) => [p.value, x[i]!] as const));
  const out = q.outputs[0]!.value;
  const got = decode(q, out, evaluate(q, encode(q, feed)).get(out)!);
  return { g, q, x, got };
}

const TO_NEAREST = { saturate: true, round_mode: "nearest" } as const;
const F = (lo: number, hi: number, shape: readonly number[] = [3, 50]): In => ({ lo, hi, shape });
const I = (dtype: DType, lo: number, hi: number, shape: readonly number[] = [3, 50]): In => ({ dtype, lo, hi, shape });

describe("float functions of stored values keep 45 dB", () => {
  const cases: readonly [UnaryName, number, number, number?, number?][] = [
    ["abs", -3, 3],
    ["neg", -3, 3],
    ["sign", -3, 3],
    ["reciprocal", 0.5, 4],
    ["reciprocal", -4, -0.2],
    ["sqrt", 0, 100],
    ["square", -5, 5],
    ["exp", -4, 4],
    ["exp", -10, 0],
    ["log", 0.1, 100],
    ["erf", -3, 3],
    ["sin", -6, 6],
    ["cos", -6, 6],
    ["sigmoid", -8, 8],
    ["tanh", -4, 4],
    ["gelu", -4, 4],
    ["geluTanh", -4, 4],
    ["swish", -6, 6, 1],
    ["mish", -6, 6],
    ["softplus", -6, 6],
    ["softsign", -6, 6],
    ["elu", -4, 4, 1],
    ["selu", -4, 4, 1.67326, 1.0507],
    ["celu", -4, 4, 1.5],
    ["hardSigmoid", -4, 4, 0.2, 0.5],
    ["hardSwish", -6, 6],
    ["minifloat", -6, 6, packMinifloat({ exponent: 4, mantissa: 3, bias: 7, special: "fn" }, TO_NEAREST)],
    ["thresholdedRelu", -4, 4, 1],
  ];
  it.each(cases)("%s on %f to %f", (fn, lo, hi, a = 0, b = 0) => {
    for (const calibrated of [true, false]) {
      const f = (x: readonly number[][]) => x[0]!.map((v) => unaryFunction(fn).f(v, a, b));
      const { x, got } = run("unary", { fn, a, b }, [F(lo, hi)], calibrated ? f : undefined);
      expect(sqnr(f(x), got)).toBeGreaterThan(45);
    }
  });
  it.each([
    [0.5, 0, 9],
    [2, -3, 3],
    [3, -2, 2],
    [-1, 0.4, 5],
    [-0.5, 0.1, 5],
    [1.7, 0.1, 5],
    [-2, 0.3, 3],
  ])("pow %f", (n, lo, hi) => {
    const f = (x: readonly number[][]) => x[0]!.map((v) => v ** n);
    const { x, got } = run("pow", {}, [F(lo, hi)], f, [n]);
    expect(sqnr(f(x), got)).toBeGreaterThan(45);
  });
  it("pow, div, mod, minimum, maximum of two", () => {
    const two = (f: (a: number, b: number) => number) => (x: readonly number[][]) =>
      x[0]!.map((v, i) => f(v, x[1]![i]!));
    const ops = [
      ["pow", {}, [F(0.2, 3), F(-2, 3)], two((a, b) => a ** b)],
      ["div", {}, [F(-3, 3), F(0.5, 3)], two((a, b) => a / b)],
      ["mul", {}, [F(-3, 3), F(-50, 3)], two((a, b) => a * b)],
      ["minimum", {}, [F(-3, 3), F(-2, 3)], two(Math.min)],
      ["maximum", {}, [F(-3, 3), F(-2, 3)], two(Math.max)],
    ] as const;
    for (const [op, attrs, inputs, f] of ops) {
      const { x, got } = run(op, attrs, inputs, f);
      expect(sqnr(f(x), got), op).toBeGreaterThan(45);
    }
  });
});

const rows = (x: Vec, n: number) => Array.from({ length: x.length / n }, (_, i) => x.slice(i * n, (i + 1) * n));
const total = (x: Vec) => x.reduce((s, v) => s + v, 0);

it("log Σ e^x as it is spelled out, where e^x leaves every fixed point; softmax of values beyond all units", () => {
  const b = new GraphBuilder("g");
  const input = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [4, 8] });
  const e = b.add("unary", [input], { fn: "exp", a: 0, b: 0 }, LOC, { id: "e", source: "e" });
  const s = b.add("reduce", [e], { kind: "sum", axes: [1] }, LOC, { id: "s", source: "s" });
  const l = b.add("unary", [s], { fn: "log", a: 0, b: 0 }, LOC, { id: "l", source: "l" });
  b.output({ name: "l", value: l, elementType: "float32" });
  const fused = fuseActivations.run(b.finish(), { machine: machinePreset("tandem-32x32") });
  expect(fused.nodes.map((n) => n.op)).toEqual(["reduce"]);

  const huge = run("softmax", { axis: 1, log: false }, [F(-1e24, 1e24, [4, 8])], undefined);
  for (let row = 0; row < 4; row++) {
    const x = huge.x[0]!.slice(8 * row, 8 * row + 8);
    const want = x.map((v) => (v === Math.max(...x) ? 1 : 0));
    huge.got.slice(8 * row, 8 * row + 8).forEach((y, i) => {
      expect(y).toBeCloseTo(want[i]!, 7);
    });
  }
});

it("natural powers of int32 by constant exponents wrap exactly", () => {
  const b = new GraphBuilder("g");
  const x = b.input({ name: "x", elementType: "int32" }, { dtype: "int32", shape: [3] });
  const exponents = b.constant({ dtype: "int32", shape: [4, 1] }, Int32Array.of(0, 1, 6, 13));
  const y = b.add("pow", [x, exponents], {}, LOC, { id: "y", source: "y" });
  b.output({ name: "y", value: y, elementType: "int32" });
  const q = quantize(b.finish(), { ranges: new Map() }, { precision: "int8", weights: "max" });
  const got = evaluate(q, new Map([[q.inputs[0]!.value, Int32Array.of(-3, 7, 2)]])).get(q.outputs[0]!.value);
  const want = [0n, 1n, 6n, 13n].flatMap((n) => [-3n, 7n, 2n].map((v) => Number(BigInt.asIntN(32, v ** n))));
  expect([...got!]).toEqual(want);
});

it("maxima of uint8", () => {
  const window = { kernel: [2], strides: [1], dilations: [1], pads: [1, 0] };
  const { x, got } = run("maxPool", window, [I("uint8", 0, 255, [1, 2, 9])], undefined);
  const want = Array.from({ length: 18 }, (_, i) => (i % 9 === 0 ? x[0]![i]! : Math.max(x[0]![i - 1]!, x[0]![i]!)));
  expect(got).toEqual(want);
});

describe("along axes", () => {
  it.each(["sum", "mean", "max", "min", "l1", "l2", "sumSquare", "meanSquare", "logSumExp", "prod"] as const)(
    "reduce %s",
    (kind) => {
      const fs = {
        sum: total,
        mean: (r: Vec) => total(r) / r.length,
        max: (r: Vec) => Math.max(...r),
        min: (r: Vec) => Math.min(...r),
        l1: (r: Vec) => total(r.map(Math.abs)),
        l2: (r: Vec) => Math.sqrt(total(r.map((v) => v * v))),
        sumSquare: (r: Vec) => total(r.map((v) => v * v)),
        meanSquare: (r: Vec) => total(r.map((v) => v * v)) / r.length,
        logSumExp: (r: Vec) => Math.log(total(r.map(Math.exp))),
        prod: (r: Vec) => r.reduce((p, v) => p * v, 1),
      };
      const n = kind === "prod" ? 7 : 50;
      const f = (x: readonly number[][]) => rows(x[0]!, n).map(fs[kind]);
      const { x, got } = run("reduce", { kind, axes: [1] }, [F(-2, 3, [20, n])], f);
      expect(sqnr(f(x), got)).toBeGreaterThan(45);
    },
  );
  it.each([false, true])("softmax, log %s", (log) => {
    const f = (x: readonly number[][]) =>
      rows(x[0]!, 64).flatMap((r) => {
        const s = total(r.map(Math.exp));
        return r.map((v) => (log ? v - Math.log(s) : Math.exp(v) / s));
      });
    const { x, got } = run("softmax", { axis: 1, log }, [F(-5, 5, [8, 64])], f);
    expect(sqnr(f(x), got)).toBeGreaterThan(60);
  });
  it("cumSum", () => {
    const f = (x: readonly number[][]) => rows(x[0]!, 9).flatMap((r) => r.map((_, i) => total(r.slice(0, i + 1))));
    const { x, got } = run("cumSum", { axis: 1, exclusive: false, reverse: false }, [F(-2, 2, [4, 9])], f);
    expect(sqnr(f(x), got)).toBeGreaterThan(60);
  });
  it("argReduce", () => {
    const f = (x: readonly number[][]) => rows(x[0]!, 9).map((r) => r.indexOf(Math.max(...r)));
    const { x, got } = run("argReduce", { kind: "max", axis: 1, last: false }, [F(-2, 2, [40, 9])], undefined);
    expect(got).toEqual(f(x));
  });
  it("layer normalization as it is decomposed", () => {
    const b = new GraphBuilder("g");
    const [r, n] = [6, 96];
    const add = <K extends OpName>(op: K, ids: readonly ValueId[], attrs: OpAttrs[K], id: string) =>
      b.add(op, ids, attrs, LOC, { id, source: id });
    const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [r, n] });
    const m = add("reduce", [x], { kind: "mean", axes: [1] }, "m");
    const d = add("sub", [x, m], {}, "d");
    const s = add("pow", [d, b.constant({ dtype: "float32", shape: [] }, Float32Array.of(2))], {}, "s");
    const v = add("reduce", [s], { kind: "mean", axes: [1] }, "v");
    const w = add("add", [v, b.constant({ dtype: "float32", shape: [] }, Float32Array.of(1e-5))], {}, "w");
    const q = add("unary", [w], { fn: "sqrt", a: 0, b: 0 }, "q");
    const y = add("div", [d, q], {}, "y");
    const z = add(
      "mul",
      [y, b.constant({ dtype: "float32", shape: [n] }, Float32Array.from({ length: n }, next))],
      {},
      "z",
    );
    b.output({ name: "z", value: z, elementType: "float32" });
    const g = b.finish();
    const data = Array.from({ length: r * n }, (_, i) => next() * (i < n ? 0.05 : 4) + 1);
    const ranges = new Map<string, Range>();
    const note = (id: string, values: Vec): Vec => {
      ranges.set(id, rangeOf(values));
      return values;
    };
    const lines = rows(note("x", data), n);
    const mean = note(
      "m",
      lines.map((l) => total(l) / n),
    );
    const diff = note(
      "d",
      lines.flatMap((l, i) => l.map((e) => e - mean[i]!)),
    );
    const sq = note(
      "s",
      diff.map((e) => e * e),
    );
    const va = note(
      "v",
      rows(sq, n).map((l) => total(l) / n),
    );
    note("w", va);
    const sd = note(
      "q",
      va.map((e) => Math.sqrt(e + 1e-5)),
    );
    const norm = note(
      "y",
      diff.map((e, i) => e / sd[Math.floor(i / n)]!),
    );
    const scale = Array.from(
      g.nodes
        .at(-1)!
        .inputs.map((i) => g.values.get(i)!.data)
        .find(Boolean) as Float32Array,
    );
    const want = note(
      "z",
      norm.map((e, i) => e * scale[i % n]!),
    );
    const integer = quantize(g, { ranges }, { precision: "int8", weights: "max" });
    verifyGraph(integer, "integer", "quantize");
    const out = integer.outputs[0]!.value;
    const got = decode(integer, out, evaluate(integer, encode(integer, new Map([["x", data]]))).get(out)!);
    expect(sqnr(want, got)).toBeGreaterThan(53);
  });
});

describe("integers are exact", () => {
  const two = (f: (a: number, b: number) => number) => (x: readonly number[][]) => x[0]!.map((v, i) => f(v, x[1]![i]!));
  const check = <K extends OpName>(
    op: K,
    attrs: OpAttrs[K],
    inputs: readonly In[],
    f: (x: readonly number[][]) => number[],
  ) => {
    const { x, got } = run(op, attrs, inputs, undefined);
    expect(got.map((v) => v + 0)).toEqual(f(x).map((v) => v + 0));
  };
  const wrap: { readonly [d: string]: (x: number) => number } = {
    int8: (x) => (x << 24) >> 24,
    uint8: (x) => x & 255,
    int16: (x) => (x << 16) >> 16,
    uint16: (x) => x & 65535,
    int32: (x) => x | 0,
  };
  const spans: { readonly [d: string]: readonly [number, number] } = {
    int8: [-128, 127],
    uint8: [0, 255],
    int16: [-32768, 32767],
    uint16: [0, 65535],
    int32: [-(2 ** 31), 2 ** 31 - 1],
  };
  it.each(Object.keys(spans) as DType[])("%s wraps", (dtype) => {
    const [lo, hi] = spans[dtype]!;
    const xs = [I(dtype, lo, hi), I(dtype, lo, hi)];
    check(
      "add",
      {},
      xs,
      two((a, b) => wrap[dtype]!(a + b)),
    );
    check(
      "sub",
      {},
      xs,
      two((a, b) => wrap[dtype]!(a - b)),
    );
    check(
      "mul",
      {},
      xs,
      two((a, b) => wrap[dtype]!(Math.imul(a, b))),
    );
    check("minimum", {}, xs, two(Math.min));
    check(
      "compare",
      { kind: "lt" },
      xs,
      two((a, b) => (a < b ? 1 : 0)),
    );
    check(
      "bitwise",
      { kind: "xor" },
      xs,
      two((a, b) => wrap[dtype]!(a ^ b)),
    );
    check(
      "bitwise",
      { kind: "and" },
      xs,
      two((a, b) => wrap[dtype]!(a & b)),
    );
    check("not", { bitwise: true }, [xs[0]!], (x) => x[0]!.map((v) => wrap[dtype]!(~v)));
    check(
      "mod",
      { fmod: true },
      xs,
      two((a, b) => (b === 0 ? a : a % b)),
    );
    check(
      "mod",
      { fmod: false },
      xs,
      two((a, b) => (b === 0 ? a : a - b * Math.floor(a / b))),
    );
    const shifts = [xs[0]!, I(dtype, 0, 7)];
    check(
      "bitwise",
      { kind: "shiftLeft" },
      shifts,
      two((a, b) => wrap[dtype]!(a << b)),
    );
  });
  it("int64 within 32 bits", () => {
    const small = [I("int64", -1000, 1000), I("int64", -1000, 1000)];
    check(
      "compare",
      { kind: "ge" },
      small,
      two((a, b) => (a >= b ? 1 : 0)),
    );
    check(
      "div",
      {},
      small,
      two((a, b) => (b === 0 ? Math.sign(a) * 2 ** 31 - (a > 0 ? 1 : 0) : Math.trunc(a / b))),
    );
    check("argReduce", { kind: "min", axis: 1, last: true }, [small[0]!], (x) =>
      rows(x[0]!, 50).map((r) => r.lastIndexOf(Math.min(...r))),
    );
  });
  it("bool", () => {
    const bools = [I("bool", 0, 1), I("bool", 0, 1)];
    check(
      "logical",
      { kind: "and" },
      bools,
      two((a, b) => a & b),
    );
    check(
      "logical",
      { kind: "or" },
      bools,
      two((a, b) => a | b),
    );
    check(
      "logical",
      { kind: "xor" },
      bools,
      two((a, b) => a ^ b),
    );
    check("not", { bitwise: false }, [bools[0]!], (x) => x[0]!.map((v) => 1 - v));
    check("where", {}, [bools[0]!, I("int32", -9, 9), I("int32", -9, 9)], (x) =>
      x[0]!.map((c, i) => (c ? x[1]![i]! : x[2]![i]!)),
    );
  });
  it("casts", () => {
    check("cast", { to: "int32" }, [F(-5, 5)], (x) => x[0]!.map(Math.trunc));
    check("cast", { to: "float32" }, [I("int64", -1000, 1000)], (x) => x[0]!);
    check("cast", { to: "uint8" }, [I("int32", -1000, 1000)], (x) => x[0]!.map((v) => v & 255));
    check("cast", { to: "bool" }, [I("int32", -3, 3)], (x) => x[0]!.map((v) => (v ? 1 : 0)));
    check("cast", { to: "float32" }, [I("bool", 0, 1)], (x) => x[0]!);
  });
  it("an int64 sum that could leave 32 bits is refused", () => {
    const sum = () => run("add", {}, [I("int64", -9, 9), I("int64", -9, 9)], undefined);
    expect(sum).toThrow(AccelcError);
    expect(sum).toThrow(/its int64 result may be -4294967296 to 4294967294/);
  });
  it("unsigned 32-bit results beyond int32 are refused, not saturated", () => {
    expect(() => run("not", { bitwise: true }, [I("uint32", 0, 9)], undefined)).toThrow(/its uint32 result/);
    expect(() => run("cast", { to: "uint64" }, [I("int32", -9, 9)], undefined)).toThrow(/its uint64 result/);
    check(
      "compare",
      { kind: "lt" },
      [I("uint32", 0, 9), I("uint32", 0, 9)],
      two((a, b) => (a < b ? 1 : 0)),
    );
  });
  it("an int64 tensor that is only moved stays 64 bits", () => {
    const b = new GraphBuilder("g");
    const x = b.input({ name: "x", elementType: "int64" }, { dtype: "int64", shape: [2, 3] });
    const y = b.add("transpose", [x], { perm: [1, 0] }, LOC);
    b.output({ name: "y", value: y, elementType: "int64" });
    const q = quantize(b.finish(), { ranges: new Map() }, { precision: "int8", weights: "max" });
    expect(q.values.get(q.outputs[0]!.value)!.type.dtype).toBe("int64");
  });
});

it("broadcasting operands", () => {
  for (const [a, b] of [
    [[2, 3, 4], [4]],
    [
      [3, 1],
      [1, 5],
    ],
    [[1], [2, 2]],
  ] as const) {
    const shape = broadcastShapes(a, b)!;
    const { q } = run("maximum", {}, [F(-1, 1, a), F(-1, 1, b)], undefined);
    expect(q.values.get(q.outputs[0]!.value)!.type.shape).toEqual(shape);
  }
});

it("an additive mask of minus infinity keeps the softmax's precision", () => {
  const b = new GraphBuilder("g");
  const n = 8;
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [4, n] });
  const hidden = (i: number) => i % 3 === 1;
  const mask = Float32Array.from({ length: n }, (_, i) => (hidden(i) ? Number.NEGATIVE_INFINITY : 0));
  const m = b.constant({ dtype: "float32", shape: [n] }, mask);
  const s = b.add("add", [x, m], {}, LOC, { id: "s", source: "s" });
  const y = b.add("softmax", [s], { axis: 1, log: false }, LOC, { id: "y", source: "y" });
  b.output({ name: "y", value: y, elementType: "float32" });
  const ranges = new Map([
    ["x", { min: -4, max: 4 }],
    ["s", { min: -3.4e38, max: 4 }],
    ["y", { min: 0, max: 1 }],
  ]);
  const q = quantize(b.finish(), { ranges }, { precision: "int8", weights: "max" });
  const data = draw(F(-4, 4, [4, n]));
  const want = rows(data, n).flatMap((r) => {
    const e = r.map((v, i) => (hidden(i) ? 0 : Math.exp(v)));
    return e.map((v) => v / total(e));
  });
  const out = q.outputs[0]!.value;
  const got = decode(q, out, evaluate(q, encode(q, new Map([["x", data]]))).get(out)!);
  expect(sqnr(want, got)).toBeGreaterThan(60);
});

it("positions that select elements saturate where others are refused", () => {
  const build = (selects: boolean) => {
    const b = new GraphBuilder("g");
    const i = b.input({ name: "i", elementType: "int64" }, { dtype: "int64", shape: [3] });
    const five = b.constant({ dtype: "int64", shape: [] }, BigInt64Array.of(5n));
    const moved = b.add("add", [i, five], {}, LOC);
    const table = b.constant(
      { dtype: "int64", shape: [9] },
      BigInt64Array.from({ length: 9 }, (_, k) => BigInt(k * k)),
    );
    const y = selects ? b.add("gather", [table, moved], { axis: 0 }, LOC) : moved;
    b.output({ name: "y", value: y, elementType: "int64" });
    return quantize(b.finish(), { ranges: new Map() }, { precision: "int8", weights: "max" });
  };
  expect(() => build(false)).toThrow(/its int64 result may be/);
  const q = build(true);
  const got = evaluate(q, new Map([["i", Int32Array.of(-5, 0, 3)]])).get(q.outputs[0]!.value)!;
  expect(Array.from(got as Int32Array, Number)).toEqual([0, 25, 64]);
});
