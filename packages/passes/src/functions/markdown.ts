import { UNARY, type UnaryName } from "@accelc/ir";
import type { Emit } from "./emit.js";
import { difference, type Fixed, fixedOf, laneOf } from "./fixed.js";
import { pow, powConstant, product } from "./logarithm.js";
import { exactly, grid, type Measured, measure, programOf } from "./measure.js";
import { mod } from "./piecewise.js";
import { logSoftmax, reduce } from "./reductions.js";
import { divide, rsqrt } from "./roots.js";
import { softmax } from "./softmax.js";
import { applyUnary } from "./unary.js";

/** What the table measures: a function over an operand of `bits` fraction bits on [lo, hi]. */
export interface FunctionRow {
  readonly name: string;
  readonly definition: string;
  readonly lo: number;
  readonly hi: number;
  readonly bits: number;
  readonly f: (x: number) => number;
  readonly build: (e: Emit, x: Fixed) => Fixed;
}

const unary = (fn: UnaryName, lo: number, hi: number, bits: number, a = 0, b = 0): FunctionRow => ({
  name: a === 0 && b === 0 ? fn : `${fn} (a = ${a}${b === 0 ? "" : `, b = ${b}`})`,
  definition: UNARY[fn].doc,
  lo,
  hi,
  bits,
  f: exactly(fn, a, b),
  build: (e, x) => applyUnary(e, fn, x, { a, b }),
});

const power = (n: number, lo: number, hi: number, bits: number): FunctionRow => ({
  name: `x^${n}`,
  definition: "constant exponent",
  lo,
  hi,
  bits,
  f: (x) => x ** n,
  build: (e, x) => powConstant(e, x, n),
});

export const FUNCTION_ROWS: readonly FunctionRow[] = [
  unary("abs", -8, 8, 24),
  unary("neg", -8, 8, 24),
  unary("sign", -8, 8, 24),
  unary("floor", -100, 100, 20),
  unary("ceil", -100, 100, 20),
  unary("round", -100, 100, 20),
  unary("reciprocal", 0.01, 10, 24),
  unary("reciprocal", -10, -0.01, 24),
  unary("sqrt", 0, 1000, 20),
  unary("sqrt", 0, 0.001, 40),
  unary("square", -100, 100, 20),
  unary("exp", -16, 0, 24),
  unary("exp", -8, 8, 24),
  unary("log", 0.001, 1000, 20),
  unary("erf", -5, 5, 26),
  unary("sin", -10, 10, 24),
  unary("cos", -10, 10, 24),
  unary("sin", -1000, 1000, 20),
  unary("sigmoid", -16, 16, 24),
  unary("tanh", -8, 8, 24),
  unary("gelu", -8, 8, 24),
  unary("geluTanh", -8, 8, 24),
  unary("swish", -16, 16, 24, 1),
  unary("swish", -8, 8, 24, -0.7),
  unary("mish", -16, 16, 24),
  unary("softplus", -16, 16, 24),
  unary("softsign", -16, 16, 24),
  unary("elu", -16, 16, 24, 1),
  unary("selu", -16, 16, 24, 1.67326, 1.0507),
  unary("celu", -16, 16, 24, 2),
  unary("hardSigmoid", -8, 8, 24, 0.2, 0.5),
  unary("hardSwish", -8, 8, 24),
  unary("thresholdedRelu", -8, 8, 24, 1),
  power(2, -8, 8, 24),
  power(3, -8, 8, 24),
  power(-0.5, 0.01, 100, 22),
  power(-2, 0.1, 8, 24),
  power(1.7, 0, 16, 24),
  power(0.25, 0, 16, 24),
  {
    name: "x^y, y = 2.5",
    definition: "tensors",
    lo: 0.05,
    hi: 8,
    bits: 24,
    f: (x) => x ** 2.5,
    build: (e, x) => {
      const y = e.add(e.max(e.min(laneOf(x), 0), 0), 5);
      return pow(e, x, fixedOf({ ...y, lo: -8, hi: 8 }, 0.5), { limit: 256 });
    },
  },
];

const gateRows = (
  fn: UnaryName,
  tolerances: readonly number[],
  a = 0,
): readonly (FunctionRow & { tolerance: number })[] =>
  tolerances.map((tolerance) => ({
    ...unary(fn, -16, 16, 24, a),
    tolerance,
    build: (e, x) => applyUnary(e, fn, x, { a, b: 0, tolerance }),
  }));

/** Programs to a tolerance, each at the least tolerance that gives it. */
export const TOLERANT_ROWS = [
  ...gateRows("swish", [5.6e-3, 1.1e-3, 5.2e-4, 2e-4], 1),
  ...gateRows("gelu", [3.9e-3, 5.2e-4, 5.2e-5]),
  ...gateRows("geluTanh", [4e-3, 3.6e-4, 1e-4]),
  ...gateRows("sigmoid", [5.6e-3, 3.4e-4, 1.4e-4]),
  ...gateRows("tanh", [1.12e-2, 6.8e-4, 2.8e-4]),
];

