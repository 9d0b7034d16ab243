import type { Code } from "./wasm.js";

/** Byte i of the result is byte 8 i, or byte 2 i, of two vectors side by side; the rest is not read. */
const EVERY_8TH = [0, 8, 16, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const EVERY_2ND = [0, 2, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const FIRST_4 = [0, 1, 2, 3, 16, 17, 18, 19, 0, 0, 0, 0, 0, 0, 0, 0];

/** Words 2 i and 2 i + 1 of the vector at `offset` from `from`, joined in the lowest bits of each half. */
function joined(code: Code, bits: 2 | 4, vector: number, from: number, offset: number): void {
  code.get(from);
  code.memory("v128.load", offset);
  code.splat(2 ** bits - 1);
  code.op("v128.and");
  code.tee(vector);
  code.get(vector);
  code.const32(32 - bits);
  code.op("i64x2.shr_s", "v128.or");
}

/** The low bits of the 32 / `bits` words at `from`, in the first four bytes of a vector. */
export function packedWords(code: Code, bits: 2 | 4, from: number): void {
  const vector = code.local("v128");
  const eight = (offset: number) => {
    joined(code, bits, vector, from, offset);
    joined(code, bits, vector, from, offset + 16);
    code.shuffle(EVERY_8TH);
  };
  eight(0);
  if (bits === 4) return;
  eight(32);
  code.shuffle(FIRST_4);
  code.tee(vector);
  code.get(vector);
  code.const32(4);
  code.op("i64x2.shr_s", "v128.or");
  code.get(vector);
  code.shuffle(EVERY_2ND);
}

/** The low bits of the 8 / `bits` words at `from`, in one i32. */
export function packedByte(code: Code, bits: 2 | 4, from: number): void {
  for (let i = 0; i < 8 / bits; i++) {
    code.get(from);
    code.memory("i32.load", 4 * i);
    code.const32(2 ** bits - 1);
    code.op("i32.and");
    code.const32(bits * i);
    code.op("i32.shl");
    if (i > 0) code.op("i32.add");
  }
}
