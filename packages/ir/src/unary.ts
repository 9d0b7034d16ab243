import { minifloatOf, unpackMinifloat } from "./minifloat.js";

/**
 * Functions of one real variable that a float graph may apply element-wise: their exact definition, which constant
 * folding evaluates, quantization approximates and tests measure errors against. `a` and `b` are the operator's
 * parameters, 0 where a function has none.
 */
export interface UnaryFunction {
  readonly doc: string;
  readonly f: (x: number, a: number, b: number) => number;
}

const erf = (x: number): number => {
  // Abramowitz and Stegun 7.1.6 (series) below 3, 7.1.14 (continued fraction) above: double precision on both sides.
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 120 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return (Math.sign(x) * 2 * Math.exp(-z * z) * sum) / Math.sqrt(Math.PI);
  }
  let t = 0;
  for (let k = 60; k > 0; k--) t = k / 2 / (z + t);
  return Math.sign(x) * (1 - Math.exp(-z * z) / ((z + t) * Math.sqrt(Math.PI)));
};

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const roundEven = (x: number): number => {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};

export const UNARY = {
  abs: { doc: "|x|", f: (x) => Math.abs(x) },
  neg: { doc: "-x", f: (x) => -x },
  sign: { doc: "-1, 0 or 1", f: (x) => Math.sign(x) },
  floor: { doc: "largest integer not above x", f: (x) => Math.floor(x) },
  ceil: { doc: "smallest integer not below x", f: (x) => Math.ceil(x) },
  round: { doc: "nearest integer, ties to even", f: roundEven },
  reciprocal: { doc: "1 / x", f: (x) => 1 / x },
  sqrt: { doc: "square root", f: (x) => Math.sqrt(x) },
  square: { doc: "x * x", f: (x) => x * x },
  exp: { doc: "e^x", f: (x) => Math.exp(x) },
  log: { doc: "natural logarithm", f: (x) => Math.log(x) },
  erf: { doc: "Gauss error function", f: erf },
  sin: { doc: "sine", f: (x) => Math.sin(x) },
  cos: { doc: "cosine", f: (x) => Math.cos(x) },
  sigmoid: { doc: "1 / (1 + e^-x)", f: sigmoid },
  tanh: { doc: "hyperbolic tangent", f: (x) => Math.tanh(x) },
  gelu: { doc: "x/2 (1 + erf(x/sqrt 2))", f: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)) },
  geluTanh: {
    doc: "x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
    f: (x) => (x / 2) * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x ** 3))),
  },
  swish: { doc: "x sigmoid(a x)", f: (x, a) => x * sigmoid(a * x) },
  mish: { doc: "x tanh(softplus(x))", f: (x) => x * Math.tanh(softplus(x)) },
  softplus: { doc: "log(1 + e^x)", f: softplus },
  softsign: { doc: "x / (1 + |x|)", f: (x) => x / (1 + Math.abs(x)) },
  elu: { doc: "x < 0 ? a (e^x - 1) : x", f: (x, a) => (x < 0 ? a * Math.expm1(x) : x) },
  selu: { doc: "b (x <= 0 ? a (e^x - 1) : x)", f: (x, a, b) => b * (x <= 0 ? a * Math.expm1(x) : x) },
  celu: {
    doc: "max(0, x) + min(0, a (e^(x/a) - 1))",
    f: (x, a) => Math.max(0, x) + Math.min(0, a * Math.expm1(x / a)),
  },
  hardSigmoid: { doc: "max(0, min(1, a x + b))", f: (x, a, b) => Math.max(0, Math.min(1, a * x + b)) },
  hardSwish: { doc: "x max(0, min(1, x/6 + 1/2))", f: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)) },
  minifloat: {
    doc: "rounded to a float format of 8 bits or fewer, which a encodes",
    f: (x, a) => minifloatOf(x, unpackMinifloat(a)),
  },
  thresholdedRelu: { doc: "x > a ? x : 0", f: (x, a) => (x > a ? x : 0) },
} as const satisfies Readonly<Record<string, UnaryFunction>>;

export type UnaryName = keyof typeof UNARY;
export const unaryFunction = (name: UnaryName): UnaryFunction => UNARY[name];
