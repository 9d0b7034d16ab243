/** Conversions between fixed point, DLFloat and FP8 on four lanes. What an IMM slot holds is known when the code is written. */
import { FP8_152_SLOT } from "@accelc/isa";
import { DLFLOAT16, FP8_152, fp8, type Ties } from "@accelc/numerics";
import {
  constantF64,
  decodeFloats,
  encodeCodes,
  encodeFloats,
  roundingConstants,
  roundToDlfloat,
} from "./dlfloat-code.js";
import { type LaneCode, MAX, type Variant } from "./lane-mul.js";

const SIGN = 0x80000000 | 0;
const TOP = 2 ** 15 - 1;
const bitsOf = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0];

/** Ten significant bits: adding a half is exact wherever it matters, as a number of 2^9 and more is whole. */
const toFixed =
  (shift: number): LaneCode =>
  ({ code, a, temp }) => {
    decodeFloats(code, DLFLOAT16, a, temp(0));
    code.splat(bitsOf(2 ** shift));
    code.op("f32x4.mul");
    code.set(temp(1));
    code.get(temp(1));
    code.get(temp(1));
    code.splat(SIGN);
    code.op("v128.and");
    code.splat(bitsOf(0.5));
    code.op("v128.or", "f32x4.add", "i32x4.trunc_sat_f32x4_s");
    code.splat(MAX);
    code.get(temp(1));
    code.get(temp(1));
    code.op("f32x4.eq", "v128.bitselect");
  };

const fromFixed =
  (shift: number, ties: Ties): LaneCode =>
  ({ code, a, temp }) => {
    const scale = constantF64(code, 2 ** -shift);
    const r = roundingConstants(code, ties);
    [temp(0), temp(1)].forEach((to, high) => {
      code.get(a);
      if (high === 1) {
        code.get(a);
        code.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
      }
      code.op("f64x2.convert_low_i32x4_s");
      code.get(scale);
      code.op("f64x2.mul");
      code.set(to);
      roundToDlfloat(code, r, to, [temp(2), temp(3)]);
      code.set(to);
    });
    encodeCodes(code, temp(0), temp(1), temp(2));
  };

const fp8Of = (slot: number) => (slot === FP8_152_SLOT ? FP8_152 : fp8(slot));

/** On the magnitudes as binary32 words, which are ordered like the numbers. */
const toFp8 =
  (slot: number): LaneCode =>
  ({ code, a, temp }) => {
    const f = fp8Of(slot);
    const dropped = 23 - f.mantissaBits;
    const [size, rounded] = [temp(0), temp(1)];
    decodeFloats(code, DLFLOAT16, a, temp(0));
    code.splat(~SIGN);
    code.op("v128.and");
    code.set(size);
    code.get(size);
    code.splat(2 ** (dropped - 1) - 1);
    code.op("i32x4.add");
    code.get(size);
    code.const32(dropped);
    code.op("i32x4.shr_u");
    code.splat(1);
    code.op("v128.and", "i32x4.add");
    code.splat(-(2 ** dropped));
    code.op("v128.and");
    code.splat(bitsOf(f.maxFinite));
    code.op("i32x4.min_s");
    code.set(rounded);
    code.splat(bitsOf(f.minPositive));
    code.get(size);
    code.splat(bitsOf(f.minPositive / 2));
    code.op("i32x4.gt_s", "v128.and");
    code.get(rounded);
    code.get(rounded);
    code.splat(bitsOf(f.minPositive));
    code.op("i32x4.lt_s", "v128.bitselect");
    code.tee(rounded);
    code.const32(dropped);
    code.op("i32x4.shr_u");
    code.splat((127 - f.bias) << f.mantissaBits);
    code.op("i32x4.sub");
    code.get(a);
    code.splat(0x8000);
    code.op("v128.and");
    code.const32(8);
    code.op("i32x4.shr_u", "v128.or");
    code.get(rounded);
    code.splat(0);
    code.op("i32x4.ne", "v128.and");
    code.splat(2 ** (f.bits - 1) - 1);
    code.get(a);
    code.splat(TOP);
    code.op("v128.and");
    code.splat(TOP);
    code.op("i32x4.ne", "v128.bitselect");
  };

const fromFp8 =
  (slot: number): LaneCode =>
  ({ code, a, temp }) => {
    decodeFloats(code, fp8Of(slot), a, temp(0));
    encodeFloats(code, temp(1));
  };

/** Code of a conversion, or undefined where `op` is none. */
export function floatVariant(op: string, slot: number | undefined, ties: Ties): Variant | undefined {
  if (slot === undefined) return undefined;
  const name = `${op}:${slot}`;
  if (op === "cast_fp16_fxp32") return [name, toFixed(slot)];
  if (op === "cast_fxp32_fp16") return [name, fromFixed(slot, ties)];
  if (op === "cast_fp16_fp8") return [name, toFp8(slot)];
  return op === "cast_fp8_fp16" ? [name, fromFp8(slot)] : undefined;
}
