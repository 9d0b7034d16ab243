import {
  abs32,
  add32,
  castShift,
  div32,
  lshift32,
  macc32,
  mulShiftSat,
  rshift32,
  sign32,
  sub32,
} from "@accelc/numerics";
import type { Comparison, OpAttrs } from "../ops.js";
import { elements, sameShape } from "../types.js";
import { broadcastStrides, gatherBox, type Tensor } from "./strided.js";

/** The operand's elements at every index of `shape`, broadcast; int8 and int16 are widened by whoever reads them. */
function operand(t: Tensor, shape: readonly number[]): Int32Array {
  if (sameShape(t.shape, shape)) return t.data as Int32Array;
  return gatherBox("int32", shape, {
    data: t.data,
    offset: 0,
    strides: broadcastStrides(t.shape, shape),
  }) as Int32Array;
}

type Unary = (a: number) => number;
type Binary = (a: number, b: number) => number;

export function unary(f: Unary, x: Tensor): Int32Array {
  const out = new Int32Array(x.data.length);
  const a = x.data as Int32Array;
  for (let i = 0; i < out.length; i++) out[i] = f(a[i]!);
  return out;
}

export function binary(f: Binary, x: Tensor, y: Tensor, shape: readonly number[]): Int32Array {
  const out = new Int32Array(elements(shape));
  const [a, b] = [operand(x, shape), operand(y, shape)];
  for (let i = 0; i < out.length; i++) out[i] = f(a[i]!, b[i]!);
  return out;
}

type Ternary = (a: number, b: number, c: number) => number;

export function ternary(f: Ternary, x: Tensor, y: Tensor, z: Tensor, shape: readonly number[]): Int32Array {
  const out = new Int32Array(elements(shape));
  const [a, b, c] = [operand(x, shape), operand(y, shape), operand(z, shape)];
  for (let i = 0; i < out.length; i++) out[i] = f(a[i]!, b[i]!, c[i]!);
  return out;
}

export const UNARY = {
  inot: (a) => ~a,
  iabs: abs32,
  isign: sign32,
} satisfies Record<string, Unary>;

export const BINARY = {
  iadd: add32,
  isub: sub32,
  idiv: div32,
  imax: (a, b) => Math.max(a, b),
  imin: (a, b) => Math.min(a, b),
  ishr: rshift32,
  ishl: lshift32,
  iand: (a, b) => a & b,
  ior: (a, b) => a | b,
} satisfies Record<string, Binary>;

export const imacc: Ternary = macc32;
export const select: Ternary = (condition, a, b) => (condition !== 0 ? a : b);

export const imul =
  (a: OpAttrs["imul"]): Binary =>
  (x, y) =>
    mulShiftSat(x, y, a.shift);

export const narrow =
  (a: OpAttrs["narrow"]): Unary =>
  (x) =>
    castShift(x, a.shift, a.bits);

export const COMPARE: { readonly [K in Comparison]: Binary } = {
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
};
