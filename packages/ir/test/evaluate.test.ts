import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Data,
  type DType,
  elements,
  evaluate,
  type Graph,
  GraphBuilder,
  type OpAttrs,
  type OpName,
  strides,
  type TensorType,
  verifyGraph,
} from "../src/index.js";

const SEED = 20240611;
const loc = { model: "test", node: "n", op: "Test" };
const quant = { scale: [1], zeroPoint: 0, axis: null };

interface Operand {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const ARRAYS = { int8: Int8Array, int16: Int16Array, int32: Int32Array } as const;
const store = (t: Operand): Data =>
  t.dtype === "int64" ? BigInt64Array.from(t.data, BigInt) : ARRAYS[t.dtype as keyof typeof ARRAYS].from(t.data);

function apply<K extends OpName>(
  op: K,
  operands: readonly Operand[],
  attrs: OpAttrs[K],
): { type: TensorType; data: number[] } {
  const b = new GraphBuilder("g");
  const feeds = new Map<string, Data>();
  const ids = operands.map((t, i) => {
    const id = b.input({ name: `x${i}`, elementType: t.dtype }, { dtype: t.dtype, shape: t.shape, quant });
    feeds.set(id, store(t));
    return id;
  });
  const y = b.add(op, ids, attrs, loc);
  b.output({ name: "y", value: y, elementType: "int32" });
  const g: Graph = b.finish();
  verifyGraph(g, "integer", "test");
  return { type: g.values.get(y)!.type, data: Array.from(evaluate(g, feeds).get(y)! as Int32Array) };
}

const t = (dtype: DType, shape: readonly number[], data: readonly number[]): Operand => ({ dtype, shape, data });
const i8 = (shape: readonly number[], data: readonly number[]) => t("int8", shape, data);
const i32 = (shape: readonly number[], data: readonly number[]) => t("int32", shape, data);
const MAX = 2147483647;
const MIN = -2147483648;

describe("hand-computed cases", () => {
  const cases: readonly [string, () => { data: number[] }, readonly number[]][] = [
    ["iadd wraps", () => apply("iadd", [i32([2], [MAX, 1]), i32([1], [1])], {}), [MIN, 2]],
    [
      "iadd widens int8 and broadcasts",
      () => apply("iadd", [i8([2, 1], [100, -100]), i8([2], [100, 1])], {}),
      [200, 101, 0, -99],
    ],
    ["isub wraps", () => apply("isub", [i32([1], [MIN]), i32([1], [1])], {}), [MAX]],
    [
      "imul rounds ties away",
      () => apply("imul", [i32([4], [3, -3, 5, 1]), i32([], [1])], { shift: 1 }),
      [2, -2, 3, 1],
    ],
    ["imul saturates", () => apply("imul", [i32([2], [MAX, MIN]), i32([], [4])], { shift: 0 }), [MAX, MIN]],
    ["imacc wraps", () => apply("imacc", [i32([1], [MAX]), i8([2], [1, 2]), i32([], [1])], {}), [MIN, MIN + 1]],
    [
      "idiv truncates",
      () => apply("idiv", [i32([5], [7, -7, 5, -5, 0]), i32([5], [2, 2, 0, 0, 0])], {}),
      [3, -3, MAX, MIN, 0],
    ],
    ["imax imin", () => apply("imax", [i8([2], [-3, 4]), i8([], [1])], {}), [1, 4]],
    ["imin", () => apply("imin", [i8([2], [-3, 4]), i8([], [1])], {}), [-3, 1]],
    ["ishr", () => apply("ishr", [i32([3], [-5, 5, -1]), i32([3], [1, 1, 40])], {}), [-3, 2, -1]],
    ["ishl", () => apply("ishl", [i32([2], [1, 1]), i32([2], [31, 32])], {}), [MIN, 0]],
    ["iand", () => apply("iand", [i32([1], [6]), i32([1], [3])], {}), [2]],
    ["ior", () => apply("ior", [i32([1], [6]), i32([1], [3])], {}), [7]],
    ["inot", () => apply("inot", [i8([1], [5])], {}), [-6]],
    ["iabs", () => apply("iabs", [i32([2], [MIN, -4])], {}), [MAX, 4]],
    ["isign", () => apply("isign", [i32([3], [-9, 0, 9])], {}), [-1, 0, 1]],
    ["icmp", () => apply("icmp", [i8([3], [1, 2, 3]), i8([], [2])], { kind: "le" }), [1, 1, 0]],
    ["select", () => apply("select", [i32([3], [0, -1, 7]), i8([], [4]), i8([3], [1, 2, 3])], {}), [1, 4, 4]],
    ["narrow to 8", () => apply("narrow", [i32([4], [3, -3, 1000, -1000])], { shift: 1, bits: 8 }), [2, -2, 127, -128]],
    ["narrow to 4", () => apply("narrow", [i32([3], [7, 8, -9])], { shift: 0, bits: 4 }), [7, 7, -8]],
    ["reshape", () => apply("reshape", [i8([2, 2], [1, 2, 3, 4])], { shape: [4] }), [1, 2, 3, 4]],
    ["transpose", () => apply("transpose", [i8([2, 3], [1, 2, 3, 4, 5, 6])], { perm: [1, 0] }), [1, 4, 2, 5, 3, 6]],
    [
      "slice backwards",
      () => apply("slice", [i8([4], [1, 2, 3, 4])], { starts: [3], steps: [-2], sizes: [2] }),
      [4, 2],
    ],
    ["pad", () => apply("pad", [i8([2], [1, 2])], { pads: [1, 2], value: 9 }), [9, 1, 2, 9, 9]],
    ["concat", () => apply("concat", [i8([2, 1], [1, 2]), i8([2, 2], [3, 4, 5, 6])], { axis: 1 }), [1, 3, 4, 2, 5, 6]],
    ["expand", () => apply("expand", [i8([2, 1], [1, 2])], { shape: [2, 2] }), [1, 1, 2, 2]],
    [
      "gather",
      () => apply("gather", [i8([3, 2], [1, 2, 3, 4, 5, 6]), t("int64", [2], [2, -3])], { axis: 0 }),
      [5, 6, 1, 2],
    ],
    ["ireduce", () => apply("ireduce", [i8([2, 3], [1, 5, -3, 4, 2, 9])], { kind: "sum", axes: [1] }), [3, 15]],
    [
      "iwindow sum reads fill",
      () =>
        apply("iwindow", [i8([1, 1, 3], [1, 2, 3])], {
          kind: "sum",
          kernel: [2],
          strides: [1],
          dilations: [2],
          pads: [1, 1],
          fill: 10,
        }),
      [12, 4, 12],
    ],
    [
      "iwindow max",
      () =>
        apply("iwindow", [i8([1, 1, 3], [-5, -7, -6])], {
          kind: "max",
          kernel: [2],
          strides: [2],
          dilations: [1],
          pads: [0, 1],
          fill: -128,
        }),
      [-5, -6],
    ],
    [
      "conv with fill and bias",
      () =>
        apply("conv", [i8([1, 1, 3], [1, 2, 3]), i8([2, 1, 2], [1, 10, -1, 0]), i32([2], [100, 0])], {
          strides: [1],
          dilations: [1],
          pads: [1, 0],
          groups: 1,
          fill: 5,
        }),
      [115, 121, 132, -5, -1, -2],
    ],
    ["matmul", () => apply("matmul", [i8([1, 2], [3, 4]), i8([2, 2], [1, 2, 5, 6]), i32([2], [0, 1])], {}), [23, 31]],
  ];
  it.each(cases)("%s", (_, run, want) => {
    expect(run().data).toEqual(want);
  });

  it("gives int8 results in int8 and int32 in int32", () => {
    expect(apply("narrow", [i32([1], [1])], { shift: 0, bits: 8 }).type.dtype).toBe("int8");
    expect(apply("iadd", [i8([1], [1]), i8([1], [1])], {}).type.dtype).toBe("int32");
  });
});

/** Every index below `shape`, row-major. */
function* indices(shape: readonly number[]): Generator<number[]> {
  const own = strides(shape);
  for (let i = 0; i < elements(shape); i++) yield own.map((s, a) => Math.floor(i / s) % shape[a]!);
}

const flat = (index: readonly number[], shape: readonly number[]): number =>
  index.reduce((sum, i, a) => sum + i * strides(shape)[a]!, 0);

const dims = (rank: number, max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: rank, maxLength: rank });
const bytes = (n: number, seed: number) =>
  Array.from({ length: n }, (_, i) => (((Math.imul(i + 1, 2654435761) ^ Math.imul(seed, 40503)) >>> 9) % 256) - 128);

