import { NS } from "@accelc/isa";
import { describe, expect, it } from "vitest";
import { simulate, stepCycles } from "../src/index.js";
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
  RODATA,
  randoms,
  saBase,
  saLoadAll,
  saLoop,
  saReduction,
  saSt,
  saStride,
  simd,
  systolic,
  vec,
  type Words,
} from "./build.js";

const LANES = 8;
const ROWS = 12;
const FILL = 7;
const random = randoms(20261121);
const randomBytes = (n: number): Int8Array => Int8Array.from({ length: n }, () => random(-128, 127));

/** Rows × 8 by 8 × 8. */
const product = (x: Int8Array, w: Int8Array): Int32Array =>
  Int32Array.from(x, (_, i) => {
    const [r, c] = [Math.floor(i / LANES), i % LANES];
    return w.reduce((sum, v, at) => (at % LANES === c ? sum + v * x[r * LANES + Math.floor(at / LANES)] : sum), 0);
  });

/** Opens the next input, its rows moving by `stride` in each of `tiles` tiles. */
const open = (tiles: number, stride: number, row = 0): Words =>
  dae("st", "IBUF", {
    address: 0,
    row,
    bits: 8,
    bytes: LANES,
    base: [[0, tiles, stride]],
    pad: [{ op: "pad_fill", target: NS.IBUF + 4, imm: FILL }],
  });

const rows = (tile: number): Words => [
  ...saLoop(13, tile),
  ...saStride("RD", "IBUF", 13, 1),
  ...saStride("WR", "OBUF", 13, 1),
];

/** The input loaded as a whole, multiplied `tile` rows at a time. */
const whole = (tile: number): Words => [
  ...saLoop(0, ROWS / tile),
  ...rows(tile),
  ...saStride("RD", "IBUF", 0, tile),
  ...saLoadAll("WBUF", 14, RODATA, 1),
  ...saLoadAll("IBUF", 16, BSS, ROWS),
];

/** OBUF, narrowed, to the rows of the next input from row 1 on. */
const narrow = (tile: number): Words => [
  ...imm(0, 6),
  ...iter("OBUF", 0, 0, 1),
  ...iter("IBUF", 0, 1, 1),
  ...level(0, tile, bind(["IBUF", 0], ["OBUF", 0], ["IMM", 0])),
  ...nest(1, 1),
  ...vec("cast_fxp32_fxp8", ["IBUF", 0], ["OBUF", 0], ["IMM", 0]),
];

/** What IBUF holds, a border row at either end, in tiles of `tile` rows. */
const reader = (tile: number, row = 0): Words =>
  systolic(
    saBase("IBUF", row),
    saLoop(0, (ROWS + 2) / tile),
    rows(tile),
    saStride("RD", "IBUF", 0, tile),
    saLoadAll("WBUF", 14, RODATA, 1),
    saBase("OBUF", BSS + 0x1000),
    saStride("ST", "OBUF", 0, 4 * LANES * tile),
    saStride("ST", "OBUF", 18, 0),
    saSt(18, 4 * tile),
  );

const spec = (words: Words, w: Int8Array) => ({
  words,
  rodata: new Uint8Array(w.buffer),
  inputs: [place("x", "int8", [ROWS, LANES], BSS, 8)],
  outputs: [place("y", "int32", [ROWS + 2, LANES], BSS + 0x1000, 32)],
});

