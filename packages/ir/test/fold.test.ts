import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  allocate,
  type Data,
  type DType,
  elements,
  type FoldableNode,
  foldNode,
  foldReduce,
  foldScalar,
  type Reduction,
  strides,
  type UnaryName,
  type Value,
} from "../src/index.js";

const SEED = 1729;
const value = (shape: readonly number[], data: Data, dtype: DType = "float32"): Value => ({
  id: "v",
  type: { dtype, shape },
  data,
});
const f32 = (shape: readonly number[], ...x: number[]) => value(shape, Float32Array.from(x));
const i64 = (shape: readonly number[], ...x: bigint[]) => value(shape, BigInt64Array.from(x), "int64");
const ramp = (shape: readonly number[]) => f32(shape, ...Array.from({ length: elements(shape) }, (_, i) => i));
const numbers = (d: Data | undefined) => d && Array.from(d as ArrayLike<number>);
const fold = (n: FoldableNode, ...inputs: Value[]) => numbers(foldNode(n, inputs)?.data);

/** The element at `index` of a row-major tensor. */
const at = (v: Value, index: readonly number[]): number =>
  (v.data as Float32Array)[strides(v.type.shape).reduce((s, step, i) => s + step * index[i]!, 0)]!;

function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((all, n) => all.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])), [[]]);
}

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 });