describe(`against a naive formulation, seed ${SEED}`, () => {
  const parameters = { seed: SEED, numRuns: 200 };

  it("conv", () => {
    const arb = fc.integer({ min: 1, max: 3 }).chain((k) =>
      fc.record({
        k: fc.constant(k),
        n: fc.integer({ min: 1, max: 2 }),
        groups: fc.integer({ min: 1, max: 3 }),
        icg: fc.integer({ min: 1, max: 3 }),
        ocg: fc.integer({ min: 1, max: 5 }),
        kernel: dims(k, 3),
        strides: dims(k, 2),
        dilations: dims(k, 2),
        pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2 * k, maxLength: 2 * k }),
        extra: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: k, maxLength: k }),
        fill: fc.integer({ min: -128, max: 127 }),
        seed: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(arb, ({ k, n, groups, icg, ocg, kernel, strides, dilations, pads, extra, fill, seed }) => {
        const space = extra.map((e, i) => e + (kernel[i]! - 1) * dilations[i]! + 1);
        const xs = [n, icg * groups, ...space];
        const ws = [ocg * groups, icg, ...kernel];
        const [x, w] = [bytes(elements(xs), seed), bytes(elements(ws), seed + 1)];
        const bias = bytes(ws[0]!, seed + 2).map((b) => b * 1000);
        const got = apply("conv", [i8(xs, x), i8(ws, w), i32([ws[0]!], bias)], {
          strides,
          dilations,
          pads,
          groups,
          fill,
        });
        const want = [...indices(got.type.shape)].map(([b, o, ...p]) => {
          let sum = bias[o!]!;
          for (const [c, ...q] of indices([icg, ...kernel])) {
            const at = p.map((v, i) => v * strides[i]! + q[i]! * dilations[i]! - pads[i]!);
            const inside = at.every((v, i) => v >= 0 && v < space[i]!);
            const channel = Math.floor(o! / ocg) * icg + c!;
            sum += w[flat([o!, c!, ...q], ws)]! * (inside ? x[flat([b!, channel, ...at], xs)]! : fill);
          }
          return sum;
        });
        expect(k).toBe(kernel.length);
        expect(got.data).toEqual(want);
      }),
      parameters,
    );
  });

  it("matmul with broadcast batch axes", () => {
    const axis = fc.constantFrom<[number, number]>([1, 1], [1, 3], [3, 1], [2, 2]);
    const arb = fc.record({
      batch: fc.array(axis, { maxLength: 2 }),
      m: fc.integer({ min: 1, max: 4 }),
      k: fc.integer({ min: 1, max: 6 }),
      n: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(arb, ({ batch, m, k, n, seed }) => {
        const as = [...batch.map((b) => b[0]), m, k];
        const bs = [...batch.map((b) => b[1]), k, n];
        const [a, b] = [bytes(elements(as), seed), bytes(elements(bs), seed + 1)];
        const got = apply("matmul", [i8(as, a), i8(bs, b)], {});
        const want = [...indices(got.type.shape)].map((index) => {
          const [row, column] = index.slice(-2) as [number, number];
          const lead = (s: readonly number[]) => index.slice(0, -2).map((v, i) => (s[i] === 1 ? 0 : v));
          let sum = 0;
          for (let j = 0; j < k; j++)
            sum += a[flat([...lead(as), row, j], as)]! * b[flat([...lead(bs), j, column], bs)]!;
          return sum;
        });
        expect(got.data).toEqual(want);
      }),
      parameters,
    );
  });

  it("iwindow", () => {
    const arb = fc.integer({ min: 1, max: 3 }).chain((k) =>
      fc.record({
        kind: fc.constantFrom("sum" as const, "max" as const, "min" as const),
        kernel: dims(k, 3),
        strides: dims(k, 3),
        dilations: dims(k, 2),
        pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2 * k, maxLength: 2 * k }),
        lead: dims(2, 3),
        extra: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: k, maxLength: k }),
        fill: fc.integer({ min: -128, max: 127 }),
        seed: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(arb, ({ kind, kernel, strides, dilations, pads, lead, extra, fill, seed }) => {
        const space = extra.map((e, i) => e + (kernel[i]! - 1) * dilations[i]! + 1);
        const xs = [...lead, ...space];
        const x = bytes(elements(xs), seed);
        const got = apply("iwindow", [i8(xs, x)], { kind, kernel, strides, dilations, pads, fill });
        const want = [...indices(got.type.shape)].map(([a, b, ...p]) => {
          const read = [...indices(kernel)].map((q) => {
            const at = p.map((v, i) => v * strides[i]! + q[i]! * dilations[i]! - pads[i]!);
            return at.every((v, i) => v >= 0 && v < space[i]!) ? x[flat([a!, b!, ...at], xs)]! : fill;
          });
          return kind === "sum"
            ? read.reduce((s, v) => s + v, 0)
            : kind === "max"
              ? Math.max(...read)
              : Math.min(...read);
        });
        expect(got.data).toEqual(want);
      }),
      parameters,
    );
  });

  it("movement: each output element is the input element its definition names", () => {
    const arb = fc.integer({ min: 1, max: 4 }).chain((r) =>
      fc.record({
        shape: dims(r, 4),
        perm: fc.shuffledSubarray([...Array(r).keys()], { minLength: r, maxLength: r }),
        pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2 * r, maxLength: 2 * r }),
        axis: fc.integer({ min: 0, max: r - 1 }),
        picks: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
        seed: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(arb, ({ shape, perm, pads, axis, picks, seed }) => {
        const x = bytes(elements(shape), seed);
        const read = (index: readonly number[]) => x[flat(index, shape)]!;
        const moved = apply("transpose", [i8(shape, x)], { perm });
        expect(moved.data).toEqual(
          [...indices(moved.type.shape)].map((i) => read(shape.map((_, a) => i[perm.indexOf(a)]!))),
        );
        const padded = apply("pad", [i8(shape, x)], { pads, value: 77 });
        expect(padded.data).toEqual(
          [...indices(padded.type.shape)].map((i) => {
            const at = i.map((v, a) => v - pads[a]!);
            return at.every((v, a) => v >= 0 && v < shape[a]!) ? read(at) : 77;
          }),
        );
        const back = { starts: shape.map((n) => n - 1), steps: shape.map(() => -1), sizes: shape };
        const reversed = apply("slice", [i8(shape, x)], back);
        expect(reversed.data).toEqual([...indices(shape)].map((i) => read(i.map((v, a) => shape[a]! - 1 - v))));
        const chosen = picks.map((p) => p % shape[axis]!);
        const got = apply("gather", [i8(shape, x), t("int64", [chosen.length], chosen)], { axis });
        expect(got.data).toEqual(
          [...indices(got.type.shape)].map((i) => read(i.map((v, a) => (a === axis ? chosen[v]! : v)))),
        );
      }),
      parameters,
    );
  });
});

describe("which values come back", () => {
  const build = () => {
    const b = new GraphBuilder("g");
    const x = b.input({ name: "x", elementType: "int32" }, { dtype: "int32", shape: [2] });
    const c = b.constant({ dtype: "int32", shape: [] }, Int32Array.of(3), { id: "c" });
    const y = b.add("iadd", [x, c], {}, loc, { id: "y" });
    const z = b.add("imul", [y, y], { shift: 0 }, loc, { id: "z" });
    b.output({ name: "z", value: z, elementType: "int32" });
    return b.finish();
  };
  const feed = new Map([["x", Int32Array.of(1, 2)]]);

  it("all of them by default, only those asked for otherwise", () => {
    expect([...evaluate(build(), feed).keys()].sort()).toEqual(["c", "x", "y", "z"]);
    const kept = evaluate(build(), feed, { keep: ["z"] });
    expect([...kept]).toEqual([["z", Int32Array.of(16, 25)]]);
  });

  it("a missing or short input is an error", () => {
    expect(() => evaluate(build(), new Map())).toThrow("input x has no elements, not 2");
    expect(() => evaluate(build(), new Map([["x", Int32Array.of(1)]]))).toThrow("input x has 1 elements, not 2");
  });
});
