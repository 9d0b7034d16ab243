import { type UnaryName, unpackMinifloat } from "@accelc/ir";
import type { Emit } from "./emit.js";
import * as exponential from "./exponential.js";
import type { Fixed, Limit } from "./fixed.js";
import { coarseSigmoid, coarseTanh, gate } from "./gates.js";
import { log, square } from "./logarithm.js";
import * as piecewise from "./piecewise.js";
import { reciprocal, softsign, sqrt } from "./roots.js";
import { cos, sin } from "./trigonometry.js";

/** Parameters of a unary function of the float graph, and what is known of its operand and result. */
export interface UnaryAttrs extends Limit {
  readonly a: number;
  readonly b: number;
  /** Half a step of the grid the operand was rounded to: floor and ceil count what is so near to an integer as that integer. */
  readonly slack?: number;
  /** Absolute error that the result's reader does not notice; 0 or absent: as good as the program can. */
  readonly tolerance?: number;
}

type Implementation = (e: Emit, x: Fixed, at: UnaryAttrs) => Fixed;

/** The integer program of every function of ir's UNARY table. */
export const IMPLEMENTATIONS: { readonly [K in UnaryName]: Implementation } = {
  abs: piecewise.abs,
  neg: piecewise.neg,
  sign: piecewise.sign,
  floor: (e, x, { slack }) => piecewise.floor(e, x, slack),
  ceil: (e, x, { slack }) => piecewise.ceil(e, x, slack),
  round: piecewise.round,
  reciprocal,
  sqrt,
  square,
  exp: exponential.exp,
  log,
  erf: exponential.erf,
  sin,
  cos,
  sigmoid: (e, x, { tolerance = 0 }) => coarseSigmoid(e, x, tolerance) ?? exponential.sigmoid(e, x),
  tanh: (e, x, { tolerance = 0 }) => coarseTanh(e, x, tolerance) ?? exponential.tanh(e, x),
  gelu: (e, x, { tolerance = 0 }) => gate(e, "gelu", x, 1, tolerance) ?? exponential.gelu(e, x),
  geluTanh: (e, x, { tolerance = 0 }) => gate(e, "geluTanh", x, 1, tolerance) ?? exponential.geluTanh(e, x),
  swish: (e, x, { a, tolerance = 0 }) => gate(e, "swish", x, a, tolerance) ?? exponential.swish(e, x, a),
  mish: exponential.mish,
  softplus: exponential.softplus,
  softsign,
  elu: (e, x, { a }) => exponential.elu(e, x, a),
  selu: (e, x, { a, b }) => exponential.selu(e, x, a, b),
  celu: (e, x, { a }) => exponential.celu(e, x, a),
  hardSigmoid: (e, x, { a, b }) => piecewise.hardSigmoid(e, x, a, b),
  hardSwish: piecewise.hardSwish,
  minifloat: (e, x, { a }) => piecewise.minifloat(e, x, unpackMinifloat(a)),
  thresholdedRelu: (e, x, { a }) => piecewise.thresholdedRelu(e, x, a),
};

export const applyUnary = (e: Emit, fn: UnaryName, x: Fixed, at: UnaryAttrs): Fixed => IMPLEMENTATIONS[fn](e, x, at);
