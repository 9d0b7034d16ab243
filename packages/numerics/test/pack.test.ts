import { describe, expect, it } from "vitest";
import { pack, packedBytes, unpack, unpackUnsigned } from "../src/index.js";

describe("pack", () => {
  it("puts the first element in the low bits", () => {
    expect([...pack([1, -1, 7], 4)]).toEqual([0xf1, 0x07]);
    expect([...pack([1, -2, -1, 0, 1], 2)]).toEqual([0b00111001, 0b01]);
    expect([packedBytes(3, 4), packedBytes(5, 2), packedBytes(0, 2)]).toEqual([2, 2, 0]);
  });

  it("unpacks every byte to what packs to it", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const bits of [2, 4] as const) {
      const count = (256 * 8) / bits;
      const values = unpack(bytes, bits, count);
      expect([Math.min(...values), Math.max(...values)]).toEqual([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]);
      expect(pack(values, bits)).toEqual(bytes);
      expect(pack(unpackUnsigned(bytes, bits, count), bits)).toEqual(bytes);
    }
    expect(() => unpack(bytes, 4, 513)).toThrow(RangeError);
  });
});