type RowProgram = readonly [string, (e: Emit, x: readonly Fixed[]) => Fixed, (readonly number[])?];

/** x − mean over the root of the mean square of that and a little: layer normalization without its gain. */
export function layerNorm(e: Emit, [x]: readonly Fixed[]): Fixed {
  const centered = difference(e, x!, reduce(e, "mean", x!, [1]), x!.unit);
  const variance = reduce(e, "meanSquare", centered, [1]);
  const lifted = fixedOf(e.add(laneOf(variance), 1), variance.unit);
  return product(e, centered, rsqrt(e, lifted), { limit: 8 });
}

const ROW_PROGRAMS: readonly RowProgram[] = [
  ["softmax", (e, [x]) => softmax(e, x!, 1)],
  ["softmax to 1/1016", (e, [x]) => softmax(e, x!, 1, { tolerance: 1 / 1016, greatest: 1 })],
  ["softmax to 1/2040", (e, [x]) => softmax(e, x!, 1, { tolerance: 1 / 2040, greatest: 1 })],
  ["softmax to 1/16000", (e, [x]) => softmax(e, x!, 1, { tolerance: 1 / 16000, greatest: 1 })],
  ["log-softmax", (e, [x]) => logSoftmax(e, x!, 1)],
  ["layer normalization", layerNorm],
  ["reduce l2", (e, [x]) => reduce(e, "l2", x!, [1])],
  ["reduce logSumExp", (e, [x]) => reduce(e, "logSumExp", x!, [1])],
  ["division", (e, [x, y]) => divide(e, x!, y!, { limit: 1000 }), [16, 64]],
  ["division by one number per row", (e, [x, y]) => divide(e, x!, y!, { limit: 1000 }), [16, 1]],
  ["mod", (e, [x, y]) => mod(e, x!, y!, false), [16, 64]],
  ["pow", (e, [x, y]) => pow(e, x!, y!, { limit: 1000 }), [16, 64]],
];

const POINTS = 20001;

export function measureRow(r: FunctionRow): Measured {
  const unit = 2 ** -r.bits;
  const p = programOf([{ lo: r.lo, hi: r.hi, unit }], [POINTS], (e, [x]) => r.build(e, x!));
  return measure(p, grid(Math.round(r.lo / unit), Math.round(r.hi / unit), POINTS), unit, r.f);
}

const show = (x: number): string => (x === 0 ? "0" : x.toExponential(1));

/** docs/functions.md. */
export function renderFunctionsMarkdown(): string {
  return [
    "# Functions on the Tandem Processor",
    "",
    "Each function is a sequence of integer instructions on int32 fixed point; the code is `packages/passes/src/functions`. No intermediate",
    "leaves int32: the emitter carries the interval of every value and refuses a program where one could. Errors are those of the",
    `integer program against double precision, the operand being exact in steps of 2^-bits, measured on ${POINTS} evenly spread`,
    "operands through the evaluator; relative where |f| is above a 2^-10th of its greatest value. Instructions are per element;",
    "a select counts two.",
    "",
    "| function | definition | operand | bits | max abs error | max rel error | instructions |",
    "|---|---|---|---|---|---|---|",
    ...FUNCTION_ROWS.map((r) => {
      const m = measureRow(r);
      return `| ${r.name} | ${r.definition.replaceAll("|", "\\|")} | ${r.lo} … ${r.hi} | ${r.bits} | ${show(m.absolute)} | ${show(m.relative)} | ${m.instructions} |`;
    }),
    "",
    "## To a tolerance",
    "",
    "Where everything that is computed from a result comes to lie on grids of 8 bits or fewer, an eighth of a step is the tolerance,",
    "and a shorter program is taken where one keeps it (`gates.ts`; a softmax has shorter polynomials for its terms, `softmax.ts`).",
    "A product x g(x) that comes to lie on such a grid is computed in its steps over a power of two, and needs no rescaling on the way there.",
    "",
    "| function | tolerance | max abs error | instructions |",
    "|---|---|---|---|",
    ...TOLERANT_ROWS.map((r) => {
      const m = measureRow(r);
      return `| ${r.name} | ${show(r.tolerance)} | ${show(m.absolute)} | ${m.instructions} |`;
    }),
    "",
    "## Along an axis, and of two operands",
    "",
    "For operands in [−8, 8] in steps of 2^-20, 16 rows of 64 elements. *Per element* counts instructions on the whole tensor,",
    "a reduction as one; *per row* those on its reduced shape.",
    "",
    "| program | per element | per row |",
    "|---|---|---|",
    ...ROW_PROGRAMS.map(([name, f, divisor]) => {
      const span = { lo: -8, hi: 8, unit: 2 ** -20 };
      const p = programOf(divisor ? [span, { ...span, of: divisor }] : [span], [16, 64], f);
      return `| ${name} | ${p.whole} | ${p.instructions - p.whole} |`;
    }),
    "",
  ].join("\n");
}
