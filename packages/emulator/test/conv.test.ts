import { BUFFER, NS } from "@accelc/isa";
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
  pad,
  place,
  program,
  RODATA,
  randoms,
  saBase,
  saLd,
  saLoadAll,
  saLoop,
  saReduction,
  saSt,
  saStride,
  simd,
  systolic,
  vec,
} from "./build.js";

const LANES = 8;
const random = randoms(20261120);
const bytesOf = (data: Int8Array | Int32Array): Uint8Array => new Uint8Array(data.buffer);
const randomBytes = (n: number): Int8Array => Int8Array.from({ length: n }, () => random(-128, 127));
const concat = (...parts: Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

/** Rows m × K by weights [K][8]. */
const gemm = (x: Int8Array, w: Int8Array, bias: Int32Array, rows: number, k: number): Int32Array =>
  Int32Array.from({ length: rows * LANES }, (_, i) => {
    const [r, c] = [Math.floor(i / LANES), i % LANES];
    let sum = bias[c];
    for (let j = 0; j < k; j++) sum = (sum + x[r * k + j] * w[j * LANES + c]) | 0;
    return sum;
  });

describe("GEMM with bias", () => {
  it("multiplies one tile and stores OBUF", () => {
    const w = randomBytes(LANES * LANES);
    const bias = Int32Array.from({ length: LANES }, () => random(-1e9, 1e9));
    const x = randomBytes(12 * LANES);
    const words = blocks([
      systolic(
        saLoop(8, 12),
        saStride("RD", "IBUF", 8, 1),
        saStride("WR", "OBUF", 8, 1),
        saLoadAll("WBUF", 14, RODATA, 1),
        saLoadAll("BBUF", 15, RODATA + 64, 4),
        saLoadAll("IBUF", 16, BSS, 12),
        saBase("OBUF", BSS + 0x1000),
        saStride("ST", "OBUF", 17, 0),
        saSt(17, 12 * 4),
      ),
    ]);
    const p = program({
      words,
      rodata: concat(bytesOf(w), bytesOf(bias)),
      inputs: [place("x", "int8", [12, LANES], BSS, 8)],
      outputs: [place("y", "int32", [12, LANES], BSS + 0x1000, 32)],
    });
    const { outputs, stats } = p.run({ x: { type: "int8", shape: [12, LANES], data: x } });
    expect(outputs.y.data).toEqual(gemm(x, w, bias, 12, LANES));
    expect(stats).toMatchObject({ blocks: 1, tiles: 1, systolicTiles: 1, macs: 12 * 64, activeMacs: 12 * 64 });
    expect(Object.fromEntries(stats.dramRead)).toEqual({ WBUF: 64, BBUF: 32, IBUF: 96 });
    expect(Object.fromEntries(stats.dramWritten)).toEqual({ OBUF: 12 * LANES * 4 });
  });

  it("keeps partial sums over reduction tiles, rows and columns tiled outside them", () => {
    const [rows, k] = [6, 3 * LANES];
    const x = randomBytes(rows * k);
    const w = randomBytes(k * LANES);
    const bias = Int32Array.from({ length: LANES }, () => random(-1000, 1000));
    const words = blocks([
      systolic(
        saLoop(1, 2),
        saLoop(2, 3),
        saReduction(2),
        saLoop(8, 3),
        saStride("RD", "IBUF", 8, 1),
        saStride("WR", "OBUF", 8, 1),
        saBase("WBUF", RODATA),
        saStride("LD", "WBUF", 2, 64),
        saStride("LD", "WBUF", 14, 0),
        saLd("WBUF", 14, 1),
        saLoadAll("BBUF", 15, RODATA + k * LANES, 4),
        saBase("IBUF", BSS),
        saStride("LD", "IBUF", 1, 3 * k),
        saStride("LD", "IBUF", 2, LANES),
        saLoop(16, 3),
        saStride("LD", "IBUF", 16, k),
        saStride("WR", "IBUF", 16, 1),
        saLd("IBUF", 16, 1),
        saBase("OBUF", BSS + 0x1000),
        saStride("ST", "OBUF", 1, 3 * LANES * 4),
        saStride("ST", "OBUF", 17, 0),
        saSt(17, 3 * 4),
      ),
    ]);
    const p = program({
      words,
      rodata: concat(bytesOf(w), bytesOf(bias)),
      inputs: [place("x", "int8", [rows, k], BSS, 8)],
      outputs: [place("y", "int32", [rows, LANES], BSS + 0x1000, 32)],
    });
    const { outputs, stats } = p.run({ x: { type: "int8", shape: [rows, k], data: x } });
    expect(outputs.y.data).toEqual(gemm(x, w, bias, rows, k));
    expect(stats).toMatchObject({ tiles: 2, systolicTiles: 6 });
    expect(stats.dramRead.get("BBUF")).toBe(32);
    expect(stats.dramRead.get("WBUF")).toBe(6 * 64);
  });
});

interface Conv {
  readonly h: number;
  readonly w: number;
  readonly icb: number;
  readonly k: number;
  readonly stride: number;
  readonly pads: number;
  readonly zero: number;
}

/** x is [icb][h][w][8], weights [icb][kh][kw][8][8], result [oh][ow][8]. */
function conv(c: Conv, x: Int8Array, weights: Int8Array, bias: Int32Array): Int32Array {
  const oh = Math.floor((c.h + 2 * c.pads - c.k) / c.stride) + 1;
  const ow = Math.floor((c.w + 2 * c.pads - c.k) / c.stride) + 1;
  const out = new Int32Array(oh * ow * LANES);
  for (let y = 0; y < oh; y++) {
    for (let z = 0; z < ow; z++) {
      for (let m = 0; m < LANES; m++) {
        let sum = bias[m];
        for (let b = 0; b < c.icb; b++) {
          for (let i = 0; i < c.k; i++) {
            for (let j = 0; j < c.k; j++) {
              const [r, s] = [y * c.stride + i - c.pads, z * c.stride + j - c.pads];
              const inside = r >= 0 && r < c.h && s >= 0 && s < c.w;
              for (let l = 0; l < LANES; l++) {
                const a = inside ? x[((b * c.h + r) * c.w + s) * LANES + l] : c.zero;
                sum += a * weights[(((b * c.k + i) * c.k + j) * LANES + l) * LANES + m];
              }
            }
          }
        }
        out[(y * ow + z) * LANES + m] = sum;
      }
    }
  }
  return out;
}

/**
 * Output rows are tiled by `tileOh` (loop 5). The tile's input is (tileOh − 1)·stride + k rows of w + 2·pads columns; loop 16
 * walks channel blocks, loop 17 input rows, the request is one padded row.
 */
function convWords(c: Conv, tileOh: number, weightBytes: number) {
  const wp = c.w + 2 * c.pads;
  const ow = Math.floor((wp - c.k) / c.stride) + 1;
  const oh = Math.floor((c.h + 2 * c.pads - c.k) / c.stride) + 1;
  const tileH = (tileOh - 1) * c.stride + c.k;
  const line = c.w * LANES;
  const blocksOfWeights = c.icb * c.k * c.k;
  const region = systolic(
    saLoop(5, Math.ceil(oh / tileOh)),
    [
      [9, c.icb],
      [10, c.k],
      [11, c.k],
      [12, tileOh],
      [13, ow],
    ].flatMap(([loop, count]) => saLoop(loop, count)),
    saReduction(9),
    saReduction(10),
    saReduction(11),
    saStride("RD", "IBUF", 9, tileH * wp),
    saStride("RD", "IBUF", 10, wp),
    saStride("RD", "IBUF", 11, 1),
    saStride("RD", "IBUF", 12, c.stride * wp),
    saStride("RD", "IBUF", 13, c.stride),
    saStride("RD", "WBUF", 9, c.k * c.k),
    saStride("RD", "WBUF", 10, c.k),
    saStride("RD", "WBUF", 11, 1),
    saStride("WR", "OBUF", 12, ow),
    saStride("WR", "OBUF", 13, 1),
    saLoadAll("WBUF", 14, RODATA, blocksOfWeights),
    saLoadAll("BBUF", 15, RODATA + weightBytes, 4),
    saBase("IBUF", BSS - c.pads * line - c.pads * LANES),
    saStride("LD", "IBUF", 5, tileOh * c.stride * line),
    saLoop(16, c.icb),
    saStride("LD", "IBUF", 16, c.h * line),
    saStride("WR", "IBUF", 16, tileH * wp),
    saLoop(17, tileH),
    saStride("LD", "IBUF", 17, line),
    saStride("WR", "IBUF", 17, wp),
    saLd("IBUF", 17, wp),
    pad(BUFFER.IBUF, [[17, 5]], c.pads, c.pads + c.h, c.zero),
    pad(BUFFER.IBUF, [[31]], c.pads, c.pads + c.w, c.zero),
    saBase("OBUF", BSS + 0x4000),
    saStride("ST", "OBUF", 5, tileOh * ow * LANES * 4),
    saLoop(18, tileOh),
    saStride("ST", "OBUF", 18, ow * LANES * 4),
    saStride("RD", "OBUF", 18, ow),
    saSt(18, ow * 4),
    pad(BUFFER.OBUF, [[18, 5]], 0, oh, 0),
  );
  return { region, oh, ow };
}

describe("convolution", () => {
  const cases: readonly (readonly [Conv, number])[] = [
    [{ h: 7, w: 7, icb: 2, k: 3, stride: 1, pads: 1, zero: -3 }, 7],
    [{ h: 9, w: 7, icb: 2, k: 3, stride: 2, pads: 1, zero: 5 }, 2],
    [{ h: 8, w: 8, icb: 1, k: 1, stride: 2, pads: 0, zero: 0 }, 3],
    [{ h: 6, w: 9, icb: 3, k: 5, stride: 1, pads: 2, zero: -128 }, 4],
  ];
  it.each(cases)("%j in tiles of %i output rows equals the direct loops", (c, tileOh) => {
    const weights = randomBytes(c.icb * c.k * c.k * LANES * LANES);
    for (let k = 0; k < weights.length; k += LANES) if (random(0, 2) === 0) weights.fill(0, k, k + LANES);
    const bias = Int32Array.from({ length: LANES }, () => random(-5000, 5000));
    const x = randomBytes(c.icb * c.h * c.w * LANES);
    const { region, oh, ow } = convWords(c, tileOh, weights.length);
    const shape = [c.icb, c.h, c.w, LANES];
    const p = program({
      words: blocks([region]),
      rodata: concat(bytesOf(weights), bytesOf(bias)),
      inputs: [place("x", "int8", shape, BSS, 8)],
      outputs: [place("y", "int32", [oh, ow, LANES], BSS + 0x4000, 32)],
    });
    const { outputs, stats } = p.run({ x: { type: "int8", shape, data: x } });
    expect(outputs.y.data).toEqual(conv(c, x, weights, bias));
    expect(stats.activeMacs).toBeLessThanOrEqual(stats.macs);
    expect(stats.dramWritten.get("OBUF")).toBe(oh * ow * LANES * 4);
  });
});

describe("fused block", () => {
  it("requantizes every tile of a GEMM by MUL, CAST, ST", () => {
    const [rows, tile] = [12, 4];
    const w = randomBytes(64);
    const x = randomBytes(rows * LANES);
    const multipliers = Int32Array.from({ length: LANES }, (_, i) => 1 << (18 + (i % 5)));
    const words = blocks([
      systolic(
        saLoop(1, rows / tile),
        saLoop(8, tile),
        saStride("RD", "IBUF", 8, 1),
        saStride("WR", "OBUF", 8, 1),
        saLoadAll("WBUF", 14, RODATA, 1),
        saLoadAll("IBUF", 16, BSS, tile),
        saStride("LD", "IBUF", 1, tile * LANES),
      ),
      simd(
        dae("ld", "VMEM1", { address: RODATA + 64, bits: 32, bytes: 32 }),
        [{ op: "config_fxp32", dst_bits: 31, src1_bits: 31, src2_bits: 1 }],
        imm(0, 3),
        iter("OBUF", 0, 0, 1),
        iter("VMEM1", 0, 0, 0),
        iter("VMEM2", 0, 0, 1),
        level(0, tile, bind(["VMEM2", 0], ["OBUF", 0], ["VMEM1", 0]), bind(["VMEM2", 0], ["VMEM2", 0], ["IMM", 0])),
        nest(1, 2),
        vec("mul", ["VMEM2", 0], ["OBUF", 0], ["VMEM1", 0]),
        vec("cast_fxp32_fxp8", ["VMEM2", 0], ["VMEM2", 0], ["IMM", 0]),
        [{ op: "sync_end", unit: 1, buf: 1, group: 0 }],
        dae("st", "VMEM2", {
          address: BSS + 0x1000,
          bits: 8,
          bytes: tile * LANES,
          base: [[0, rows / tile, tile * LANES]],
        }),
      ),
    ]);
    const p = program({
      words,
      rodata: concat(bytesOf(w), bytesOf(multipliers)),
      inputs: [place("x", "int8", [rows, LANES], BSS, 8)],
      outputs: [place("y", "float32", [rows, LANES], BSS + 0x1000, 8, 0.5, 3)],
    });
    const { outputs, stats } = p.run({ x: { type: "int8", shape: [rows, LANES], data: x } });
    const acc = gemm(x, w, new Int32Array(LANES), rows, LANES);
    const away = (v: number) => Math.sign(v) * Math.round(Math.abs(v));
    const expected = Float32Array.from(acc, (a, i) => {
      const scaled = away((a * multipliers[i % LANES]) / 2 ** 30);
      return 0.5 * (Math.min(127, Math.max(-128, away(scaled / 8))) - 3);
    });
    expect(outputs.y.data).toEqual(expected);
    expect(stats.tiles).toBe(3);
    expect(stats.dramRead.get("VMEM1")).toBe(32);
    expect(stats.issues.get("mul")).toBe(rows);
  });
});

describe("PACK", () => {
  it.each([0, 3, 5])("fills a window from bank %i by runs of KW·IC bytes from tight NHWC, padded by bounds", (bank) => {
    const [h, w, ic, k, stride, zero] = [7, 6, 3, 3, 2, -7];
    const [oh, ow] = [4, 3];
    const run = k * ic;
    const windowRows = Math.ceil((bank + k * run) / LANES);
    const x = randomBytes(h * w * ic);
    const flat = randomBytes(k * k * ic * LANES);
    const weights = new Int8Array(windowRows * 64);
    weights.set(flat, bank * LANES);
    const tileOh = 2;
    const words = blocks([
      systolic(
        saLoop(5, oh / tileOh),
        saLoop(9, windowRows),
        saReduction(9),
        saLoop(12, tileOh),
        saLoop(13, ow),
        saStride("RD", "WBUF", 9, 1),
        saStride("RD", "IBUF", 9, 1),
        saStride("RD", "IBUF", 12, ow * windowRows),
        saStride("RD", "IBUF", 13, windowRows),
        saStride("WR", "OBUF", 12, ow),
        saStride("WR", "OBUF", 13, 1),
        saLoadAll("WBUF", 14, RODATA, windowRows),
        [{ op: "pack", run, bank }],
        saBase("IBUF", BSS - w * ic - ic),
        saStride("LD", "IBUF", 5, tileOh * stride * w * ic),
        saLoop(20, tileOh),
        saStride("LD", "IBUF", 20, stride * w * ic),
        saStride("WR", "IBUF", 20, ow * windowRows),
        saLoop(21, ow),
        saStride("LD", "IBUF", 21, stride * ic),
        saStride("WR", "IBUF", 21, windowRows),
        saLoop(22, k),
        saStride("LD", "IBUF", 22, w * ic),
        saLd("IBUF", 22, windowRows),
        pad(BUFFER.IBUF, [[22, 5], [20]], 1, 1 + h, zero),
        pad(BUFFER.IBUF, [[31], [21]], ic, ic + w * ic, zero),
        saBase("OBUF", BSS + 0x1000),
        saStride("ST", "OBUF", 5, tileOh * ow * LANES * 4),
        saStride("ST", "OBUF", 18, 0),
        saSt(18, tileOh * ow * 4),
      ),
    ]);
    const p = program({
      words,
      rodata: bytesOf(weights),
      inputs: [place("x", "int8", [h, w, ic], BSS, 8)],
      outputs: [place("y", "int32", [oh, ow, LANES], BSS + 0x1000, 32)],
    });
    const { outputs } = p.run({ x: { type: "int8", shape: [h, w, ic], data: x } });
    const expected = Int32Array.from({ length: oh * ow * LANES }, (_, n) => {
      const [m, z, y] = [n % LANES, Math.floor(n / LANES) % ow, Math.floor(n / LANES / ow)];
      let sum = 0;
      for (let i = 0; i < k; i++) {
        for (let j = 0; j < k; j++) {
          for (let c = 0; c < ic; c++) {
            const [r, s] = [y * stride + i - 1, z * stride + j - 1];
            const a = r >= 0 && r < h && s >= 0 && s < w ? x[(r * w + s) * ic + c] : zero;
            sum += a * flat[((i * k + j) * ic + c) * LANES + m];
          }
        }
      }
      return sum;
    });
    expect(outputs.y.data).toEqual(expected);
  });
});

describe("IBUF from the SIMD side", () => {
  it("feeds the next GEMM without DRAM", () => {
    const w = randomBytes(64);
    const x = randomBytes(5 * LANES);
    const words = blocks(
      [
        simd(
          dae("ld", "VMEM1", { address: BSS, bits: 8, bytes: 5 * LANES }),
          iter("VMEM1", 0, 0, 1),
          iter("IBUF", 0, 3, 1),
          level(0, 5, bind(["IBUF", 0], ["VMEM1", 0])),
          nest(1, 1),
          vec("not", ["IBUF", 0], ["VMEM1", 0]),
        ),
      ],
      [
        systolic(
          saLoop(7, 2),
          saStride("RD", "IBUF", 7, 3),
          saStride("WR", "OBUF", 7, 1),
          saLoop(8, 2),
          saStride("RD", "IBUF", 8, 1),
          saStride("WR", "OBUF", 8, 2),
          saLoadAll("WBUF", 14, RODATA, 1),
          saBase("OBUF", BSS + 0x1000),
          saStride("ST", "OBUF", 18, 0),
          saSt(18, 16),
        ),
      ],
    );
    const spec = {
      words,
      rodata: bytesOf(w),
      inputs: [place("x", "int8", [5, LANES], BSS, 8)],
      outputs: [place("y", "int32", [4, LANES], BSS + 0x1000, 32)],
    };
    expect(() => program(spec).run({ x: { type: "int8", shape: [5, LANES], data: x } })).toThrow(/IBUF row 0/);
    const shifted = words.map((i) => (i.op === "iter_base_signext" && i.ns === NS.IBUF ? { ...i, imm: 0 } : i));
    const { outputs } = program({ ...spec, words: shifted }).run({ x: { type: "int8", shape: [5, LANES], data: x } });
    const rows = [0, 3, 1, 4].flatMap((r) => [...x.subarray(r * LANES, (r + 1) * LANES)]);
    const inverted = Int8Array.from(rows, (v) => ~v);
    expect(outputs.y.data).toEqual(gemm(inverted, w, new Int32Array(LANES), 4, LANES));
  });
});
