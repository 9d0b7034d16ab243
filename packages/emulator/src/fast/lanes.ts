import type { Op } from "@accelc/isa";
import type { Ties } from "@accelc/numerics";
import type { Datatype } from "../state.js";
import { floatVariant } from "./lane-floats.js";
import { binary, extreme, type LaneCode, MAX, mulVariant, type Variant } from "./lane-mul.js";
import type { Code, PlainOp } from "./wasm.js";

const compare =
  (op: PlainOp): LaneCode =>
  (c) => {
    binary(op)(c);
    c.code.op("i32x4.neg");
  };

/** The quotient as a double is close enough to truncate; the saturating conversion gives what x / 0 asks for. */
const divide: LaneCode = ({ code, a, b }) => {
  const upper = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
  const half = (high: boolean) => {
    for (const x of [a, b]) {
      code.get(x);
      if (high) {
        code.get(x);
        code.shuffle(upper);
      }
      code.op("f64x2.convert_low_i32x4_s");
    }
    code.op("f64x2.div", "i32x4.trunc_sat_f64x2_s_zero");
  };
  half(false);
  half(true);
  code.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
};

/** Shifts by an amount of its own in every lane; amounts from 32 on give the limit. */
const laneShift =
  (left: boolean): LaneCode =>
  ({ code, a, b }) => {
    code.splat(0);
    for (let lane = 0; lane < 4; lane++) {
      code.get(a);
      code.extract(lane);
      code.get(b);
      code.extract(lane);
      if (!left) {
        code.const32(31);
        code.get(b);
        code.extract(lane);
        code.const32(31);
        code.op("i32.le_u", "select");
      }
      code.op(left ? "i32.shl" : "i32.shr_s");
      if (left) {
        code.const32(0);
        code.get(b);
        code.extract(lane);
        code.const32(32);
        code.op("i32.lt_u", "select");
      }
      code.replace(lane);
    }
  };

/** The same amount, an IMM slot, in all lanes. */
const slotShift =
  (left: boolean): LaneCode =>
  ({ code, a, slot }) => {
    code.get(a);
    code.get(slot);
    if (!left) {
      code.const32(31);
      code.get(slot);
      code.const32(31);
      code.op("i32.le_u", "select", "i32x4.shr_s");
      return;
    }
    code.op("i32x4.shl");
    code.const32(-1);
    code.const32(0);
    code.get(slot);
    code.const32(32);
    code.op("i32.lt_u", "select", "i32x4.splat", "v128.and");
  };

/** dst where src2 is zero, src1 elsewhere, or the reverse. */
const conditional =
  (whereZero: boolean): LaneCode =>
  ({ code, a, b, d }) => {
    code.get(whereZero ? a : d);
    code.get(whereZero ? d : a);
    code.get(b);
    code.splat(0);
    code.op("i32x4.eq", "v128.bitselect");
  };

const clamp = (code: Code, bits: number): void => {
  code.splat(2 ** (bits - 1) - 1);
  code.op("i32x4.min_s");
  code.splat(-(2 ** (bits - 1)));
  code.op("i32x4.max_s");
};

/** On the magnitude as an unsigned number: ((|x| >>> (s − 1)) + 1) >>> 1. */
const narrow =
  (bits: number, shifted: boolean): LaneCode =>
  ({ code, a, slot, temp }) => {
    code.get(a);
    if (shifted) {
      code.const32(31);
      code.op("i32x4.shr_s");
      code.tee(temp(0));
      code.get(a);
      code.op("v128.xor");
      code.get(temp(0));
      code.op("i32x4.sub");
      code.get(slot);
      code.const32(1);
      code.op("i32.sub", "i32x4.shr_u");
      code.splat(1);
      code.op("i32x4.add");
      code.const32(1);
      code.op("i32x4.shr_u");
      code.get(temp(0));
      code.op("v128.xor");
      code.get(temp(0));
      code.op("i32x4.sub");
    }
    clamp(code, bits);
  };

const widen =
  (bits: number): LaneCode =>
  ({ code, a, slot, temp }) => {
    code.get(a);
    code.const32(32 - bits);
    code.op("i32x4.shl");
    code.const32(32 - bits);
    code.op("i32x4.shr_s");
    code.tee(temp(0));
    code.get(slot);
    code.op("i32x4.shl");
    code.tee(temp(1));
    code.get(temp(0));
    extreme(code);
    code.get(temp(1));
    code.get(slot);
    code.op("i32x4.shr_s");
    code.get(temp(0));
    code.op("i32x4.eq", "v128.bitselect");
  };

