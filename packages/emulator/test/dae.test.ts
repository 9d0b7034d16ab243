import { type Inst, NS } from "@accelc/isa";
import { describe, expect, it } from "vitest";
import { BSS, bind, blocks, dae, iter, level, nest, pad, place, program, simd, vec, type Words } from "./build.js";

const OUT = BSS + 0x4000;
const LANES = 8;
const ramp = (n: number): Int8Array => Int8Array.from({ length: n }, (_, i) => i - 60);

/** Runs SIMD-only words on an int8 input of n bytes; returns `m` elements of `bits` bits at OUT. */
function run(words: readonly Words[], input: Int8Array, m: number, bits: 4 | 8 | 16 | 32 = 8) {
  const p = program({
    words: blocks([simd(...words)]),
    inputs: [place("x", "int8", [input.length], BSS, 8)],
    outputs: [place("y", "int32", [m], OUT, bits)],
  });
  const { outputs, stats } = p.run({ x: { type: "int8", shape: [input.length], data: input } });
  return { y: [...(outputs.y.data as Int32Array)], stats };
}

describe("data access engine", () => {
  it("walks tile loops, lowest id outermost, one run per row group", () => {
    const x = ramp(96);
    const { y } = run(
      [
        dae("ld", "VMEM1", {
          address: BSS + 1,
          bits: 8,
          bytes: 4,
          tile: [
            [9, 3, 8],
            [2, 2, 48],
          ],
        }),
        dae("st", "VMEM1", { address: OUT, bits: 8, bytes: 6 * LANES }),
      ],
      x,
      6 * LANES,
    );
    const runs = [0, 8, 16, 48, 56, 64].map((at) => [...x.subarray(at + 1, at + 5), 0, 0, 0, 0]);
    expect(y).toEqual(runs.flat());
  });

  it("splits a run over rows and leaves uncovered lanes alone", () => {
    const x = ramp(32);
    const { y } = run(
      [
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 16 }),
        dae("ld", "VMEM1", { address: BSS + 20, bits: 8, bytes: 11 }),
        dae("st", "VMEM1", { address: OUT, bits: 8, bytes: 16 }),
      ],
      x,
      16,
    );
    expect(y).toEqual([...x.subarray(20, 31), ...x.subarray(11, 16)]);
  });

  it.each([
    [4, [1, -8, 7, -1, 0, 5, -3, 2]],
    [8, [1, -128, 127, -1, 0, 5, -3, 2]],
    [16, [1, -32768, 32767, -1, 0, 5, -3, 2]],
    [32, [1, -(2 ** 31), 2 ** 31 - 1, -1, 0, 5, -3, 2]],
  ] as const)("moves %i-bit elements", (bits, values) => {
    const bytes = bits;
    const words = blocks([
      simd(dae("ld", "VMEM1", { address: BSS, bits, bytes }), dae("st", "VMEM1", { address: OUT, bits, bytes })),
    ]);
    const p = program({
      words,
      inputs: [place("x", "int32", [8], BSS, bits)],
      outputs: [place("y", "int32", [8], OUT, bits)],
    });
    const { outputs } = p.run({ x: { type: "int32", shape: [8], data: Int32Array.from(values) } });
    expect([...(outputs.y.data as Int32Array)]).toEqual([...values]);
  });

  it("stores the low bits without saturation", () => {
    const { y } = run(
      [
        dae("ld", "VMEM1", { address: BSS, bits: 32, bytes: 32 }),
        dae("st", "VMEM1", { address: OUT, bits: 8, bytes: 8 }),
      ],
      ramp(32),
      8,
    );
    expect(y).toEqual(Array.from({ length: 8 }, (_, i) => i * 4 - 60));
  });

  it("writes the tile number in the mixed radix of the base loops; product 1 loads first and stores last", () => {
    const x = ramp(64);
    const { y, stats } = run(
      [
        dae("ld", "VMEM1", {
          address: BSS,
          bits: 8,
          bytes: 8,
          base: [
            [5, 3, 16],
            [3, 2, 8],
          ],
        }),
        dae("ld", "VMEM2", { address: BSS + 56, bits: 8, bytes: 8, row: 1 }),
        dae("st", "VMEM1", { address: OUT, bits: 8, bytes: 8, base: [[0, 6, 8]] }),
        dae("st", "VMEM2", { address: OUT + 48, row: 1, bits: 8, bytes: 8 }),
      ],
      x,
      56,
    );
    const order = [0, 16, 32, 8, 24, 40, 56];
    expect(y).toEqual(order.flatMap((at) => [...x.subarray(at, at + 8)]));
    expect(stats.tiles).toBe(6);
    expect(stats.dramRead.get("VMEM2")).toBe(8);
    expect(stats.dramWritten.get("VMEM2")).toBe(8);
  });

  it("CONFIG words act at tile 0 only, vector configuration in every tile", () => {
    const { y } = run(
      [
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 8, base: [[0, 2, 8]] }),
        iter("VMEM1", 0, 0, 0),
        iter("VMEM2", 0, 0, 0),
        vec("not", ["VMEM2", 0], ["VMEM1", 0]),
        iter("VMEM1", 0, 400, 0),
        dae("st", "VMEM2", { address: OUT, bits: 8, bytes: 8, base: [[0, 2, 8]] }),
      ],
      ramp(16),
      16,
    );
    expect(y).toEqual([...ramp(16)].map((v) => ~v));
  });

  it("pads by bounds over base loops, tile loops and the run, for loads and stores", () => {
    const [h, w] = [5, 3];
    const x = ramp(h * w * LANES);
    const line = w * LANES;
    const load = dae("ld", "VMEM1", {
      address: BSS - line - LANES,
      bits: 8,
      bytes: (w + 2) * LANES,
      base: [[0, 2, 4 * line]],
      tile: [[4, 4, line]],
      pad: [...pad(NS.VMEM1, [[4, 0]], 1, 1 + h, -9), ...pad(NS.VMEM1, [[31]], 1, 1 + w, -9)],
    });
    const store = dae("st", "VMEM1", {
      address: OUT,
      bits: 8,
      bytes: (w + 2) * LANES,
      base: [[0, 2, 4 * (line + 16)]],
      tile: [[4, 4, line + 16]],
      pad: pad(NS.VMEM1 + 4, [[4, 0]], 0, 7, 0),
    });
    const { y, stats } = run([load, store], x, 8 * (w + 2) * LANES);
    const expected = Array.from({ length: 8 * (w + 2) * LANES }, (_, i) => {
      const [l, c, r] = [i % LANES, Math.floor(i / LANES) % (w + 2), Math.floor(i / LANES / (w + 2))];
      if (r === 7) return 0;
      const inside = r >= 1 && r <= h && c >= 1 && c <= w;
      return inside ? x[((r - 1) * w + c - 1) * LANES + l] : -9;
    });
    expect(y).toEqual(expected);
    expect(stats.dramRead.get("VMEM1")).toBe(h * w * LANES);
    expect(stats.dramWritten.get("VMEM1")).toBe(7 * (w + 2) * LANES);
  });

  it("WINDOW moves odd tiles behind the window, for DAE, ALU and permutation", () => {
    const window: Words = [
      { op: "window_base", ns: NS.VMEM1, imm: 10 },
      { op: "window_rows", ns: NS.VMEM1, imm: 2 },
    ];
    const x = ramp(32);
    const { y } = run(
      [
        window,
        dae("ld", "VMEM1", { address: BSS, row: 8, bits: 8, bytes: 16 }),
        dae("ld", "VMEM1", { address: BSS, row: 12, bits: 8, bytes: 16 }),
        dae("ld", "VMEM1", { address: BSS, row: 10, bits: 8, bytes: 16, base: [[0, 2, 16]] }),
        iter("VMEM1", 0, 10, 1),
        iter("VMEM2", 0, 0, 1),
        level(0, 2, bind(["VMEM2", 0], ["VMEM1", 0])),
        nest(1, 1),
        vec("not", ["VMEM2", 0], ["VMEM1", 0]),
        dae("st", "VMEM2", { address: OUT, bits: 8, bytes: 16, base: [[0, 2, 16]] }),
        [
          { op: "perm_set_base_addr", side: 0, imm: 80 },
          { op: "perm_set_loop_iter", side: 0, dim: 0, count_minus_1: 15 },
          { op: "perm_set_loop_stride", side: 0, dim: 0, imm: 1 },
          { op: "perm_set_loop_iter", side: 1, dim: 0, count_minus_1: 15 },
          { op: "perm_set_loop_stride", side: 1, dim: 0, imm: 1 },
          { op: "perm_start", dst_ns: NS.VMEM2, src1_ns: NS.VMEM1, shuffle: 0 },
        ],
        dae("st", "VMEM2", { address: OUT + 32, bits: 8, bytes: 16, base: [[0, 2, 16]] }),
      ],
      x,
      64,
    );
    expect(y).toEqual([...[...x].map((v) => ~v), ...x]);
  });
});

