import type { UnaryName } from "@accelc/ir";
import { choice, float, type Schema, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { type OperatorRow, row } from "./row.js";

const FLOATS = "float tensors";
const NUMBERS = "float tensors, and integers where constant or moved whole";

/** Rounded to float32, as ONNX stores attributes. */
const f = Math.fround;

function apply(n: NodeContext, fn: UnaryName, a = 0, b = 0): void {
  const x = n.input(0);
  const { dtype } = n.value(x).type;
  const whole = ["abs", "neg", "sign"].includes(fn);
  if (dtype !== "float32" && (!whole || dtype === "bool"))
    n.badInput(0, dtype, `${n.loc.op} is defined for float tensors${whole ? " and integers" : ""}`);
  n.result("unary", [x], { fn, a: f(a), b: f(b) });
}

const plain = (op: string, since: number, fn: UnaryName, constraints = FLOATS): OperatorRow =>
  row({ op, since, unit: "tandem", constraints, inputs: 1, attributes: {}, parse: (n) => apply(n, fn) });

/** A function with up to two float parameters, in the order of its row in the table of unary functions. */
const parameters = <const S extends Schema>(
  op: string,
  since: number,
  attributes: S,
  parse: (n: NodeContext, a: Values<S>) => void,
): OperatorRow => row({ op, since, unit: "tandem", constraints: FLOATS, inputs: 1, attributes, parse });

const SELU = { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) };

export const UNARY_ROWS: readonly OperatorRow[] = [
  plain("Abs", 6, "abs", NUMBERS),
  plain("Neg", 6, "neg", NUMBERS),
  plain("Sign", 9, "sign", NUMBERS),
  plain("Floor", 6, "floor"),
  plain("Ceil", 6, "ceil"),
  plain("Round", 11, "round"),
  plain("Sqrt", 6, "sqrt"),
  plain("Exp", 6, "exp"),
  plain("Log", 6, "log"),
  plain("Reciprocal", 6, "reciprocal"),
  plain("Erf", 9, "erf"),
  plain("Sin", 7, "sin"),
  plain("Cos", 7, "cos"),
  plain("Sigmoid", 6, "sigmoid"),
  plain("Tanh", 6, "tanh"),
  plain("Softplus", 1, "softplus"),
  plain("Softsign", 1, "softsign"),
  plain("Mish", 18, "mish"),
  plain("HardSwish", 14, "hardSwish"),
  parameters("Elu", 6, { alpha: float(1) }, (n, a) => apply(n, "elu", a.alpha)),
  parameters("Selu", 6, SELU, (n, a) => apply(n, "selu", a.alpha, a.gamma)),
  parameters("Celu", 12, { alpha: float(1) }, (n, a) => apply(n, "celu", a.alpha)),
  parameters("HardSigmoid", 6, { alpha: float(0.2), beta: float(0.5) }, (n, a) =>
    apply(n, "hardSigmoid", a.alpha, a.beta),
  ),
  parameters("ThresholdedRelu", 10, { alpha: float(1) }, (n, a) => apply(n, "thresholdedRelu", a.alpha)),
  parameters("Swish", 24, { alpha: float(1) }, (n, a) => apply(n, "swish", a.alpha)),
  row({
    op: "Gelu",
    since: 20,
    unit: "tandem",
    constraints: FLOATS,
    inputs: 1,
    attributes: { approximate: choice(["none", "tanh"]) },
    parse: (n, a) => apply(n, a.approximate === "tanh" ? "geluTanh" : "gelu"),
  }),
];
