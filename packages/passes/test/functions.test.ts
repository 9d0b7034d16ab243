import { fileURLToPath } from "node:url";
import { elements, type Reduction } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import {
  argReduce,
  compare,
  cumSum,
  divide,
  type Emit,
  type Fixed,
  fixedOf,
  type Lane,
  laneOf,
  logSoftmax,
  maximum,
  minimum,
  mod,
  pow,
  reduce,
  renderFunctionsMarkdown,
  softmax,
  where,
} from "../src/functions/index.js";
import { FUNCTION_ROWS, measureRow, TOLERANT_ROWS } from "../src/functions/markdown.js";
import { grid, type Program, programOf, runProgram } from "../src/functions/measure.js";
import { goldenText } from "./golden.js";
import { random } from "./quantize-support.js";

/** Values outside the intervals that the program claims to keep. */
function escapes(p: Program, inputs: readonly Int32Array[]): string[] {
  const values = runProgram(p, inputs);
  return p.graph.nodes.flatMap((n, i) => {
    const [lo, hi] = p.proven.get(n.outputs[0]!)!;
    const data = values.get(n.outputs[0]!) as Int32Array;
    const bad = data.find((x) => x < lo || x > hi);
    return bad === undefined ? [] : [`node ${i} ${n.op}: ${bad} outside ${lo} to ${hi}`];
  });
}

/** Sums and left shifts by constants that wrap, recomputed in double precision. */
function wraps(p: Program, inputs: readonly Int32Array[]): string[] {
  const values = runProgram(p, inputs);
  return p.graph.nodes.flatMap((n, i) => {
    if (n.op !== "iadd" && n.op !== "isub") return [];
    const read = (id: string) => values.get(id) as Int32Array;
    const [a, b, out] = [read(n.inputs[0]!), read(n.inputs[1]!), read(n.outputs[0]!)];
    if ((a.length !== out.length && a.length > 1) || (b.length !== out.length && b.length > 1)) return [];
    const at = (x: Int32Array, k: number) => x[x.length === 1 ? 0 : k]!;
    const bad = out.findIndex((v, k) => v !== (n.op === "iadd" ? at(a, k) + at(b, k) : at(a, k) - at(b, k)));
    return bad < 0 ? [] : [`node ${i} ${n.op} wraps at ${bad}`];
  });
}

