import { foldScalar, type ScalarName } from "@accelc/ir";
import type { NodeContext } from "../context.js";
import { MANY, type OperatorRow, row } from "./row.js";

const FLOAT = "float tensors at run time, any numeric type where constant";

/** Computes the node from constants, which all its inputs are; how it ends otherwise is up to the caller. */
export function foldWith(n: NodeContext, name: ScalarName): boolean {
  const values = n.allInputs().map((id) => n.value(id));
  if (values.some((v) => v.data === undefined)) return false;
  const r = foldScalar(name, values);
  if (typeof r === "string") n.noValue(r);
  n.constantResult(r);
  return true;
}

const binary = (op: string, name: "add" | "sub" | "mul" | "div"): OperatorRow =>
  row({
    op,
    since: 7,
    unit: "tandem",
    constraints: FLOAT,
    inputs: 2,
    attributes: {},
    parse(n) {
      if (foldWith(n, name)) return;
      const inputs = n.allInputs();
      n.sameTypes(inputs);
      n.result(name, inputs, {});
    },
  });

function sum(n: NodeContext): void {
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  if (inputs.length === 1) {
    n.result("identity", inputs, {});
    return;
  }
  const last = inputs.length - 1;
  inputs
    .slice(1)
    .reduce((acc, x, i) => (i + 1 === last ? n.result("add", [acc, x], {}) : n.add("add", [acc, x], {})), inputs[0]!);
}

export const ARITHMETIC: readonly OperatorRow[] = [
  binary("Add", "add"),
  binary("Sub", "sub"),
  binary("Mul", "mul"),
  binary("Div", "div"),
  row({ op: "Sum", since: 6, unit: "tandem", constraints: FLOAT, inputs: [1, MANY], attributes: {}, parse: sum }),
  row({
    op: "Neg",
    since: 6,
    unit: "tandem",
    constraints: FLOAT,
    inputs: 1,
    attributes: {},
    parse(n) {
      if (!foldWith(n, "neg")) n.result("mul", [n.input(0), n.scalar(-1)], {});
    },
  }),
];
