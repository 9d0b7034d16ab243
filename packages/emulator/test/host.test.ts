import type { TensorPlace } from "@accelc/isa";
import { describe, expect, it } from "vitest";
import { BSS, blocks, dae, place, program, simd } from "./build.js";

const OUT = BSS + 0x4000;
const copy = (bits: number, bytes: number) =>
  blocks(
    [simd(dae("ld", "VMEM1", { address: BSS, bits, bytes }))],
    [simd(dae("ld", "VMEM1", { address: BSS, bits, bytes }), dae("st", "VMEM1", { address: OUT, bits, bytes }))],
  );

describe("host tensors", () => {
  it("quantizes floats to nearest even, clamped, and dequantizes", () => {
    const p = program({
      words: copy(8, 8),
      inputs: [place("x", "float32", [8], BSS, 8, 0.5, -10)],
      outputs: [place("y", "float32", [8], OUT, 8, 0.25, 1)],
    });
    const data = Float32Array.of(0, 0.25, 0.75, -0.25, 1000, -1000, Number.POSITIVE_INFINITY, 3.5);
    const { outputs } = p.run({ x: { type: "float32", shape: [8], data } });
    const q = [-10, -10, -8, -10, 127, -128, 127, -3];
    expect([...outputs.y.data]).toEqual(q.map((v) => (v - 1) * 0.25));
  });

  it("carries integers exactly through a zero point, and bool as 0 or 1", () => {
    const p = program({
      words: copy(8, 8),
      inputs: [place("x", "uint8", [4], BSS, 8, 1, -128), place("b", "bool", [4], BSS + 4, 8)],
      outputs: [place("y", "uint8", [4], OUT, 8, 1, -128), place("c", "bool", [4], OUT + 4, 8)],
    });
    const { outputs } = p.run({
      x: { type: "uint8", shape: [4], data: Uint8Array.of(0, 1, 128, 255) },
      b: { type: "bool", shape: [4], data: Uint8Array.of(0, 1, 7, 0) },
    });
    expect(outputs.y.data).toEqual(Uint8Array.of(0, 1, 128, 255));
    expect(outputs.c.data).toEqual(Uint8Array.of(0, 1, 1, 0));
  });

  it("moves 64-bit integers whole", () => {
    const p = program({
      words: copy(32, 16),
      inputs: [place("x", "int64", [2], BSS, 64)],
      outputs: [place("y", "int64", [2], OUT, 64)],
    });
    const data = BigInt64Array.of(-(2n ** 63n), 2n ** 62n + 5n);
    expect(p.run({ x: { type: "int64", shape: [2], data } }).outputs.y.data).toEqual(data);
  });

  it("carries floats as binary32 words where a place is raw", () => {
    const p = program({
      words: copy(32, 32),
      inputs: [{ ...place("x", "float32", [8], BSS, 32), raw: true }],
      outputs: [
        { ...place("y", "float32", [8], OUT, 32), raw: true },
        { ...place("h", "float16", [8], OUT, 32), raw: true },
      ],
    });
    const { NaN: nan, POSITIVE_INFINITY: high, NEGATIVE_INFINITY: low } = Number;
    const data = Float32Array.of(nan, high, low, -0, 1e-45, 3.4e38, 0.1, 65520);
    const { outputs } = p.run({ x: { type: "float32", shape: [8], data } });
    expect(new Int32Array((outputs.y.data as Float32Array).buffer)).toEqual(new Int32Array(data.buffer));
    expect(outputs.h.data).toEqual(Uint16Array.of(0x7e00, 0x7c00, 0xfc00, 0x8000, 0, 0x7c00, 0x2e66, 0x7c00));
  });

  it("has no data for tensors without elements", () => {
    const empty = { ...place("x", "float32", [0, 3], BSS, 32), bytes: 0 };
    const p = program({ words: copy(32, 32), inputs: [empty], outputs: [{ ...empty, name: "y" }] });
    const { outputs } = p.run({ x: { type: "float32", shape: [0, 3], data: new Float32Array(0) } });
    expect(outputs.y).toEqual({ type: "float32", shape: [0, 3], data: new Float32Array(0) });
  });

  it("scatters by layout: N, ⌈C/8⌉, H·W, 8 lanes", () => {
    const [c, hw] = [11, 3];
    const blocked: TensorPlace = {
      ...place("x", "int8", [1, c, hw], BSS, 8),
      bytes: 48,
      layout: [
        { axis: 0, div: 1, extent: 1, stride: 48 },
        { axis: 1, div: 8, extent: 2, stride: 24 },
        { axis: 1, div: 1, extent: 8, stride: 1 },
        { axis: 2, div: 1, extent: hw, stride: 8 },
      ],
    };
    const p = program({
      words: copy(8, 48),
      inputs: [blocked],
      outputs: [place("raw", "int8", [48], OUT, 8), { ...blocked, name: "y", address: OUT }],
    });
    const data = Int8Array.from({ length: c * hw }, (_, i) => i + 1);
    const { outputs } = p.run({ x: { type: "int8", shape: [1, c, hw], data } });
    expect(outputs.y.data).toEqual(data);
    const raw = Int8Array.from({ length: 48 }, (_, i) => {
      const [lane, at, block] = [i % 8, Math.floor(i / 8) % hw, Math.floor(i / 24)];
      return block * 8 + lane < c ? (block * 8 + lane) * hw + at + 1 : 0;
    });
    expect(outputs.raw.data).toEqual(raw);
  });

  it("runs k samples, sharing inputs of the model's own shape, and stacks outputs", () => {
    const p = program({
      words: copy(8, 8),
      inputs: [place("x", "int8", [1, 4], BSS, 8), place("c", "int8", [4], BSS + 4, 8)],
      outputs: [place("y", "int8", [1, 8], OUT, 8)],
    });
    const seen: string[] = [];
    const result = p.run(
      {
        x: { type: "int8", shape: [2, 4], data: Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
        c: { type: "int8", shape: [4], data: Int8Array.of(9, 9, 9, 9) },
      },
      {
        onBlockEnd: (block, read, sample) =>
          seen.push(`${sample}.${block}:${read(place("y", "int8", [1, 8], OUT, 8))}`),
      },
    );
    expect(result.samples).toBe(2);
    expect(result.outputs.y).toEqual({
      type: "int8",
      shape: [2, 8],
      data: Int8Array.of(1, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 8, 9, 9, 9, 9),
    });
    expect(seen).toEqual(["0.0:0,0,0,0,0,0,0,0", "0.1:1,2,3,4,9,9,9,9", "1.0:0,0,0,0,0,0,0,0", "1.1:5,6,7,8,9,9,9,9"]);
  });

  it("a session runs again and again, and shows DRAM", () => {
    const x = place("x", "int8", [4], BSS, 8);
    const p = program({ words: copy(8, 4), inputs: [x], outputs: [place("y", "int8", [4], OUT, 8)] });
    const session = p.session();
    for (const v of [1, 2]) {
      const data = new Int8Array(4).fill(v);
      expect(session.run({ x: { type: "int8", shape: [4], data } }).outputs.y.data).toEqual(data);
      expect(session.readTensor(x)).toEqual(new Int32Array(4).fill(v));
    }
    expect(session.arena.length).toBe(0x8000);
  });
});