describe("functions of one operand", () => {
  it.each(FUNCTION_ROWS.map((r) => [`${r.name} on ${r.lo} to ${r.hi}`, r] as const))("%s", (_, r) => {
    const unit = 2 ** -r.bits;
    const x = grid(Math.round(r.lo / unit), Math.round(r.hi / unit), 4001);
    const p = programOf([{ lo: r.lo, hi: r.hi, unit }], [x.length], (e, [v]) => r.build(e, v!));
    expect(escapes(p, [x])).toEqual([]);
    expect(wraps(p, [x])).toEqual([]);
    const m = measureRow(r);
    expect(Math.min(m.absolute, m.relative)).toBeLessThan(2e-5);
  });

  it.each(FUNCTION_ROWS.map((r) => [r.name, r] as const))(
    "%s of coarse and of wide operands stays in int32",
    (_, r) => {
      for (const [bits, lo, hi] of [
        [12, -2000, 2000],
        [2, -30000, 30000],
        [29, -3.9, 3.9],
        [0, -128, 127],
        [20, 0, 2],
        [24, 1, 100],
      ] as const) {
        const unit = 2 ** -bits;
        const x = grid(lo / unit, Math.floor(hi / unit), 2001);
        const p = programOf([{ lo, hi, unit }], [x.length], (e, [v]) => r.build(e, v!));
        expect(escapes(p, [x]), `${lo} to ${hi} in steps of ${unit}`).toEqual([]);
        expect(wraps(p, [x]), `${lo} to ${hi} in steps of ${unit}`).toEqual([]);
      }
    },
  );

  it.each(TOLERANT_ROWS.map((r) => [`${r.name} to ${r.tolerance}`, r] as const))("%s", (_, r) => {
    const full = FUNCTION_ROWS.find((f) => f.name === r.name)!;
    const m = measureRow(r);
    expect(m.absolute).toBeLessThanOrEqual(r.tolerance);
    expect(m.instructions).toBeLessThan(measureRow(full).instructions);
    for (const [bits, lo, hi] of [
      [26, -3, 3],
      [10, -2000, 2000],
      [2, -30000, 30000],
      [24, 1, 100],
    ] as const) {
      const unit = 2 ** -bits;
      const x = grid(lo / unit, Math.floor(hi / unit), 2001);
      const p = programOf([{ lo, hi, unit }], [x.length], (e, [v]) => r.build(e, v!));
      expect(escapes(p, [x]), `${lo} to ${hi} in steps of ${unit}`).toEqual([]);
      expect(wraps(p, [x]), `${lo} to ${hi} in steps of ${unit}`).toEqual([]);
      const y = runProgram(p, [x]).get(p.result.value) as Int32Array;
      const error = Math.max(...Array.from(x, (q, i) => Math.abs(y[i]! * p.result.unit - r.f(q * unit))));
      expect(error).toBeLessThanOrEqual(r.tolerance + p.result.unit);
    }
  });

  it("softmax to a tolerance", () => {
    const axis = 1;
    for (const [n, scale, tolerance, greatest, unit, grid] of [
      [10, 8, 1 / 2040, 1, 2 ** -20, undefined],
      [128, 8, 1 / 2040, 1, 2 ** -20, undefined],
      [128, 8, 1 / 1016, 1, 2 ** -20, undefined],
      [64, 8, 1 / 16000, 1, 2 ** -20, undefined],
      [128, 2, 0.05 / 2040, 0.05, 2 ** -20, undefined],
      [3000, 12, 1 / 2040, 1, 2 ** -20, undefined],
      // As behind a product of activations, on the way to codes.
      [128, 8, 1 / 1016, 1, 0.00123, 1 / 127],
      [128, 8, 0.69 / 1016, 0.69, 0.00123, 0.69 / 127],
      [77, 3, 0.09 / 1016, 0.09, 0.0000123, 0.09 / 127],
      [3000, 3, 0.003 / 1016, 0.003, 0.0007, 0.003 / 127],
    ] as const) {
      const build = (e: Emit, [x]: readonly Fixed[]) => softmax(e, x!, axis, { tolerance, greatest, scale: grid });
      const p = programOf([{ lo: -scale, hi: scale, unit }], [4, n], build);
      const x = draw({ lo: -scale, hi: scale, unit }, 4 * n);
      expect(escapes(p, [x])).toEqual([]);
      expect(wraps(p, [x])).toEqual([]);
      if (grid !== undefined) expect(Math.log2(grid / p.result.unit) % 1, `steps of ${grid}`).toBe(0);
      const y = runProgram(p, [x]).get(p.result.value) as Int32Array;
      for (let row = 0; row < 4; row++) {
        const terms = Array.from(x.subarray(row * n, (row + 1) * n), (q) => Math.exp(q * unit));
        const sum = terms.reduce((a, b) => a + b);
        terms.forEach((t, i) => {
          expect(Math.abs(y[row * n + i]! * p.result.unit - t / sum)).toBeLessThanOrEqual(tolerance);
        });
      }
    }
  });

  it("are documented", () => {
    goldenText(fileURLToPath(new URL("../../../docs/functions.md", import.meta.url)), renderFunctionsMarkdown());
  });
});

const next = random(5);
const N = 4000;
interface Span {
  readonly lo: number;
  readonly hi: number;
  readonly unit: number;
}
const draw = (s: Span, n = N): Int32Array =>
  Int32Array.from({ length: n }, () => Math.round((s.lo + ((next() + 1) / 2) * (s.hi - s.lo)) / s.unit));

