import { loadMachine } from "@accelc/machine";
import { BFLOAT16, DLFLOAT16, decode, encode } from "@accelc/numerics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BSS,
  bind,
  blocks,
  dae,
  imm,
  iter,
  level,
  nest,
  place,
  program,
  type Ref,
  SMALL,
  simd,
  vec,
  type Words,
} from "./build.js";

const SEED = 20261120;
const OUT = BSS + 0x4000;
const MAX = 2147483647;
const MIN = -2147483648;

/** Models written on BigInt, apart from the engine's arithmetic. */
const wrap = (x: bigint): number => Number(BigInt.asIntN(32, x));
const sat = (x: bigint, bits = 32): number => {
  const top = 1n << BigInt(bits - 1);
  return Number(x >= top ? top - 1n : x < -top ? -top : x);
};
const roundShift = (x: bigint, s: number): bigint => {
  if (s <= 0) return x << BigInt(-s);
  const m = x < 0n ? -x : x;
  const r = (m + (1n << BigInt(s - 1))) >> BigInt(s);
  return x < 0n ? -r : r;
};
type Model = (a: bigint, b: bigint, d: bigint) => number;
const MODELS: Readonly<Record<string, Model>> = {
  add: (a, b) => wrap(a + b),
  sub: (a, b) => wrap(a - b),
  mul: (a, b) => wrap(a * b),
  macc: (a, b, d) => wrap(d + a * b),
  div: (a, b) => (b === 0n ? (a > 0n ? MAX : a < 0n ? MIN : 0) : sat(a / b)),
  max: (a, b) => Math.max(Number(a), Number(b)),
  min: (a, b) => Math.min(Number(a), Number(b)),
  rshift: (a, b) => (b < 0n || b > 31n ? (a < 0n ? -1 : 0) : Number(a >> b)),
  lshift: (a, b) => (b < 0n || b > 31n ? 0 : wrap(a << b)),
  move: (a) => Number(a),
  cond_move_true: (a, b, d) => Number(b !== 0n ? a : d),
  cond_move_false: (a, b, d) => Number(b === 0n ? a : d),
  not: (a) => Number(~a),
  and: (a, b) => Number(a & b),
  or: (a, b) => Number(a | b),
  relu: (a) => Number(a > 0n ? a : 0n),
  leaky_relu: (a, b) => (a >= 0n ? Number(a) : wrap(a * b)),
  abs: (a) => sat(a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1 : a < 0n ? -1 : 0),
  equal: (a, b) => Number(a === b),
  neq: (a, b) => Number(a !== b),
  gt: (a, b) => Number(a > b),
  gte: (a, b) => Number(a >= b),
  lt: (a, b) => Number(a < b),
  lte: (a, b) => Number(a <= b),
};
type Name = Parameters<typeof vec>[0];

const ROWS = 16;
const WORDS = ROWS * 8;
const io = {
  inputs: [place("x", "int32", [WORDS], BSS, 32), place("z", "int32", [WORDS], BSS + WORDS * 4, 32)],
  outputs: [place("y", "int32", [WORDS], OUT, 32)],
};

/** x in VMEM1, z in VMEM2; the body; VMEM2 to y. */
function execute(body: readonly Words[], x: readonly number[], z: readonly number[], machine = SMALL): Int32Array {
  const bytes = WORDS * 4;
  const words = blocks([
    simd(
      dae("ld", "VMEM1", { address: BSS, bits: 32, bytes }),
      dae("ld", "VMEM2", { address: BSS + bytes, bits: 32, bytes }),
      ...body,
      dae("st", "VMEM2", { address: OUT, bits: 32, bytes }),
    ),
  ]);
  const tensor = (v: readonly number[]) => ({ type: "int32", shape: [WORDS], data: Int32Array.from(v) });
  return program({ words, machine, ...io }).run({ x: tensor(x), z: tensor(z) }).outputs.y.data as Int32Array;
}

const word = fc.oneof(fc.integer({ min: MIN, max: MAX }), fc.integer({ min: -40, max: 40 }), fc.constantFrom(MIN, MAX));
const vector = fc.array(word, { minLength: WORDS, maxLength: WORDS });
const outcome = { seed: SEED, numRuns: 60 };

/** One instruction over all rows, element by element, dst VMEM2 in place of src2. */
const whole = (op: Name, slot?: Ref): readonly Words[] => {
  const refs: readonly [Ref, Ref, Ref] = [["VMEM2", 0], ["VMEM1", 0], slot ?? ["VMEM2", 0]];
  return [iter("VMEM1", 0, 0, 1), iter("VMEM2", 0, 0, 1), level(0, ROWS, bind(...refs)), nest(1, 1), vec(op, ...refs)];
};