describe("input of the next block", () => {
  const w = randomBytes(LANES * LANES);
  const x = () => ({ x: { type: "int8", shape: [ROWS, LANES], data: randomBytes(ROWS * LANES) } }) as const;
  const expected = (data: Int8Array) => {
    const narrowed = product(data, w).map((v) =>
      Math.max(-128, Math.min(127, Math.sign(v) * Math.round(Math.abs(v) / 64))),
    );
    const border = new Array<number>(LANES).fill(FILL);
    return product(Int8Array.from([...border, ...narrowed, ...border]), w);
  };

  it.each([1, 2, 3, 6, 12])("written in tiles of %i rows, read in tiles of another size, border filled", (tile) => {
    for (const read of [1, 2, 7, 14]) {
      const words = blocks([systolic(whole(tile)), simd(open(ROWS / tile, tile), narrow(tile))], [reader(read)]);
      const p = program(spec(words, w));
      const session = p.session();
      for (const engine of ["reference", "fast", "fast", "fast"] as const) {
        const input = x();
        const { outputs, stats } = session.run(input, { engine });
        expect(outputs.y.data).toEqual(expected(input.x.data));
        expect(stats.dramRead.get("IBUF")).toBe(ROWS * LANES);
        if (engine === "fast") expect([...stats.fallbacks]).toEqual([]);
      }
    }
  });

  it("costs its words: nothing is transferred, nothing waits", () => {
    const words = blocks([systolic(whole(4)), simd(open(3, 4), narrow(4))], [reader(7)]);
    const p = program(spec(words, w));
    const { blocks: simulated, dramBytes } = simulate(p);
    expect(simulated.map((b) => b.cycles)).toEqual(stepCycles(p));
    expect(dramBytes.IBUF).toEqual({ read: ROWS * LANES, written: 0 });
    expect(dramBytes.VMEM1.written + dramBytes.VMEM2.written).toBe(0);
    expect(simulated[1].dramBytes.IBUF.read).toBe(0);
  });

  it("passes from block to block, and from blocks without a systolic region", () => {
    const again = systolic(saLoop(0, 2), rows(7), saStride("RD", "IBUF", 0, 7), saLoadAll("WBUF", 14, RODATA, 1));
    const move = simd(
      dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 3 * LANES, base: [[0, 4, 3 * LANES]] }),
      open(4, 3),
      iter("VMEM1", 0, 0, 1),
      iter("IBUF", 0, 1, 1),
      level(0, 3, bind(["IBUF", 0], ["VMEM1", 0])),
      nest(1, 1),
      vec("move", ["IBUF", 0], ["VMEM1", 0]),
    );
    const copy = simd(
      open(2, 7),
      narrow(7).map((i) => (i.op === "iter_base_signext" ? { ...i, imm: 0 } : i)),
    );
    const words = blocks([move], [again, copy], [reader(7)]);
    const p = program(spec(words, w));
    const input = x();
    const border = new Array<number>(LANES).fill(FILL);
    const first = product(Int8Array.from([...border, ...input.x.data, ...border]), w);
    const codes = Int8Array.from(first, (v) =>
      Math.max(-128, Math.min(127, Math.sign(v) * Math.round(Math.abs(v) / 64))),
    );
    for (const engine of ["reference", "fast"] as const)
      expect(p.run(input, { engine }).outputs.y.data).toEqual(product(codes, w));
  });

  const traps = (words: Words, message: RegExp) => {
    for (const engine of ["reference", "fast"] as const)
      expect(() => program(spec(words, w)).run(x(), { engine })).toThrow(message);
  };

  /** The input loaded `tile` rows at a time, each time into the other half. */
  const turning = (tile: number): Words => [
    ...saLoop(0, ROWS / tile),
    ...rows(tile),
    ...saLoadAll("WBUF", 14, RODATA, 1),
    ...saStride("LD", "IBUF", 0, tile * LANES),
    ...saLoadAll("IBUF", 16, BSS, tile),
  ];

  it("lies behind the rows of an input that is loaded tile by tile", () => {
    for (const tile of [1, 2, 3, 4, 6]) {
      const words = blocks([systolic(turning(tile)), simd(open(ROWS / tile, tile, 9), narrow(tile))], [reader(7, 9)]);
      for (const engine of ["reference", "fast"] as const) {
        const input = x();
        expect(program(spec(words, w)).run(input, { engine }).outputs.y.data).toEqual(expected(input.x.data));
      }
      const p = program(spec(words, w));
      expect(simulate(p).blocks.map((b) => b.cycles)).toEqual(stepCycles(p));
    }
  });

  it("traps where loads reach its rows", () => {
    traps(blocks([systolic(turning(4)), simd(open(3, 4, 3), narrow(4))]), /begins at row 3, below which .* take 4/);
    const still = systolic(turning(12));
    expect(() => program(spec(blocks([still, simd(open(1, 4), narrow(12))]), w)).run(x())).not.toThrow();
  });

  it("traps where a region opens it twice, writes ahead of it, outside it, or in another number of tiles", () => {
    traps(blocks([systolic(whole(12)), simd(open(1, 0), open(1, 0))]), /opens the next input twice/);
    traps(blocks([systolic(whole(12)), simd(narrow(12), open(1, 0))]), /behind a systolic one/);
    traps(blocks([systolic(whole(4)), simd(open(3, 20_000), narrow(4))]), /IBUF row/);
    traps(blocks([systolic(whole(4)), simd(open(2, 4), narrow(4))]), /EM20/);
  });

  it("traps where the array reads outside IBUF in a later tile", () => {
    const far = systolic(whole(4), saStride("RD", "IBUF", 0, 10_000));
    traps(blocks([far]), /IBUF row 10000/);
    const reduced = systolic(whole(4), saReduction(0), saStride("RD", "IBUF", 0, -1));
    traps(blocks([reduced]), /IBUF row -1/);
  });
});
