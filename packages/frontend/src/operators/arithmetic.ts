import { foldScalar, isFloat, type OpAttrs, type ScalarName, type ValueId } from "@accelc/ir";
import { flag } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { binary, cast, constantNumbers } from "./build.js";
import { MANY, type OperatorRow, row } from "./row.js";

const NUMBERS = "numeric tensors of one type";

/** Computes the node from constants, which all its inputs are; how it ends otherwise is up to the caller. */
export function foldWith(n: NodeContext, name: ScalarName): boolean {
  const values = n.allInputs().map((id) => n.value(id));
  if (values.some((v) => v.data === undefined)) return false;
  const r = foldScalar(name, values);
  if (typeof r === "string") n.noValue(r);
  n.constantResult(r);
  return true;
}

type Binary = "add" | "sub" | "mul" | "div";

const twoOperands = (op: string, name: Binary): OperatorRow =>
  row({
    op,
    since: 7,
    unit: "tandem",
    constraints: NUMBERS,
    inputs: 2,
    attributes: {},
    parse(n) {
      if (foldWith(n, name)) return;
      const inputs = n.allInputs();
      n.sameTypes(inputs);
      n.result(name, inputs, {});
    },
  });

/** The first operand joined with each that follows; undefined: the last join is the node's result already. */
function join(n: NodeContext, name: "add" | "minimum" | "maximum", last: boolean): ValueId | undefined {
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  if (inputs.length === 1) {
    if (last) n.finish(inputs[0]!);
    return inputs[0];
  }
  const [first, ...rest] = inputs as [ValueId, ...ValueId[]];
  const lead = rest.slice(0, -1).reduce((acc, x) => binary(n, name, acc, x), first);
  if (!last) return binary(n, name, lead, rest.at(-1)!);
  n.result(name, [lead, rest.at(-1)!], {});
  return undefined;
}

const variadic = (op: string, since: number, name: "add" | "minimum" | "maximum"): OperatorRow =>
  row({
    op,
    since,
    unit: "tandem",
    constraints: NUMBERS,
    inputs: [1, MANY],
    attributes: {},
    parse: (n) => void join(n, name, true),
  });

/** Powers that have a function of their own, by the exponent. */
const POWERS: ReadonlyMap<number, OpAttrs["unary"]["fn"]> = new Map([
  [2, "square"],
  [0.5, "sqrt"],
  [-1, "reciprocal"],
]);

const POW = "the exponent of integers is constant";

/** The result has the base's element type; an exponent of another type is converted, both to float where it is one. */
function pow(n: NodeContext): void {
  const [x, y] = [n.input(0), n.input(1)];
  const type = n.dtype(x);
  if (type === "bool" || n.dtype(y) === "bool") n.badInput(type === "bool" ? 0 : 1, "bool", "it must be numeric");
  const exponents = constantNumbers(n, y);
  if (type === "float32" && exponents?.length === 1 && n.shape(y).length <= n.shape(x).length) {
    const fn = POWERS.get(exponents[0]!);
    if (fn) {
      n.result("unary", [x], { fn, a: 0, b: 0 });
      return;
    }
  }
  const natural = exponents?.every((v) => Number.isInteger(v) && v >= 0) ?? false;
  if (!isFloat(type) && isFloat(n.dtype(y)) && !exponents)
    n.badInput(
      1,
      "computed at run time",
      "a power of integers is exact, and needs it as a constant",
      "make it an initializer",
    );
  if (!isFloat(type) && isFloat(n.dtype(y)) && (!natural || n.value(x).data))
    n.result("cast", [binary(n, "pow", cast(n, x, "float32"), y)], { to: type });
  else if (exponents?.length === 1 && exponents[0] === 1 && n.shape(y).length <= n.shape(x).length) n.finish(x);
  else if (n.dtype(y) !== type || !foldWith(n, "pow")) n.result("pow", [x, cast(n, y, type)], {});
}

function mod(n: NodeContext, fmod: boolean): void {
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  if (!fmod && isFloat(n.dtype(inputs[0]!))) n.badAttribute("fmod", 0, "the remainder of floats needs fmod = 1");
  if (!foldWith(n, fmod ? "fmod" : "mod")) n.result("mod", inputs, { fmod });
}

export const ARITHMETIC: readonly OperatorRow[] = [
  twoOperands("Add", "add"),
  twoOperands("Sub", "sub"),
  twoOperands("Mul", "mul"),
  twoOperands("Div", "div"),
  row({ op: "Pow", since: 7, unit: "tandem", constraints: POW, inputs: 2, attributes: {}, parse: pow }),
  row({
    op: "Mod",
    since: 10,
    unit: "tandem",
    constraints: "floats with fmod = 1",
    inputs: 2,
    attributes: { fmod: flag(false) },
    parse: (n, a) => mod(n, a.fmod),
  }),
  variadic("Sum", 6, "add"),
  variadic("Min", 6, "minimum"),
  variadic("Max", 6, "maximum"),
  row({
    op: "Mean",
    since: 6,
    unit: "tandem",
    constraints: "float tensors",
    inputs: [1, MANY],
    attributes: {},
    parse(n) {
      const count = n.inputCount;
      const sum = join(n, "add", false)!;
      if (count === 1) n.finish(sum);
      else n.result("mul", [sum, n.scalar(1 / count)], {});
    },
  }),
];