describe("vector instructions against BigInt models", () => {
  it.each(Object.keys(MODELS))("%s", (name) => {
    const model = MODELS[name];
    fc.assert(
      fc.property(vector, vector, (x, z) => {
        const expected = x.map((a, i) => model(BigInt(a), BigInt(z[i]), BigInt(z[i])));
        expect([...execute(whole(name as Name), x, z)]).toEqual(expected);
      }),
      { seed: SEED, numRuns: 15 },
    );
  });

  it("mul and leaky_relu rescale under a datatype configuration", () => {
    const bits = fc.integer({ min: 0, max: 31 });
    const kinds = fc.constantFrom(
      ["config_fxp32", 31] as const,
      ["config_fxp16", 15] as const,
      ["config_fxp8", 7] as const,
    );
    fc.assert(
      fc.property(vector, vector, bits, bits, bits, kinds, (x, z, d, a, b, [op, top]) => {
        const f = (n: number) => Math.max(0, top - n);
        const s = f(a) + f(b) - f(d);
        const config: Words = [{ op, dst_bits: d, src1_bits: a, src2_bits: b }];
        const product = x.map((v, i) => sat(roundShift(BigInt(v) * BigInt(z[i]), s)));
        expect([...execute([config, ...whole("mul")], x, z)]).toEqual(product);
        const leaky = x.map((v, i) => (v >= 0 ? v : product[i]));
        expect([...execute([config, ...whole("leaky_relu")], x, z)]).toEqual(leaky);
      }),
      outcome,
    );
  });

  it.each([
    ["cast_fxp32_fxp16", (x: bigint, s: number) => sat(roundShift(x, s), 16)],
    ["cast_fxp32_fxp8", (x: bigint, s: number) => sat(roundShift(x, s), 8)],
    ["cast_fxp32_fxp4", (x: bigint, s: number) => sat(roundShift(x, s), 4)],
    ["cast_fxp16_fxp32", (x: bigint, s: number) => sat(BigInt.asIntN(16, x) << BigInt(s))],
    ["cast_fxp8_fxp32", (x: bigint, s: number) => sat(BigInt.asIntN(8, x) << BigInt(s))],
    ["cast_fxp4_fxp32", (x: bigint, s: number) => sat(BigInt.asIntN(4, x) << BigInt(s))],
    ["floor", (x: bigint, s: number) => Number((x >> BigInt(s)) << BigInt(s))],
    ["ceil", (x: bigint, s: number) => sat(-((-x >> BigInt(s)) << BigInt(s)))],
  ] as const)("%s", (op, model) => {
    fc.assert(
      fc.property(vector, fc.integer({ min: 0, max: 31 }), (x, s) => {
        const expected = x.map((v) => model(BigInt(v), s));
        expect([...execute([imm(5, s), ...whole(op, ["IMM", 5])], x, x)]).toEqual(expected);
      }),
      outcome,
    );
  });
});

describe("floating point", () => {
  const f32 = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0];
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
  const floats = fc.array(finite, { minLength: WORDS, maxLength: WORDS });
  const r = Math.fround;
  const ops: readonly (readonly [Name, (a: number, b: number) => number])[] = [
    ["add", (a, b) => r(a + b)],
    ["sub", (a, b) => r(a - b)],
    ["mul", (a, b) => r(a * b)],
    ["macc", (a, b) => r(b + r(a * b))],
    ["max", (a, b) => Math.max(a, b)],
    ["min", (a, b) => Math.min(a, b)],
    ["leaky_relu", (a, b) => (a >= 0 ? a : r(a * b))],
    ["abs", (a) => Math.abs(a)],
  ];
  const config: Words = [{ op: "config_fp32", dst_bits: 0, src1_bits: 0, src2_bits: 0 }];
  it.each(ops)("32FP %s rounds once", (op, model) => {
    fc.assert(
      fc.property(floats, floats, (x, z) => {
        const y = execute([config, ...whole(op)], x.map(f32), z.map(f32));
        expect([...y]).toEqual(x.map((a, i) => f32(model(a, z[i]))));
      }),
      { seed: SEED, numRuns: 15 },
    );
  });

  it("32FP comparisons give integers, FLOOR and CEIL ignore their slot", () => {
    const x = Array.from({ length: WORDS }, (_, i) => (i - 60) / 4);
    const ones = execute(
      [config, ...whole("gt")],
      x.map(f32),
      x.map(() => 0),
    );
    expect([...ones]).toEqual(x.map((a) => (a > 0 ? 1 : 0)));
    const down = execute([config, ...whole("floor", ["IMM", 9])], x.map(f32), x);
    expect([...down]).toEqual(x.map((a) => f32(Math.floor(a))));
  });

  it("16FP adds DLFloat words; casts round trip through binary32 and bfloat16", () => {
    const fp16: Words = [{ op: "config_fp16", dst_bits: 0, src1_bits: 0, src2_bits: 0 }];
    const dl = (x: number) => encode(DLFLOAT16, x, "even");
    const x = Array.from({ length: WORDS }, (_, i) => (i - 60) * 1.37);
    const z = x.map((v) => v * 0.011);
    const sum = execute([fp16, ...whole("add")], x.map(dl), z.map(dl));
    expect([...sum]).toEqual(x.map((a, i) => dl(decode(DLFLOAT16, dl(a)) + decode(DLFLOAT16, dl(z[i])))));
    const none: Ref = ["OBUF", 0];
    expect([...execute(whole("cast_fp32_fp16", none), x.map(f32), z)]).toEqual(x.map((v) => dl(r(v))));
    expect([...execute(whole("cast_fp16_fp32", none), x.map(dl), z)]).toEqual(
      x.map((v) => f32(decode(DLFLOAT16, dl(v)))),
    );
    const bf = x.map((v) => encode(BFLOAT16, r(v), "even"));
    expect([...execute(whole("cast_fp32_bf16", none), x.map(f32), z)]).toEqual(bf);
    expect([...execute(whole("cast_bf16_fp32", none), bf, z)]).toEqual(bf.map((v) => v << 16));
  });
});

