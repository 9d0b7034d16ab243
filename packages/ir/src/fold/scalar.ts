import {
  allocate,
  broadcastShapes,
  type Data,
  DTYPE_BITS,
  type DType,
  elements,
  isFloat,
  sameShape,
  type Value,
} from "../types.js";
import { broadcastView, type Cells, cells, gatherView } from "./strided.js";

type Scalar = number | bigint;

/** Elements a folded constant may have. */
export const FOLD_ELEMENTS = 2 ** 27;

export interface ScalarFunction {
  readonly arity: readonly [number, number];
  /** Element type of the result; undefined where the operand types do not fit. */
  result(types: readonly DType[]): DType | undefined;
  /** One element, operands in their storage class; throws RangeError where it has no value. The store rounds or wraps. */
  apply(args: readonly Scalar[], type: DType): Scalar;
}

const WIDE: ReadonlySet<DType> = new Set(["int64", "uint64"]);
const same = (types: readonly DType[]): DType | undefined =>
  types.every((t) => t === types[0]) ? types[0] : undefined;
const numeric = (types: readonly DType[]): DType | undefined => (types.includes("bool") ? undefined : same(types));
const test = (types: readonly DType[]): DType | undefined => (same(types) ? "bool" : undefined);
const logic = (types: readonly DType[]): DType | undefined => (types.every((t) => t === "bool") ? "bool" : undefined);

const binary = (number: (a: number, b: number, type: DType) => number, wide: (a: bigint, b: bigint) => bigint) =>
  ({
    arity: [2, 2],
    result: numeric,
    apply: ([a, b], type) => (WIDE.has(type) ? wide(a as bigint, b as bigint) : number(a as number, b as number, type)),
  }) satisfies ScalarFunction;

const integer = (types: readonly DType[]): DType | undefined => (types.some(isFloat) ? undefined : numeric(types));
const whole = (...f: Parameters<typeof binary>) => ({ ...binary(...f), result: integer }) satisfies ScalarFunction;

const unary = (number: (a: number) => number, wide: (a: bigint) => bigint) =>
  ({
    arity: [1, 1],
    result: numeric,
    apply: ([a], type) => (WIDE.has(type) ? wide(a as bigint) : number(a as number)),
  }) satisfies ScalarFunction;

const floatUnary = (f: (a: number) => number) =>
  ({
    arity: [1, 1],
    result: (t) => (isFloat(t[0]!) ? t[0] : undefined),
    apply: ([a]) => f(a as number),
  }) satisfies ScalarFunction;

const compare = (f: (a: Scalar, b: Scalar) => boolean) =>
  ({ arity: [2, 2], result: test, apply: ([a, b]) => (f(a!, b!) ? 1 : 0) }) satisfies ScalarFunction;

const variadic = (f: (a: Scalar, b: Scalar) => Scalar) =>
  ({ arity: [1, 65535], result: numeric, apply: (args) => args.reduce(f) }) satisfies ScalarFunction;

const below = (a: Scalar, b: Scalar): boolean => a < b;
const nan = (a: Scalar, b: Scalar): boolean => Number.isNaN(a) || Number.isNaN(b);

function divide(a: number, b: number, type: DType): number {
  if (isFloat(type)) return a / b;
  if (b === 0) throw new RangeError("integer division by zero");
  return Math.trunc(a / b);
}

function nonZero(b: bigint): bigint {
  if (b === 0n) throw new RangeError("integer division by zero");
  return b;
}

/** Round half to even. */
function roundEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** Modulo 2^64; a negative exponent truncates the real power toward zero. */
function wholePower(base: bigint, exponent: bigint): bigint {
  if (exponent >= 0n) {
    let [power, factor] = [1n, BigInt.asIntN(64, base)];
    for (let e = exponent; e > 0n; e >>= 1n) {
      if (e & 1n) power = BigInt.asIntN(64, power * factor);
      factor = BigInt.asIntN(64, factor * factor);
    }
    return power;
  }
  if (base === 0n) throw new RangeError("zero to a negative power");
  return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
}

const power = (a: number, b: number, type: DType): number =>
  isFloat(type) ? a ** b : Number(BigInt.asIntN(32, wholePower(BigInt(a), BigInt(b))));

const BITS_WIDE = 64n;
const shiftLeft = (a: number, b: number, type: DType): number => (b >= DTYPE_BITS[type] ? 0 : a << b);
const shiftRight = (a: number, b: number, type: DType): number => (b >= DTYPE_BITS[type] ? 0 : a >>> b);

