import { describe, expect, it } from "vitest";
import { multiplyBlock, scanBlock } from "../src/array.js";
import { randoms } from "./build.js";

const random = randoms(20261120);

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
  it.each(shapes)("%i × %i, %i rows, equals the direct sum, extremes and wrap included", (rows, columns, count) => {
    for (const extreme of [true, false]) {
      const value = () => (extreme ? [-128, 127][random(0, 1)] : random(-128, 127));
      const weights = Int8Array.from({ length: rows * columns + 3 }, value);
      for (let k = 0; k < rows; k++) if (random(0, 3) === 0) weights.fill(0, 3 + k * columns, 3 + (k + 1) * columns);
      if (extreme) weights.fill(-128, 3);
      const inputs = Int8Array.from({ length: (count + 2) * rows }, extreme ? () => -128 : value);
      const out = Int32Array.from({ length: (count + 1) * columns }, () => random(0x7ffffff0, 0x7fffffff));
      const expected = Int32Array.from(out);
      const order = Int32Array.from({ length: count }, (_, i) => (i * 5) % count);
      for (let i = 0; i < count; i++) {
        for (let m = 0; m < columns; m++) {
          let sum = 0;
          for (let k = 0; k < rows; k++) sum += inputs[(2 + order[i]) * rows + k] * weights[3 + k * columns + m];
          expected[(1 + i) * columns + m] += sum;
        }
      }
      const block = scanBlock(weights, 3, rows, columns);
      const sums = new Float64Array((columns + 1) >> 1);
      const outputs = Int32Array.from({ length: count }, (_, i) => i);
      const pass = { count, input: 2, inputs: order, output: 1, outputs };
      multiplyBlock({ rows, columns, sums }, block, weights, 3, inputs, out, pass);
      expect(out).toEqual(expected);
      const nonZero = Array.from({ length: rows }, (_, k) => weights.subarray(3 + k * columns, 3 + (k + 1) * columns));
      expect(block.nonZero).toBe(nonZero.filter((row) => row.some((w) => w !== 0)).length);
    }
  });
});
