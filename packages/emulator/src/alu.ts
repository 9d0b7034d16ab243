import { div32, lshift32, mulShiftSat, rshift32 } from "@accelc/numerics";
import { always, arithmetic, type Lanes, lanewise, words } from "./kernel.js";
import type { Datatype } from "./state.js";

const wrapMul: Lanes = (lanes, dst, d, a, ai, as, b, bi, bs) => {
  for (let l = 0; l < lanes; l++) dst[d + l] = Math.imul(a[ai + l * as], b[bi + l * bs]);
};

const EXACT = 2 ** 53;

/**
 * mulShiftSat by a shift of 1..52. Where |a · b| < 2^53 the product, its scaling by 2^−s and the sum with ±½ are exact
 * doubles, so truncation gives the nearest integer, ties away from zero; all else goes the long way.
 */
const shiftMul = (shift: number): Lanes => {
  const scale = 2 ** -shift;
  return (lanes, dst, d, a, ai, as, b, bi, bs) => {
    for (let l = 0; l < lanes; l++) {
      const x = a[ai + l * as];
      const y = b[bi + l * bs];
      const p = x * y;
      const t = p * scale + (0.5 + ((x ^ y) >> 31));
      const inside = p < EXACT && p > -EXACT && t < 2147483648 && t > -2147483649;
      dst[d + l] = inside ? t | 0 : mulShiftSat(x, y, shift);
    }
  };
};

/** MUL: the low 32 bits after reset, else saturate32(round(a · b / 2^shift)), ties away from zero. */
export const mulLanes = (type: Readonly<Datatype>): Lanes => {
  if (type.wrap) return wrapMul;
  const { shift } = type;
  if (shift >= 1 && shift <= 52) return shiftMul(shift);
  return (lanes, dst, d, a, ai, as, b, bi, bs) => {
    for (let l = 0; l < lanes; l++) dst[d + l] = mulShiftSat(a[ai + l * as], b[bi + l * bs], shift);
  };
};

const addLanes: Lanes = (lanes, dst, d, a, ai, as, b, bi, bs) => {
  for (let l = 0; l < lanes; l++) dst[d + l] = a[ai + l * as] + b[bi + l * bs];
};

const moveLanes: Lanes = (lanes, dst, d, a, ai, as) => {
  for (let l = 0; l < lanes; l++) dst[d + l] = a[ai + l * as];
};

/** ALU words (opcode 0). Int32 stores wrap. */
export const ALU = {
  add: arithmetic(
    () => addLanes,
    (a, b) => a + b,
  ),
  sub: arithmetic(
    words((a, b) => a - b),
    (a, b) => a - b,
  ),
  mul: arithmetic(mulLanes, (a, b) => a * b),
  macc: arithmetic(
    words((a, b, d) => d + Math.imul(a, b)),
    (a, b, d, round) => d + round(a * b),
  ),
  div: arithmetic(words(div32), (a, b) => a / b),
  max: arithmetic(
    words((a, b) => Math.max(a, b)),
    (a, b) => Math.max(a, b),
  ),
  min: arithmetic(
    words((a, b) => Math.min(a, b)),
    (a, b) => Math.min(a, b),
  ),
  rshift: always(lanewise(rshift32)),
  lshift: always(lanewise(lshift32)),
  move: always(moveLanes),
  cond_move_true: always(lanewise((a, b, d) => (b !== 0 ? a : d))),
  cond_move_false: always(lanewise((a, b, d) => (b === 0 ? a : d))),
  not: always(lanewise((a) => ~a)),
  and: always(lanewise((a, b) => a & b)),
  or: always(lanewise((a, b) => a | b)),
} as const;
