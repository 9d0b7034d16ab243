import type { Datatype } from "../state.js";
import type { Code, PlainOp } from "./wasm.js";

/** What the code of an operation may use: locals of the operands (v128, four lanes), and registers set before the nest. */
export interface LaneContext {
  readonly code: Code;
  readonly a: number;
  readonly b: number;
  readonly d: number;
  /** Scratch v128 locals. */
  readonly temp: (i: number) => number;
  /** i32 local: shift of the datatype. */
  readonly shift: number;
  /** v128 local: 2^(shift − 1) + 2^63 in both 64-bit lanes. */
  readonly half: number;
  /** v128 local: 2^63 >> shift in both 64-bit lanes. */
  readonly bias: number;
  /** i32 local: the IMM slot of src2, where src2 is one. */
  readonly slot: number;
}

/** Leaves the result of four lanes on the stack. */
export type LaneCode = (c: LaneContext) => void;

export const MAX = 0x7fffffff;

export const binary =
  (op: PlainOp): LaneCode =>
  ({ code, a, b }) => {
    code.get(a);
    code.get(b);
    code.op(op);
  };

/** MAX or −2^31 by the sign of the words on the stack. */
export const extreme = (code: Code): void => {
  code.const32(31);
  code.op("i32x4.shr_s");
  code.splat(MAX);
  code.op("v128.xor");
};

const LOW_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const HIGH_WORDS = LOW_WORDS.map((i) => i + 4);

/** saturate32 of the 64-bit lanes in locals `low` and `high`. */
const saturateWide = ({ code, temp }: LaneContext, low: number, high: number): void => {
  const words = (lanes: readonly number[], to: number) => {
    code.get(low);
    code.get(high);
    code.shuffle(lanes);
    code.set(to);
  };
  words(LOW_WORDS, temp(3));
  words(HIGH_WORDS, temp(4));
  code.get(temp(3));
  code.get(temp(4));
  extreme(code);
  code.get(temp(3));
  code.const32(31);
  code.op("i32x4.shr_s");
  code.get(temp(4));
  code.op("i32x4.eq", "v128.bitselect");
};

/**
 * Shifts of 1..62: (p + 2^(s−1) − [p < 0]) >> s rounds to the nearest, ties away from zero. Hosts shift 64-bit lanes without
 * sign only, so the sum carries a bias of 2^63, and the result one of 2^(63−s).
 */
const scaledMul: LaneCode = (c) => {
  const { code, a, b, temp, half, bias, shift } = c;
  const scaled = (op: PlainOp, to: number) => {
    code.get(a);
    code.get(b);
    code.op(op);
    code.tee(temp(0));
    code.get(half);
    code.op("i64x2.add");
    code.splat(0);
    code.get(temp(0));
    code.op("i64x2.gt_s", "i64x2.add");
    code.get(shift);
    code.op("i64x2.shr_u");
    code.get(bias);
    code.op("i64x2.sub");
    code.set(to);
  };
  scaled("i64x2.extmul_low_i32x4_s", temp(1));
  scaled("i64x2.extmul_high_i32x4_s", temp(2));
  saturateWide(c, temp(1), temp(2));
};

const saturatedMul: LaneCode = (c) => {
  binary("i64x2.extmul_low_i32x4_s")(c);
  c.code.set(c.temp(1));
  binary("i64x2.extmul_high_i32x4_s")(c);
  c.code.set(c.temp(2));
  saturateWide(c, c.temp(1), c.temp(2));
};

export type Variant = readonly [name: string, code: LaneCode];

export function mulVariant({ wrap, shift }: Readonly<Datatype>): Variant | undefined {
  if (wrap) return ["mul:wrap", binary("i32x4.mul")];
  if (shift === 0) return ["mul:0", saturatedMul];
  return shift >= 1 && shift <= 62 ? ["mul:s", scaledMul] : undefined;
}