describe("permutation engine", () => {
  const start = (shuffle: number): Inst => ({ op: "perm_start", dst_ns: NS.VMEM2, src1_ns: NS.VMEM1, shuffle });
  const side = (s: 0 | 1, base: number, dims: readonly (readonly [number, number])[]): Words => [
    { op: "perm_set_base_addr", side: s, imm: base },
    ...dims.flatMap(([count, stride], dim): Inst[] => [
      { op: "perm_set_loop_iter", side: s, dim, count_minus_1: count - 1 },
      { op: "perm_set_loop_stride", side: s, dim, imm: stride & 0xffff },
    ]),
  ];

  it("transposes 8 × 8", () => {
    const x = ramp(64);
    const { y, stats } = run(
      [
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 64 }),
        side(0, 0, [
          [8, 8],
          [8, 1],
        ]),
        side(1, 0, [
          [8, 1],
          [8, 8],
        ]),
        [start(1)],
        dae("st", "VMEM2", { address: OUT, bits: 8, bytes: 64 }),
      ],
      x,
      64,
    );
    expect(y).toEqual(Array.from({ length: 64 }, (_, i) => x[(i % 8) * 8 + Math.floor(i / 8)]));
    expect(stats.permutedWords).toBe(64);
  });

  it("broadcasts by a read stride of 0, walks backwards, and forgets its configuration", () => {
    const x = ramp(16);
    const { y } = run(
      [
        dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 16 }),
        side(0, 7, [
          [2, 0],
          [8, -1],
        ]),
        side(1, 0, [[16, 1]]),
        [start(1)],
        side(0, 8, [[8, 1]]),
        side(1, 16, [[8, 1]]),
        [start(0)],
        dae("st", "VMEM2", { address: OUT, bits: 8, bytes: 24 }),
      ],
      x,
      24,
    );
    const back = [...x.subarray(0, 8)].reverse();
    expect(y).toEqual([...back, ...back, ...x.subarray(8)]);
  });
});