/** Elementwise functions of constants that a float graph need not hold as operations: shape arithmetic and comparisons. */
export const SCALAR_FUNCTIONS = {
  add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  mul: binary(
    (a, b, type) => (isFloat(type) ? a * b : Math.imul(a, b)),
    (a, b) => a * b,
  ),
  div: binary(divide, (a, b) => a / nonZero(b)),
  mod: binary(
    (a, b, type) => {
      if (b === 0 && !isFloat(type)) throw new RangeError("integer remainder by zero");
      return a - b * Math.floor(a / b);
    },
    (a, b) => ((a % nonZero(b)) + b) % b,
  ),
  fmod: binary(
    (a, b, type) => {
      if (b === 0 && !isFloat(type)) throw new RangeError("integer remainder by zero");
      return a % b;
    },
    (a, b) => a % nonZero(b),
  ),
  pow: binary(power, wholePower),
  neg: unary(
    (a) => -a,
    (a) => -a,
  ),
  abs: unary(Math.abs, (a) => (a < 0n ? -a : a)),
  sign: unary(Math.sign, (a) => (a < 0n ? -1n : a > 0n ? 1n : 0n)),
  floor: floatUnary(Math.floor),
  ceil: floatUnary(Math.ceil),
  round: floatUnary(roundEven),
  sqrt: floatUnary(Math.sqrt),
  exp: floatUnary(Math.exp),
  log: floatUnary(Math.log),
  reciprocal: floatUnary((x) => 1 / x),
  equal: compare((a, b) => a === b),
  notEqual: compare((a, b) => a !== b),
  greater: compare((a, b) => a > b),
  greaterOrEqual: compare((a, b) => a >= b),
  less: compare((a, b) => a < b),
  lessOrEqual: compare((a, b) => a <= b),
  and: { arity: [2, 2], result: logic, apply: ([a, b]) => (a && b ? 1 : 0) },
  or: { arity: [2, 2], result: logic, apply: ([a, b]) => (a || b ? 1 : 0) },
  xor: { arity: [2, 2], result: logic, apply: ([a, b]) => (!a !== !b ? 1 : 0) },
  not: { arity: [1, 1], result: logic, apply: ([a]) => (a ? 0 : 1) },
  bitAnd: whole(
    (a, b) => a & b,
    (a, b) => a & b,
  ),
  bitOr: whole(
    (a, b) => a | b,
    (a, b) => a | b,
  ),
  bitXor: whole(
    (a, b) => a ^ b,
    (a, b) => a ^ b,
  ),
  bitNot: {
    ...unary(
      (a) => ~a,
      (a) => ~a,
    ),
    result: integer,
  },
  shiftLeft: whole(shiftLeft, (a, b) => (b >= BITS_WIDE ? 0n : a << b)),
  shiftRight: whole(shiftRight, (a, b) => (b >= BITS_WIDE ? 0n : BigInt.asUintN(64, a) >> b)),
  min: variadic((a, b) => (nan(a, b) ? Number.NaN : below(b, a) ? b : a)),
  max: variadic((a, b) => (nan(a, b) ? Number.NaN : below(a, b) ? b : a)),
  where: {
    arity: [3, 3],
    result: ([c, a, b]) => (c === "bool" && a === b ? a : undefined),
    apply: ([c, a, b]) => (c ? a! : b!),
  },
} as const satisfies Readonly<Record<string, ScalarFunction>>;

export type ScalarName = keyof typeof SCALAR_FUNCTIONS;

function operand(v: Value, shape: readonly number[]): Cells {
  if (sameShape(v.type.shape, shape)) return cells(v.data!);
  return cells(gatherView(v.type.dtype, v.data!, broadcastView(v.type.shape, shape)));
}

/** `f` on every element with numpy broadcasting, or the reason why it has no value. */
export function foldScalar(
  name: ScalarName,
  inputs: readonly Value[],
): (Pick<Value, "type"> & { data: Data }) | string {
  const f: ScalarFunction = SCALAR_FUNCTIONS[name];
  const types = inputs.map((v) => v.type.dtype);
  const dtype = inputs.length < f.arity[0] || inputs.length > f.arity[1] ? undefined : f.result(types);
  if (!dtype) return `element types ${types.join(", ")} do not fit ${name}`;
  let shape: readonly number[] = [];
  for (const v of inputs) {
    const wider = broadcastShapes(shape, v.type.shape);
    if (!wider) return `shapes ${inputs.map((i) => `[${i.type.shape.join(",")}]`).join(" and ")} do not broadcast`;
    shape = wider;
  }
  const size = elements(shape);
  if (size > FOLD_ELEMENTS) return `a constant of shape [${shape.join(",")}] is too large`;
  const data = allocate(dtype, size);
  const out = cells(data);
  const args = inputs.map((v) => operand(v, shape));
  const type = types.at(-1)!;
  try {
    const one = new Array<Scalar>(args.length);
    for (let i = 0; i < out.length; i++) {
      for (let k = 0; k < args.length; k++) one[k] = args[k]![i]!;
      out[i] = f.apply(one, type);
    }
  } catch (e) {
    if (e instanceof RangeError) return e.message;
    throw e;
  }
  return { type: { dtype, shape }, data };
}
