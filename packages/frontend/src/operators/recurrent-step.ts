import type { ValueId } from "@accelc/ir";
import type { NodeContext } from "../context.js";
import { binary, slice, unary, withNumber } from "./build.js";

/** Equations of one step of LSTM, GRU and RNN, as in the operators' texts; gates lie side by side on axis 1. */

export type Activation = (x: ValueId) => ValueId;

interface ActivationKind {
  /** Default parameters; a function takes as many of the lists activation_alpha and activation_beta as it has. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly build: (n: NodeContext, x: ValueId, a: number, b: number) => ValueId;
}

export const ACTIVATIONS: Readonly<Record<string, ActivationKind>> = {
  relu: { build: (n, x) => n.add("relu", [x], {}) },
  tanh: { build: (n, x) => unary(n, "tanh", x) },
  sigmoid: { build: (n, x) => unary(n, "sigmoid", x) },
  softsign: { build: (n, x) => unary(n, "softsign", x) },
  softplus: { build: (n, x) => unary(n, "softplus", x) },
  affine: { alpha: 1, beta: 0, build: (n, x, a, b) => withNumber(n, "add", withNumber(n, "mul", x, a), b) },
  leakyrelu: { alpha: 0.01, build: (n, x, a) => n.add("leakyRelu", [x], { alpha: a }) },
  thresholdedrelu: { alpha: 1, build: (n, x, a) => unary(n, "thresholdedRelu", x, a) },
  scaledtanh: {
    alpha: 1,
    beta: 1,
    build: (n, x, a, b) => withNumber(n, "mul", unary(n, "tanh", withNumber(n, "mul", x, b)), a),
  },
  hardsigmoid: { alpha: 0.2, beta: 0.5, build: (n, x, a, b) => unary(n, "hardSigmoid", x, a, b) },
  elu: { alpha: 1, build: (n, x, a) => unary(n, "elu", x, a) },
};

export interface State {
  /** [batch, hidden]; absent: zero. */
  readonly h?: ValueId;
  readonly c?: ValueId;
}

export interface Cell {
  readonly hidden: number;
  /** Recurrent weights, transposed: [hidden, gates · hidden]. */
  readonly weights: ValueId;
  /** Recurrent bias [gates · hidden]; part of the input's product where the cell does not need it apart. */
  readonly recurrentBias?: ValueId;
  /** Peephole weights [3 · hidden] in the order i, o, f. */
  readonly peepholes?: ValueId;
  readonly activations: readonly Activation[];
  readonly clip: number | undefined;
  readonly inputForget: boolean;
  readonly linearBeforeReset: boolean;
}

/** From the step's input product [batch, gates · hidden] and the state before it, the state after it. */
export type Step = (n: NodeContext, cell: Cell, input: ValueId, state: State) => State;

const add = (n: NodeContext, a: ValueId, b: ValueId | undefined): ValueId =>
  b === undefined ? a : binary(n, "add", a, b);
const mul = (n: NodeContext, a: ValueId, b: ValueId): ValueId => binary(n, "mul", a, b);
const gate = (n: NodeContext, x: ValueId, i: number, cell: Cell, count = 1): ValueId =>
  slice(n, x, n.shape(x).length - 1, i * cell.hidden, count * cell.hidden);
const clipped = (n: NodeContext, x: ValueId, { clip }: Cell): ValueId =>
  clip === undefined ? x : n.add("clip", [x], { min: -clip, max: clip });
const product = (n: NodeContext, h: ValueId | undefined, w: ValueId): ValueId | undefined =>
  h === undefined ? undefined : n.add("matmul", [h, w], {});

export const rnnStep: Step = (n, cell, input, { h }) => ({
  h: cell.activations[0]!(clipped(n, add(n, input, product(n, h, cell.weights)), cell)),
});

/** Gates z, r, h. H = (1 − z) ∘ ĥ + z ∘ H′ = ĥ + z ∘ (H′ − ĥ). */
export const gruStep: Step = (n, cell, input, { h }) => {
  const [f, g] = cell.activations as readonly [Activation, Activation];
  const gates = product(n, h, gate(n, cell.weights, 0, cell, 2));
  const zr = f(clipped(n, add(n, gate(n, input, 0, cell, 2), gates), cell));
  const [z, r] = [gate(n, zr, 0, cell), gate(n, zr, 1, cell)];
  const own = gate(n, cell.weights, 2, cell);
  const bias = cell.recurrentBias === undefined ? undefined : gate(n, cell.recurrentBias, 2, cell);
  const before = (): ValueId | undefined => {
    const linear = product(n, h, own);
    const sum = linear === undefined ? bias : add(n, linear, bias);
    return sum === undefined ? undefined : mul(n, r, sum);
  };
  const after = (): ValueId | undefined => (h === undefined ? undefined : product(n, mul(n, r, h), own));
  const recurrent = cell.linearBeforeReset ? before() : after();
  const candidate = g(clipped(n, add(n, gate(n, input, 2, cell), recurrent), cell));
  const rest = h === undefined ? unary(n, "neg", candidate) : binary(n, "sub", h, candidate);
  return { h: add(n, candidate, mul(n, z, rest)) };
};

/** Gates i, o, f, c. C = f ∘ C′ + i ∘ ĉ; H = o ∘ h(C). With input_forget, f = 1 − i. */
export const lstmStep: Step = (n, cell, input, { h, c }) => {
  const [f, g, last] = cell.activations as readonly [Activation, Activation, Activation];
  const sums = add(n, input, product(n, h, cell.weights));
  const peep = (i: number, state: ValueId | undefined): ValueId | undefined =>
    cell.peepholes === undefined || state === undefined ? undefined : mul(n, gate(n, cell.peepholes, i, cell), state);
  const gated = (i: number, p: ValueId | undefined, fn: Activation): ValueId =>
    fn(clipped(n, add(n, gate(n, sums, i, cell), p), cell));
  const i = gated(0, peep(0, c), f);
  const candidate = gated(3, undefined, g);
  const forget = (): ValueId =>
    cell.inputForget ? withNumber(n, "add", unary(n, "neg", i), 1) : gated(2, peep(2, c), f);
  const fresh = mul(n, i, candidate);
  const next = c === undefined ? fresh : binary(n, "add", mul(n, forget(), c), fresh);
  const o = gated(1, peep(1, next), f);
  return { h: mul(n, o, last(next)), c: next };
};
