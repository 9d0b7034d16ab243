import { describe, expect, it } from "vitest";
import { multiplyBlock, scanBlock, unpackRows } from "../src/array.js";
import { randoms } from "./build.js";

const random = randoms(20261120);

/** Element i of a byte that holds `perByte`, low bits first, two's complement. */
function element(byte: number, i: number, perByte: number): number {
  const range = 2 ** (8 / perByte);
  const code = Math.floor((byte & 0xff) / range ** i) % range;
  return code >= range / 2 ? code - range : code;
}

describe("the array's inner product", () => {
  const shapes = [
    [8, 8, 1],
    [8, 8, 40],
    [7, 5, 9],
    [32, 32, 5],
    [32, 32, 64],
    [128, 128, 8],
    [1024, 6, 7],
  ] as const;
  const cases = shapes.flatMap(([r, c, n]) => [1, 2, 4].map((perByte) => [r, c, n, perByte] as const));
  it.each(cases)(
    "%i × %i, %i rows, %i elements per byte, equals the direct sum, extremes and wrap included",
    (rows, columns, count, perByte) => {
      for (const extreme of [true, false]) {
        const value = () => (extreme ? [-128, 127][random(0, 1)] : random(-128, 127));
        const weights = Int8Array.from({ length: rows * columns }, value);
        for (let k = 0; k < rows; k++) if (random(0, 3) === 0) weights.fill(0, k * columns, (k + 1) * columns);
        if (extreme) weights.fill(perByte === 1 ? -128 : perByte === 2 ? 0x88 : 0xaa);
        const inputs = Int8Array.from({ length: (count + 2) * rows }, extreme ? () => weights[0] : value);
        const out = Int32Array.from({ length: (count + 1) * columns }, () => random(0x7ffffff0, 0x7fffffff));
        const expected = Int32Array.from(out);
        const order = Int32Array.from({ length: count }, (_, i) => (i * 5) % count);
        const used = new Set<number>();
        for (let i = 0; i < count; i++) {
          for (let m = 0; m < columns; m++) {
            let sum = 0;
            for (let k = 0; k < rows * perByte; k++) {
              const [byte, part] = [Math.floor(k / perByte), k % perByte];
              const w = element(weights[byte * columns + m], part, perByte);
              if (w !== 0) used.add(k);
              sum += element(inputs[(2 + order[i]) * rows + byte], part, perByte) * w;
            }
            expected[(1 + i) * columns + m] += sum;
          }
        }
        const block = scanBlock(weights, perByte, columns);
        const sums = new Float64Array((columns + 1) >> 1);
        const outputs = Int32Array.from({ length: count }, (_, i) => i);
        const pass = { count, input: 2, inputs: order, output: 1, outputs };
        multiplyBlock({ rows: rows * perByte, columns, sums }, block, unpackRows(inputs, perByte, 1), out, pass);
        expect(out).toEqual(expected);
        expect(block.nonZero).toBe(used.size);
      }
    },
  );
});
