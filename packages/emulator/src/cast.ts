import { FP8_152_SLOT } from "@accelc/isa";
import { BFLOAT16, ceilShift, decode, encode, FP8_152, floorShift, fp8, widenShift } from "@accelc/numerics";
import { always, binary32, dlfloat, isFloat, type KernelRow, type Lanes, lanewise } from "./kernel.js";

const SHIFTS = [0, 31] as const;
const FLOAT_SHIFTS = [-64, 64] as const;
const shifted = (f: (x: number, shift: number) => number): KernelRow => ({ ...always(lanewise(f)), slot: SHIFTS });

/** saturate(round(x / 2^shift), bits), ties away from zero, on the magnitude as an unsigned 32-bit number. */
const narrow = (bits: number): KernelRow => {
  const high = 2 ** (bits - 1) - 1;
  const low = -high - 1;
  return shifted((x, shift) => {
    if (shift === 0) return Math.min(high, Math.max(low, x));
    const sign = x >> 31;
    const magnitude = (x ^ sign) - sign;
    const t = ((magnitude >>> (shift - 1)) + 1) >>> 1;
    return Math.min(high, Math.max(low, (t ^ sign) - sign));
  });
};
const widen = (bits: number) => shifted((x, shift) => widenShift(x, shift, bits));

/** Fixed point works on the bits above the shift; 32FP on the number; 16FP has none. */
const integerPart = (fixed: (x: number, shift: number) => number, float: (x: number) => number): KernelRow => {
  const onWords: Lanes = lanewise(fixed);
  const onNumbers: Lanes = lanewise((a) => binary32.encode(float(binary32.decode(a))));
  return {
    slot: SHIFTS,
    kernel: (type) => {
      if (!isFloat(type)) return { run: onWords };
      return type.kind === "fp32" ? { run: onNumbers, ignoresSlot: true } : undefined;
    },
  };
};

const toFp16: KernelRow = {
  kernel: (_, ties) => {
    const { encode } = dlfloat(ties);
    return { run: lanewise((a) => encode(binary32.decode(a))) };
  },
};

const fromFp16: KernelRow = {
  kernel: (_, ties) => {
    const { decode } = dlfloat(ties);
    return { run: lanewise((a) => binary32.encode(decode(a))) };
  },
};

const INT32_MAX = 2 ** 31 - 1;

/** saturate32(round(x 2^shift)), ties away from zero; the double is exact. */
const fp16ToFixed: KernelRow = {
  ...always(
    lanewise((word, shift) => {
      const x = dlfloat("even").decode(word) * 2 ** shift;
      if (Number.isNaN(x)) return INT32_MAX;
      const magnitude = Math.floor(Math.abs(x) + 0.5);
      return Math.max(-INT32_MAX - 1, Math.min(INT32_MAX, x < 0 ? -magnitude : magnitude));
    }),
  ),
  slot: FLOAT_SHIFTS,
};

const fixedToFp16: KernelRow = {
  kernel: (_, ties) => ({ run: lanewise((x, shift) => dlfloat(ties).encode(x / 2 ** shift)) }),
  slot: FLOAT_SHIFTS,
};

const fp8Of = (slot: number) => (slot === FP8_152_SLOT ? FP8_152 : fp8(slot));

const fp16ToFp8: KernelRow = {
  ...always(lanewise((word, slot) => encode(fp8Of(slot), dlfloat("even").decode(word), "even", true))),
  slot: [0, FP8_152_SLOT],
};

const fp8ToFp16: KernelRow = {
  ...always(lanewise((word, slot) => dlfloat("even").encode(decode(fp8Of(slot), word)))),
  slot: [0, FP8_152_SLOT],
};

/** DATATYPE_CAST words (opcode 3). */
export const CAST = {
  cast_fxp32_fxp16: narrow(16),
  cast_fxp32_fxp8: narrow(8),
  cast_fxp32_fxp4: narrow(4),
  cast_fxp16_fxp32: widen(16),
  cast_fxp8_fxp32: widen(8),
  cast_fxp4_fxp32: widen(4),
  cast_fp32_fp16: toFp16,
  cast_fp16_fp32: fromFp16,
  floor: integerPart(floorShift, Math.floor),
  ceil: integerPart(ceilShift, Math.ceil),
  cast_fp32_bf16: always(lanewise((a) => encode(BFLOAT16, binary32.decode(a), "even"))),
  cast_bf16_fp32: always(lanewise((a) => a << 16)),
  cast_fp16_fxp32: fp16ToFixed,
  cast_fxp32_fp16: fixedToFp16,
  cast_fp16_fp8: fp16ToFp8,
  cast_fp8_fp16: fp8ToFp16,
} as const;