describe("special functions", () => {
  it("run where the machine has them, on f1 and fd fraction bits", () => {
    const machine = loadMachine({ extends: "tandem-8x8", name: "special", tandem: { specialFunctions: true } });
    const config: Words = [{ op: "config_fxp32", dst_bits: 15, src1_bits: 15, src2_bits: 0 }];
    const x = Array.from({ length: WORDS }, (_, i) => (i - 64) * 4096);
    const y = execute([config, ...whole("sigmoid", ["OBUF", 0])], x, x, machine);
    for (const [i, v] of y.entries())
      expect(Math.abs(v / 65536 - 1 / (1 + Math.exp(-x[i] / 65536)))).toBeLessThan(1e-4);
  });
});

describe("loop nests", () => {
  const small = fc.integer({ min: 1, max: 3 });
  const stride = fc.integer({ min: 0, max: 2 });
  const shape = fc.array(fc.record({ count: small, a: stride, b: stride, d: stride }), { minLength: 1, maxLength: 3 });
  const names = ["add", "sub", "max", "and", "macc", "cond_move_true"] as const;
  const body = fc.array(fc.record({ op: fc.constantFrom(...names), swap: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  });

  it("execute as the nested loops they stand for", () => {
    fc.assert(
      fc.property(shape, body, vector, vector, (levels, code, x, z) => {
        const base = { a: 1, b: 0, d: 2 };
        const iters = levels.flatMap((l, i) => [
          ...iter("VMEM1", i, base.a, l.a),
          ...iter("VMEM2", i, base.b, l.b),
          ...iter("VMEM2", 16 + i, base.d, l.d),
        ]);
        const refs = (swap: boolean, i: number): readonly [Ref, Ref, Ref] =>
          swap
            ? [
                ["VMEM2", 16 + i],
                ["VMEM2", i],
                ["VMEM1", i],
              ]
            : [
                ["VMEM2", 16 + i],
                ["VMEM1", i],
                ["VMEM2", i],
              ];
        const words = [
          iters,
          ...levels.map((l, i) => level(i, l.count, ...code.map((c) => bind(...refs(c.swap, i))))),
          nest(levels.length, code.length),
          ...code.map((c) => vec(c.op, ...refs(c.swap, 15))),
        ];
        expect([...execute(words, x, z)]).toEqual(direct(levels, code, base, x, z));
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  function direct(
    levels: readonly { count: number; a: number; b: number; d: number }[],
    code: readonly { op: string; swap: boolean }[],
    base: { a: number; b: number; d: number },
    x: readonly number[],
    z: readonly number[],
  ): number[] {
    const memory = [...z];
    const loop = (depth: number, a: number, b: number, d: number): void => {
      if (depth < levels.length) {
        const l = levels[depth];
        for (let t = 0; t < l.count; t++) loop(depth + 1, a + t * l.a, b + t * l.b, d + t * l.d);
        return;
      }
      for (const { op, swap } of code) {
        for (let i = 0; i < 8; i++) {
          const [p, q] = [BigInt(x[a * 8 + i]), BigInt(memory[b * 8 + i])];
          memory[d * 8 + i] = MODELS[op](swap ? q : p, swap ? p : q, BigInt(memory[d * 8 + i]));
        }
      }
    };
    loop(0, base.a, base.b, base.d);
    return memory;
  }

  it("take the IMM slot of the innermost level and ignore operands an instruction does not read", () => {
    const x = Array.from({ length: WORDS }, (_, i) => i);
    const y = execute(
      [
        imm(1, 100),
        imm(2, 1000),
        iter("VMEM1", 0, 0, 8),
        iter("VMEM1", 1, 0, 1),
        iter("VMEM2", 0, 0, 8),
        iter("VMEM2", 1, 0, 1),
        level(0, 2, bind(["VMEM2", 0], ["VMEM1", 0], ["IMM", 1]), bind(["VMEM2", 0], ["VMEM2", 0], ["IBUF", 9])),
        level(1, 8, bind(["VMEM2", 1], ["VMEM1", 1], ["IMM", 2]), bind(["VMEM2", 1], ["VMEM2", 1], ["VMEM1", 9])),
        nest(2, 2),
        vec("add", ["VMEM2", 7], ["VMEM1", 7], ["IMM", 7]),
        vec("not", ["VMEM2", 7], ["VMEM2", 7], ["OBUF", 7]),
      ],
      x,
      x,
    );
    expect([...y]).toEqual(x.map((v) => ~(v + 1000)));
  });
});
