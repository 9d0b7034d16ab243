import { bitsFp32, DLFLOAT16, decode, encode, fp32Bits, type Ties } from "@accelc/numerics";
import type { Datatype } from "./state.js";

/**
 * One vector operation on `lanes` lanes: dst[d + l] from a[ai + l·as] and b[bi + l·bs], as and bs being 0 for a scalar.
 * A kernel without src2 gets src1 twice.
 */
export type Lanes = (
  lanes: number,
  dst: Int32Array,
  d: number,
  a: Int32Array,
  ai: number,
  as: number,
  b: Int32Array,
  bi: number,
  bs: number,
) => void;

export interface Kernel {
  readonly run: Lanes;
  /** The shift slot of a cast is not read under this datatype. */
  readonly ignoresSlot?: true;
}

export interface KernelRow {
  /** Runs only on machines with special functions. */
  readonly special?: true;
  /** src2 is an IMM slot; the values it may hold. */
  readonly slot?: readonly [low: number, high: number];
  /** The operation under a datatype, or undefined where it has none. */
  readonly kernel: (type: Readonly<Datatype>, ties: Ties) => Kernel | undefined;
}

/** Lane by lane: dst = f(a, b, dst), all int32 words. */
export const lanewise =
  (f: (a: number, b: number, d: number) => number): Lanes =>
  (lanes, dst, d, a, ai, as, b, bi, bs) => {
    for (let l = 0; l < lanes; l++) dst[d + l] = f(a[ai + l * as], b[bi + l * bs], dst[d + l]);
  };

/** The same under every datatype. */
export const always = (run: Lanes): KernelRow => {
  const kernel: Kernel = { run };
  return { kernel: () => kernel };
};

export const isFloat = (type: Readonly<Datatype>): boolean => type.kind === "fp32" || type.kind === "fp16";

/** Codec of the float words of a datatype: numbers stand for exactly representable values. */
export interface FloatCodec {
  readonly decode: (word: number) => number;
  readonly encode: (value: number) => number;
}

export const binary32: FloatCodec = { decode: bitsFp32, encode: fp32Bits };

const DLFLOAT: { readonly [T in Ties]: FloatCodec } = {
  even: { decode: (w) => decode(DLFLOAT16, w & 0xffff), encode: (x) => encode(DLFLOAT16, x, "even") },
  up: { decode: (w) => decode(DLFLOAT16, w & 0xffff), encode: (x) => encode(DLFLOAT16, x, "up") },
};

/** DLFloat 1-6-9 in the low 16 bits. */
export const dlfloat = (ties: Ties): FloatCodec => DLFLOAT[ties];

export const floatCodec = (type: Readonly<Datatype>, ties: Ties): FloatCodec =>
  type.kind === "fp16" ? dlfloat(ties) : binary32;

export type FloatOp = (a: number, b: number, d: number, round: (x: number) => number) => number;

/** Integer words under fixed point; under 32FP and 16FP numbers, each rounded once (`round` rounds an inner result). */
export const arithmetic = (
  fixed: (type: Readonly<Datatype>) => Lanes,
  float: FloatOp,
  result: "number" | "integer" = "number",
): KernelRow => ({
  kernel: (type, ties) => {
    if (!isFloat(type)) return { run: fixed(type) };
    const { decode, encode } = floatCodec(type, ties);
    const round = (x: number) => decode(encode(x));
    const out = result === "integer" ? (x: number) => x | 0 : encode;
    return { run: lanewise((a, b, d) => out(float(decode(a), decode(b), decode(d), round))) };
  },
});

/** Fixed point only, in words. */
export const words = (f: (a: number, b: number, d: number) => number): (() => Lanes) => {
  const run = lanewise(f);
  return () => run;
};