describe("foldNode", () => {
  it("gives nothing where an operand is not constant, or the types do not fit", () => {
    const x: Value = { id: "x", type: { dtype: "float32", shape: [2] } };
    expect(foldNode({ op: "relu", attrs: {} }, [x])).toBeUndefined();
    expect(foldNode({ op: "add", attrs: {} }, [f32([2], 1, 2), f32([3], 1, 2, 3)])).toBeUndefined();
    expect(foldNode({ op: "add", attrs: {} }, [f32([1], 1), i64([1], 1n)])).toBeUndefined();
    expect(foldNode({ op: "div", attrs: {} }, [i64([1], 1n), i64([1], 0n)])).toBeUndefined();
    expect(foldNode({ op: "gather", attrs: { axis: 0 } }, [f32([2], 1, 2), i64([1], 2n)])).toBeUndefined();
    expect(foldNode({ op: "imul", attrs: { shift: 1 } }, [f32([1], 1), f32([1], 1)])).toBeUndefined();
  });

  it("does not make constants beyond the limit", () => {
    const one = f32([], 1);
    expect(foldNode({ op: "expand", attrs: { shape: [2 ** 20, 2 ** 20] } }, [one])).toBeUndefined();
  });

  it("computes int64 exactly and wraps", () => {
    const big = 9007199254740993n;
    expect(foldNode({ op: "add", attrs: {} }, [i64([1], big), i64([1], 2n)])?.data).toEqual(BigInt64Array.of(big + 2n));
    const most = 9223372036854775807n;
    expect(foldNode({ op: "add", attrs: {} }, [i64([1], most), i64([1], 1n)])?.data).toEqual(
      BigInt64Array.of(-most - 1n),
    );
    const i32 = (x: number) => value([1], Int32Array.of(x), "int32");
    expect(fold({ op: "mul", attrs: {} }, i32(123456789), i32(987654321))).toEqual([Math.imul(123456789, 987654321)]);
  });

  it("rounds float32 once per element", () => {
    expect(fold({ op: "add", attrs: {} }, f32([], 16777216), f32([], 1))).toEqual([16777216]);
    expect(fold({ op: "mul", attrs: {} }, f32([], 0.1), f32([], 3))).toEqual([Math.fround(Math.fround(0.1) * 3)]);
  });

  it(`transposes, slices, pads and expands index by index (seed ${SEED})`, () => {
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.integer({ min: 0, max: 1000 })), (shape, stream) => {
        const x = ramp(shape);
        const pick = (n: number): number => stream.next().value! % n;
        const perm = shape.map((_, i) => i).sort((a, b) => ((a * 7 + pick(5)) % 5) - ((b * 7 + pick(5)) % 5));
        const moved = perm.map((p) => shape[p]!);
        expect(fold({ op: "transpose", attrs: { perm } }, x)).toEqual(
          indices(moved).map((o) =>
            at(
              x,
              shape.map((_, i) => o[perm.indexOf(i)]!),
            ),
          ),
        );
        const sizes = shape.map((n) => 1 + pick(n));
        const back = shape.map(() => pick(2) === 1);
        const starts = shape.map((n, i) =>
          back[i] ? sizes[i]! - 1 + pick(n - sizes[i]! + 1) : pick(n - sizes[i]! + 1),
        );
        const steps = back.map((b) => (b ? -1 : 1));
        expect(fold({ op: "slice", attrs: { starts, steps, sizes } }, x)).toEqual(
          indices(sizes).map((o) =>
            at(
              x,
              o.map((k, i) => starts[i]! + k * steps[i]!),
            ),
          ),
        );
        const begin = shape.map(() => pick(3));
        const end = shape.map(() => pick(3));
        const padded = shape.map((n, i) => n + begin[i]! + end[i]!);
        expect(fold({ op: "pad", attrs: { pads: [...begin, ...end], value: -1 } }, x)).toEqual(
          indices(padded).map((o) => {
            const p = o.map((k, i) => k - begin[i]!);
            return p.every((k, i) => k >= 0 && k < shape[i]!) ? at(x, p) : -1;
          }),
        );
        const narrow = shape.map((n) => (pick(2) === 0 ? 1 : n));
        const small = ramp(narrow);
        expect(fold({ op: "expand", attrs: { shape } }, small)).toEqual(
          indices(shape).map((o) =>
            at(
              small,
              o.map((k, i) => (narrow[i] === 1 ? 0 : k)),
            ),
          ),
        );
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("convolves, multiplies and pools by definition", () => {
    const x = ramp([1, 2, 3, 3]);
    const w = f32([2, 1, 2, 2], 1, 0, 0, 1, 1, 1, 1, 1);
    const attrs = { strides: [1, 2], dilations: [1, 1], pads: [0, 1, 0, 0], groups: 2, fill: 0 };
    expect(fold({ op: "conv", attrs }, x, w, f32([2], 0, 100))).toEqual([3, 6, 6, 12, 121, 148, 127, 160]);
    expect(fold({ op: "matmul", attrs: {} }, ramp([2, 1, 2]), ramp([2, 2]), f32([2], 10, 20))).toEqual([
      12, 23, 16, 31,
    ]);
    const window = { kernel: [2], strides: [2], dilations: [1], pads: [1, 0] };
    expect(fold({ op: "maxPool", attrs: window }, f32([1, 1, 3], -3, -2, -1))).toEqual([-3, -1]);
    const all = { ...window, countedPads: [1, 0] };
    expect(fold({ op: "averagePool", attrs: all }, f32([1, 1, 3], 4, 2, 4))).toEqual([2, 3]);
    expect(fold({ op: "averagePool", attrs: { ...all, countedPads: [0, 0] } }, f32([1, 1, 3], 4, 2, 4))).toEqual([
      4, 3,
    ]);
  });

  it("applies activations, bounds and batch norm", () => {
    const x = f32([1, 2, 2], -1, 2, -3, 8);
    expect(fold({ op: "relu", attrs: {} }, x)).toEqual([0, 2, 0, 8]);
    expect(fold({ op: "leakyRelu", attrs: { alpha: 0.5 } }, x)).toEqual([-0.5, 2, -1.5, 8]);
    expect(fold({ op: "clip", attrs: { min: 0, max: 6 } }, x)).toEqual([0, 2, 0, 6]);
    const p = (a: number, b: number) => f32([2], a, b);
    expect(fold({ op: "batchNorm", attrs: { epsilon: 1 } }, x, p(2, 1), p(0, 1), p(1, 0), p(3, 0))).toEqual([
      -2, 1, -2, 9,
    ]);
  });

  it("casts: truncation, wrap, not zero", () => {
    const cast = (to: DType, v: Value) => foldNode({ op: "cast", attrs: { to } }, [v])?.data;
    expect(cast("int8", f32([3], 1.9, -1.9, 300))).toEqual(Int8Array.of(1, -1, 44));
    expect(cast("int64", f32([2], -2.5, 1e15))).toEqual(BigInt64Array.of(-2n, 999999986991104n));
    expect(cast("int32", i64([1], 4294967298n))).toEqual(Int32Array.of(2));
    expect(cast("bool", f32([3], 0, 0.5, Number.NaN))).toEqual(Uint8Array.of(0, 1, 1));
    expect(cast("float32", i64([1], 16777217n))).toEqual(Float32Array.of(16777216));
    expect(cast("uint64", f32([1], Number.NaN))).toEqual(BigUint64Array.of(0n));
  });

  it("joins and picks", () => {
    const [a, b] = [ramp([2, 2]), f32([2, 1], 8, 9)];
    expect(fold({ op: "concat", attrs: { axis: 1 } }, a, b)).toEqual([0, 1, 8, 2, 3, 9]);
    expect(fold({ op: "gather", attrs: { axis: 1 } }, a, i64([2], -1n, 0n))).toEqual([1, 0, 3, 2]);
    expect(fold({ op: "reshape", attrs: { shape: [4] } }, a)).toEqual([0, 1, 2, 3]);
  });
});

describe("foldNode on the operations of wider coverage", () => {
  const x = f32([2, 3], 1, -2, 3, 0.5, 4, -1);
  const bytes = (...v: number[]) => value([v.length], Uint8Array.from(v), "uint8");
  const data = (n: FoldableNode, ...inputs: Value[]) => foldNode(n, inputs)?.data;
  const unary = (fn: UnaryName, v: Value, a = 0, b = 0) => data({ op: "unary", attrs: { fn, a, b } }, v);
  const reduce = (kind: Reduction, v: Value, ...axes: number[]) => data({ op: "reduce", attrs: { kind, axes } }, v);

  it("applies functions, rounded once; on integers where they stay whole", () => {
    expect(unary("exp", f32([2], 0, 1))).toEqual(Float32Array.of(1, Math.E));
    expect(unary("elu", f32([2], -1, 2), 0.5)).toEqual(Float32Array.of(0.5 * Math.expm1(-1), 2));
    expect(unary("abs", i64([2], -3n, 4n))).toEqual(BigInt64Array.of(3n, 4n));
    expect(unary("square", bytes(20))).toEqual(Uint8Array.of(400 % 256));
    expect(unary("floor", i64([1], 7n))).toEqual(BigInt64Array.of(7n));
    expect(unary("exp", i64([1], 7n))).toBeUndefined();
  });

  it("wraps integers, shifts in zeros, divides only by something", () => {
    expect(data({ op: "bitwise", attrs: { kind: "shiftLeft" } }, bytes(255, 1), bytes(1, 9))).toEqual(
      Uint8Array.of(254, 0),
    );
    expect(data({ op: "bitwise", attrs: { kind: "shiftRight" } }, bytes(255), bytes(7))).toEqual(Uint8Array.of(1));
    expect(data({ op: "not", attrs: { bitwise: true } }, bytes(1))).toEqual(Uint8Array.of(254));
    expect(data({ op: "pow", attrs: {} }, i64([2], 3n, 2n), i64([2], 4n, 65n))).toEqual(BigInt64Array.of(81n, 0n));
    expect(data({ op: "mod", attrs: { fmod: true } }, i64([1], -7n), i64([1], 3n))).toEqual(BigInt64Array.of(-1n));
    expect(data({ op: "mod", attrs: { fmod: false } }, i64([1], 7n), i64([1], 0n))).toBeUndefined();
  });

  it("compares, connects and chooses", () => {
    expect(data({ op: "compare", attrs: { kind: "ge" } }, f32([2], 1, 2), f32([], 2))).toEqual(Uint8Array.of(0, 1));
    const [a, b] = [value([2], Uint8Array.of(1, 0), "bool"), value([], Uint8Array.of(1), "bool")];
    expect(data({ op: "logical", attrs: { kind: "xor" } }, a, b)).toEqual(Uint8Array.of(0, 1));
    expect(data({ op: "where", attrs: {} }, a, f32([], 1), f32([], 2))).toEqual(Float32Array.of(1, 2));
    expect(data({ op: "maximum", attrs: {} }, f32([2], 1, 3), f32([], 2))).toEqual(Float32Array.of(2, 3));
  });

  it("reduces by every kind", () => {
    expect(reduce("mean", x, 1)).toEqual(Float32Array.of(2 / 3, 3.5 / 3));
    expect(reduce("l1", x, 0, 1)).toEqual(Float32Array.of(11.5));
    expect(reduce("l2", x, 0)).toEqual(Float32Array.of(Math.sqrt(1.25), Math.sqrt(20), Math.sqrt(10)));
    expect(reduce("sumSquare", x, 1)).toEqual(Float32Array.of(14, 17.25));
    expect(reduce("meanSquare", x, 1)).toEqual(Float32Array.of(14 / 3, 5.75));
    expect(reduce("logSum", f32([2], 1, 2), 0)).toEqual(Float32Array.of(Math.log(3)));
    expect(reduce("logSumExp", f32([2], 1000, 1000), 0)).toEqual(Float32Array.of(1000 + Math.log(2)));
    expect(reduce("max", value([0], new Int8Array(0), "int8"), 0)).toEqual(Int8Array.of(-128));
    expect(reduce("sum", value([2], Uint8Array.of(200, 100), "uint8"), 0)).toEqual(Uint8Array.of(44));
  });

  it("finds extremes, sums up, normalizes", () => {
    const arg = (v: Value, last: boolean) => data({ op: "argReduce", attrs: { kind: "max", axis: 0, last } }, v);
    expect(arg(f32([3], 2, 5, 5), false)).toEqual(BigInt64Array.of(1n));
    expect(arg(f32([3], 2, 5, 5), true)).toEqual(BigInt64Array.of(2n));
    const cumSum = (exclusive: boolean, reverse: boolean) =>
      data({ op: "cumSum", attrs: { axis: 0, exclusive, reverse } }, i64([3], 1n, 2n, 3n));
    expect(cumSum(false, false)).toEqual(BigInt64Array.of(1n, 3n, 6n));
    expect(cumSum(true, true)).toEqual(BigInt64Array.of(5n, 3n, 0n));
    const softmax = (log: boolean) => data({ op: "softmax", attrs: { axis: 0, log } }, f32([2], 1000, 1000));
    expect(softmax(false)).toEqual(Float32Array.of(0.5, 0.5));
    expect(softmax(true)).toEqual(Float32Array.of(-Math.LN2, -Math.LN2));
  });
});

describe("foldScalar", () => {
  it("broadcasts, compares and selects", () => {
    const r = foldScalar("greater", [ramp([2, 1]), f32([2], 0, 1)]);
    expect(r).toEqual({ type: { dtype: "bool", shape: [2, 2] }, data: Uint8Array.of(0, 0, 1, 0) });
    const c = value([2], Uint8Array.of(1, 0), "bool");
    expect(foldScalar("where", [c, i64([], 5n), i64([], 6n)])).toMatchObject({ data: BigInt64Array.of(5n, 6n) });
    expect(foldScalar("round", [f32([4], 0.5, 1.5, -0.5, -2.5)])).toMatchObject({
      data: Float32Array.of(0, 2, -0, -2),
    });
    expect(foldScalar("mod", [i64([2], -7n, 7n), i64([2], 3n, -3n)])).toMatchObject({
      data: BigInt64Array.of(2n, -2n),
    });
    expect(foldScalar("max", [f32([2], 1, Number.NaN), f32([], 2)])).toMatchObject({
      data: Float32Array.of(2, Number.NaN),
    });
  });

  it("says why there is no value", () => {
    expect(foldScalar("floor", [i64([1], 1n)])).toBe("element types int64 do not fit floor");
    expect(foldScalar("div", [i64([1], 1n), i64([1], 0n)])).toBe("integer division by zero");
    expect(foldScalar("mod", [i64([1], 1n), i64([1], 0n)])).toBe("integer division by zero");
    expect(foldScalar("add", [f32([2], 1, 2), f32([3], 1, 2, 3)])).toBe("shapes [2] and [3] do not broadcast");
    const wide = [
      value([2 ** 15, 1], allocate("uint8", 2 ** 15), "uint8"),
      value([2 ** 15], allocate("uint8", 2 ** 15), "uint8"),
    ];
    expect(foldScalar("add", wide)).toBe("a constant of shape [32768,32768] is too large");
  });
});

describe("foldReduce", () => {
  it("reduces over axes", () => {
    const x = ramp([2, 3]);
    expect(foldReduce("sum", x, [1], false)).toEqual({
      type: { dtype: "float32", shape: [2] },
      data: Float32Array.of(3, 12),
    });
    expect(foldReduce("max", x, [0], true)).toEqual({
      type: { dtype: "float32", shape: [1, 3] },
      data: Float32Array.of(3, 4, 5),
    });
    expect(foldReduce("prod", i64([3], 2n, 3n, 4n), [0], false).data).toEqual(BigInt64Array.of(24n));
    expect(foldReduce("min", f32([0]), [0], false).data).toEqual(Float32Array.of(Number.POSITIVE_INFINITY));
    expect(foldReduce("prod", f32([0]), [0], false).data).toEqual(Float32Array.of(1));
  });
});
