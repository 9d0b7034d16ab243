/** Codes of minifloats as binary64 numbers. */
import type { Minifloat } from "@accelc/numerics";
import { decodeFloats, promote } from "./dlfloat-code.js";
import type { Code } from "./wasm.js";
import { add, countDown } from "./widen-code.js";

/**
 * Values that stand for what is no number, by format and by the parity of the element: no such product cancels another one,
 * each is far beyond DLFloat, and times 0 it is 0.
 */
export const NOT_A_NUMBER = { a: [2 ** 150, 2 ** 500], w: [2 ** 250, 2 ** 600] } as const;

/** Four codes at the address on the stack, in 32-bit lanes. */
function loadCodes(code: Code, f: Minifloat): void {
  if (f.bits === 16) {
    code.memory("v128.load16x4_u");
    return;
  }
  code.memory("v128.load32_zero");
  code.op("i16x8.extend_low_i8x16_u", "i32x4.extend_low_i16x8_u");
}

/** Widens `count` codes, a multiple of 4, by `offset` (decodeFloats). `stands`: locals of what stands for no number in the lower and the upper two of four. */
export function widen(
  code: Code,
  f: Minifloat,
  offset: number,
  count: number,
  from: number,
  to: number,
  stands: readonly [number, number],
): void {
  const left = code.local("i32");
  const [codes, temp, low, high] = Array.from({ length: 4 }, () => code.local("v128"));
  code.const32(count / 4);
  code.set(left);
  code.repeat(
    () => {
      code.get(from);
      loadCodes(code, f);
      code.set(codes);
      decodeFloats(code, f, codes, temp, offset);
      promote(code, temp, low, high);
      [low, high].forEach((half, i) => {
        code.get(to);
        code.get(half);
        if (f.special === "allOnes") {
          code.get(stands[i]);
          code.get(half);
          code.get(half);
          code.op("f64x2.eq", "v128.bitselect");
        }
        code.memory("v128.store", 16 * i);
      });
      add(code, from, (4 * f.bits) / 8);
      add(code, to, 32);
    },
    countDown(code, left),
  );
}
