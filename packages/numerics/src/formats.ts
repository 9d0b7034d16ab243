import { type Minifloat, minifloat } from "./minifloat.js";

const ieeeLike = { subnormals: true, special: "ieee", signedZero: true } as const;
/** The accelerator's own formats: no subnormals, no negative zero, all ones is the merged Inf/NaN. */
const dlLike = { subnormals: false, special: "allOnes", signedZero: false } as const;

/** FP16 of the accelerator: DLFloat 1-6-9, bias 31. */
export const DLFLOAT16 = minifloat({ name: "dlfloat16", exponentBits: 6, mantissaBits: 9, bias: 31, ...dlLike });

/** HFP8 backward, 1-5-2, bias 15. */
export const FP8_152 = minifloat({ name: "fp8-152", exponentBits: 5, mantissaBits: 2, bias: 15, ...dlLike });

/** FP9, 1-5-3, bias 15: what FP8 operands widen to inside the multiplier. */
export const FP9_153 = minifloat({ name: "fp9-153", exponentBits: 5, mantissaBits: 3, bias: 15, ...dlLike });

export const BFLOAT16 = minifloat({ name: "bfloat16", exponentBits: 8, mantissaBits: 7, bias: 127, ...ieeeLike });
export const BINARY16 = minifloat({ name: "binary16", exponentBits: 5, mantissaBits: 10, bias: 15, ...ieeeLike });

/** The ONNX FLOAT8 types. */
export const FLOAT8E5M2 = minifloat({ name: "float8e5m2", exponentBits: 5, mantissaBits: 2, bias: 15, ...ieeeLike });
export const FLOAT8E4M3FN = minifloat({
  ...{ name: "float8e4m3fn", exponentBits: 4, mantissaBits: 3, bias: 7 },
  ...{ subnormals: true, special: "allOnes", signedZero: true },
});
const fnuz = { subnormals: true, special: "negativeZero", signedZero: false } as const;
export const FLOAT8E4M3FNUZ = minifloat({ name: "float8e4m3fnuz", exponentBits: 4, mantissaBits: 3, bias: 8, ...fnuz });
export const FLOAT8E5M2FNUZ = minifloat({
  name: "float8e5m2fnuz",
  exponentBits: 5,
  mantissaBits: 2,
  bias: 16,
  ...fnuz,
});

/** Default effective bias of FP8 1-4-3: 4 more than the usual 7, nominal range 2^−11 … 30. */
export const FP8_DEFAULT_BIAS = 11;

const byBias = new Map<number, Minifloat>();

/** HFP8 forward, 1-4-3 with an effective bias of 0 to 31, else RangeError: finite codes only, code 0 is zero. */
export function fp8(bias = FP8_DEFAULT_BIAS): Minifloat {
  if (!Number.isInteger(bias) || bias < 0 || bias > 31) throw new RangeError(`FP8 bias ${bias} is not in 0..31`);
  let f = byBias.get(bias);
  if (!f) {
    const shape = { subnormals: false, special: "none", signedZero: false } as const;
    f = minifloat({ name: `fp8-143-b${bias}`, exponentBits: 4, mantissaBits: 3, bias, ...shape });
    byBias.set(bias, f);
  }
  return f;
}