const floor: LaneCode = ({ code, a, slot }) => {
  code.get(a);
  code.get(slot);
  code.op("i32x4.shr_s");
  code.get(slot);
  code.op("i32x4.shl");
};

/** floor + 2^s where floor is not x itself, saturating: the sum is too large where floor >= 0 and the sum < 0. */
const ceil: LaneCode = (c) => {
  const { code, a, slot, temp } = c;
  floor(c);
  code.tee(temp(0));
  code.splat(1);
  code.get(slot);
  code.op("i32x4.shl", "i32x4.add");
  code.set(temp(1));
  code.get(a);
  code.splat(MAX);
  code.get(temp(1));
  code.get(temp(1));
  code.get(temp(0));
  code.op("v128.andnot");
  code.const32(31);
  code.op("i32x4.shr_s", "v128.bitselect");
  code.get(temp(0));
  code.get(a);
  code.op("i32x4.eq", "v128.bitselect");
};

const relu: LaneCode = ({ code, a }) => {
  code.get(a);
  code.splat(0);
  code.op("i32x4.max_s");
};

const abs: LaneCode = ({ code, a }) => {
  code.get(a);
  code.op("i32x4.abs");
  code.splat(MAX);
  code.op("i32x4.min_u");
};

const sign: LaneCode = ({ code, a }) => {
  code.get(a);
  code.const32(31);
  code.op("i32x4.shr_s");
  code.get(a);
  code.splat(0);
  code.op("i32x4.gt_s", "i32x4.sub");
};

const macc: LaneCode = (c) => {
  c.code.get(c.d);
  binary("i32x4.mul")(c);
  c.code.op("i32x4.add");
};

const leaky =
  (mul: LaneCode): LaneCode =>
  (c) => {
    const { code, a } = c;
    code.get(a);
    mul(c);
    code.get(a);
    code.splat(0);
    code.op("i32x4.ge_s", "v128.bitselect");
  };

/** The same under every datatype. */
const ALWAYS: { readonly [K in Op]?: LaneCode } = {
  move: ({ code, a }) => code.get(a),
  cond_move_true: conditional(false),
  cond_move_false: conditional(true),
  not: ({ code, a }) => {
    code.get(a);
    code.op("v128.not");
  },
  and: binary("v128.and"),
  or: binary("v128.or"),
  cast_fxp16_fxp32: widen(16),
  cast_fxp8_fxp32: widen(8),
  cast_fxp4_fxp32: widen(4),
  cast_bf16_fp32: ({ code, a }) => {
    code.get(a);
    code.const32(16);
    code.op("i32x4.shl");
  },
};

/** Under fixed point. */
const FIXED: { readonly [K in Op]?: LaneCode } = {
  add: binary("i32x4.add"),
  sub: binary("i32x4.sub"),
  macc,
  div: divide,
  max: binary("i32x4.max_s"),
  min: binary("i32x4.min_s"),
  relu,
  abs,
  sign,
  equal: compare("i32x4.eq"),
  neq: compare("i32x4.ne"),
  gt: compare("i32x4.gt_s"),
  gte: compare("i32x4.ge_s"),
  lt: compare("i32x4.lt_s"),
  lte: compare("i32x4.le_s"),
  floor,
  ceil,
};

const NARROW: { readonly [K in Op]?: number } = { cast_fxp32_fxp16: 16, cast_fxp32_fxp8: 8, cast_fxp32_fxp4: 4 };

/**
 * Code of an operation under a datatype and a name that tells it from all others, or undefined where the reference engine
 * has to do it. `slot` is the value of src2 where that is an IMM slot.
 */
export function laneCode(op: Op, type: Readonly<Datatype>, slot: number | undefined, ties: Ties): Variant | undefined {
  const always = ALWAYS[op];
  if (always !== undefined) return [op, always];
  const bits = NARROW[op];
  if (bits !== undefined) return [`${op}:${slot === 0 ? 0 : "s"}`, narrow(bits, slot !== 0)];
  if (op === "rshift" || op === "lshift") {
    const left = op === "lshift";
    return slot === undefined ? [op, laneShift(left)] : [`${op}:imm`, slotShift(left)];
  }
  const float = floatVariant(op, slot, ties);
  if (float !== undefined) return float;
  if (type.kind === "fp32" || type.kind === "fp16") return undefined;
  const mul = op === "mul" || op === "leaky_relu" ? mulVariant(type) : undefined;
  if (mul !== undefined) return op === "mul" ? mul : [`leaky ${mul[0]}`, leaky(mul[1])];
  const fixed = FIXED[op];
  return fixed === undefined ? undefined : [op, fixed];
}
