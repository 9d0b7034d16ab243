import { mulShiftSat } from "@accelc/numerics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Operand, type VectorOp, withShift } from "../src/vector-op.js";

const rows: Operand = { namespace: "VMEM1", row: 0, strides: [1] };
const mul = (immediate: number, shift: number): VectorOp => ({
  op: "mul",
  dst: rows,
  src1: rows,
  src2: { immediate },
  shift,
});
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const shifts = fc.integer({ min: 0, max: 62 });

describe("a product with an immediate under another shift", () => {
  it("is the same to the bit, or not possible", () => {
    let possible = 0;
    const small = fc.oneof(int32, fc.integer({ min: -4096, max: 4096 }));
    const property = fc.property(int32, small, shifts, shifts, (x, m, from, to) => {
      const other = withShift(mul(m, from), to);
      if (!other) return;
      possible++;
      const { immediate } = other.src2 as { readonly immediate: number };
      expect(mulShiftSat(x, immediate, to)).toBe(mulShiftSat(x, m, from));
    });
    fc.assert(property, { seed: 1, numRuns: 20_000 });
    expect(possible).toBeGreaterThan(1000);
  });

  it("stays as it is without an immediate", () => {
    const square: VectorOp = { op: "mul", dst: rows, src1: rows, src2: rows, shift: 4 };
    expect(withShift(square, 5)).toBeUndefined();
    expect(withShift(square, 4)).toBe(square);
    expect(withShift(mul(3, 4), 3)).toBeUndefined();
    expect(withShift(mul(2 ** 30, 4), 5)).toBeUndefined();
  });
});