function check(
  spans: readonly Span[],
  f: (e: Emit, x: readonly Fixed[]) => Fixed,
  want: (...x: readonly number[]) => number,
  tolerance: (v: number, ...x: readonly number[]) => number,
  edges: readonly (readonly number[])[] = [],
): void {
  const x = spans.map((s) => draw(s));
  edges.forEach((row, i) => {
    row.forEach((v, k) => {
      x[k]![i] = Math.round(v / spans[k]!.unit);
    });
  });
  const p = programOf(spans, [N], f);
  expect(escapes(p, x)).toEqual([]);
  expect(wraps(p, x)).toEqual([]);
  const y = runProgram(p, x).get(p.result.value) as Int32Array;
  for (let i = 0; i < N; i++) {
    const args = spans.map((s, k) => x[k]![i]! * s.unit);
    const v = want(...args);
    expect(Math.abs(y[i]! * p.result.unit - v), `${args}`).toBeLessThanOrEqual(tolerance(v, ...args));
  }
}

const S = (lo: number, hi: number, bits: number): Span => ({ lo, hi, unit: 2 ** -bits });
const floorMod = (a: number, b: number) => (b === 0 ? a : a - b * Math.floor(a / b));

describe("functions of several operands", () => {
  it("divide", () => {
    check(
      [S(-4, 4, 20), S(0.1, 9, 18)],
      (e, [a, b]) => divide(e, a!, b!),
      (a, b) => a / b,
      (v) => 1e-6 + 1e-6 * Math.abs(v),
    );
    check(
      [S(-4, 4, 20), S(-9, 9, 18)],
      (e, [a, b]) => divide(e, a!, b!, { limit: 1000 }),
      (a, b) => (b === 0 ? (Math.sign(a) * 2 ** 31) / 2 ** 20 : Math.max(-2048, Math.min(2048, a / b))),
      (v) => 2e-6 + 1e-6 * Math.abs(v),
      [
        [1, 0],
        [-1, 0],
        [0, 0],
        [0, 1],
      ],
    );
  });
  it("mod and fmod are exact", () => {
    check(
      [S(-40, 40, 10), S(-9, 9, 12)],
      (e, [a, b]) => mod(e, a!, b!, false),
      floorMod,
      () => 0,
      [[3, 0]],
    );
    check(
      [S(-40, 40, 10), S(-9, 9, 12)],
      (e, [a, b]) => mod(e, a!, b!, true),
      (a, b) => a % (b || 1e9),
      () => 0,
    );
  });
  it("pow", () => {
    check(
      [S(0.1, 4, 24), S(-3, 3, 20)],
      (e, [a, b]) => pow(e, a!, b!, { limit: 1000 }),
      (a, b) => a ** b,
      (v) => 2e-6 + 2e-5 * v,
    );
    check(
      [S(-4, 4, 20), S(-3, 4, 0)],
      (e, [a, b]) => pow(e, a!, b!, { limit: 300 }),
      (a, b) => Math.max(-512, Math.min(512, a ** b)),
      (v) => 2e-6 + 2e-5 * Math.abs(v),
      [
        [0, 2],
        [0, 0],
        [-2, 3],
      ],
    );
  });
  it("minimum, maximum, compare, where", () => {
    const spans = [S(-40, 40, 10), S(-9, 9, 12)];
    check(
      spans,
      (e, [a, b]) => minimum(e, a!, b!),
      Math.min,
      () => 0,
    );
    check(
      spans,
      (e, [a, b]) => maximum(e, a!, b!),
      Math.max,
      () => 0,
    );
    check(
      spans,
      (e, [a, b]) => fixedOf(compare(e, "le", a!, b!), 1),
      (a, b) => (a <= b ? 1 : 0),
      () => 0,
      [[1, 1]],
    );
    check(
      [S(0, 1, 0), ...spans],
      (e, [c, a, b]) => where(e, laneOf(c!), a!, b!),
      (c, a, b) => (c ? a : b),
      () => 0,
    );
  });
});

function rows(shape: readonly [number, number], span: Span, f: (e: Emit, x: Fixed) => Fixed) {
  const x = draw(span, elements(shape));
  const p = programOf([span], shape, (e, [v]) => f(e, v!));
  expect(escapes(p, [x])).toEqual([]);
  const y = runProgram(p, [x]).get(p.result.value) as Int32Array;
  const [r, n] = shape;
  return Array.from({ length: r }, (_, i) => ({
    x: Array.from(x.subarray(i * n, (i + 1) * n), (v) => v * span.unit),
    y: Array.from(y.subarray((i * y.length) / r, ((i + 1) * y.length) / r), (v) => v * p.result.unit),
  }));
}
const total = (x: readonly number[]) => x.reduce((s, v) => s + v, 0);

describe("along an axis", () => {
  it.each([1, 2, 7, 64, 1000, 4096, 10000])("softmax of %i", (n) => {
    for (const span of [S(-8, 8, 20), S(-200, 100, 22), S(0, 0.01, 30)])
      for (const { x, y } of rows([3, n], span, (e, v) => softmax(e, v, 1))) {
        const top = Math.max(...x);
        const sum = total(x.map((v) => Math.exp(v - top)));
        y.forEach((v, i) => {
          const want = Math.exp(x[i]! - top) / sum;
          expect(Math.abs(v - want)).toBeLessThan(2e-9 + 2e-5 * want + (n * want) / 2 ** 26);
        });
      }
  });
  it.each([2, 100, 4096])("log-softmax of %i", (n) => {
    for (const { x, y } of rows([3, n], S(-8, 8, 20), (e, v) => logSoftmax(e, v, 1))) {
      const sum = Math.log(total(x.map((v) => Math.exp(v))));
      y.forEach((v, i) => {
        expect(Math.abs(v - (x[i]! - sum))).toBeLessThan(2e-5);
      });
    }
  });
  const kinds: { readonly [K in Reduction]: (x: readonly number[]) => number } = {
    sum: total,
    mean: (x) => total(x) / x.length,
    max: (x) => Math.max(...x),
    min: (x) => Math.min(...x),
    prod: (x) => x.reduce((p, v) => p * v, 1),
    l1: (x) => total(x.map(Math.abs)),
    l2: (x) => Math.sqrt(total(x.map((v) => v * v))),
    sumSquare: (x) => total(x.map((v) => v * v)),
    meanSquare: (x) => total(x.map((v) => v * v)) / x.length,
    logSum: (x) => Math.log(total(x)),
    logSumExp: (x) => Math.log(total(x.map((v) => Math.exp(v)))),
  };
  it.each(Object.keys(kinds) as Reduction[])("reduce %s", (kind) => {
    for (const n of [1, 3, 8, 13, 400]) {
      const span = kind === "logSum" ? S(0.1, 8, 24) : kind === "prod" ? S(0.9, 1.1, 28) : S(-8, 8, 24);
      for (const { x, y } of rows([2, n], span, (e, v) => reduce(e, kind, v, [1], { limit: 2000 }))) {
        const want = kinds[kind](x);
        expect(Math.abs(y[0]! - want)).toBeLessThan((kind === "prod" ? 3e-4 : 1e-4) * Math.max(1, Math.abs(want)));
      }
    }
  });
  it.each([
    ["max", false],
    ["max", true],
    ["min", false],
    ["min", true],
  ] as const)("argReduce %s, last %s", (kind, last) => {
    const n = 9;
    const span = S(-3, 3, 0);
    const f = (e: Emit, v: Fixed) => {
      const index = e.builder.constant(
        { dtype: "int32", shape: [n] },
        Int32Array.from({ length: n }, (_, i) => i),
      );
      return fixedOf(argReduce(e, kind, laneOf(v), 1, last, index), 1);
    };
    for (const { x, y } of rows([50, n], span, f)) {
      const best = kind === "max" ? Math.max(...x) : Math.min(...x);
      expect(y[0]).toBe(last ? x.lastIndexOf(best) : x.indexOf(best));
    }
  });
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])("cumSum exclusive %s reverse %s", (exclusive, reverse) => {
    for (const n of [1, 2, 5, 16, 17]) {
      const f = (e: Emit, v: Fixed): Fixed => fixedOf(cumSum(e, laneOf(v) as Lane, 1, exclusive, reverse), v.unit);
      for (const { x, y } of rows([2, n], S(-100, 100, 0), f)) {
        const line = reverse ? x.toReversed() : x;
        const sums = line.map((_, i) => total(line.slice(0, exclusive ? i : i + 1)));
        expect(y).toEqual(reverse ? sums.toReversed() : sums);
      }
    }
  });
});
