import type { OpAttrs, ScalarName } from "@accelc/ir";
import { choice } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { foldWith } from "./arithmetic.js";
import { type OperatorRow, row } from "./row.js";

const tandem = (
  op: string,
  since: number,
  inputs: number,
  constraints: string,
  parse: (n: NodeContext) => void,
): OperatorRow => row({ op, since, unit: "tandem", inputs, constraints, attributes: {}, parse });

function compareWith(n: NodeContext, kind: OpAttrs["compare"]["kind"]): void {
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  n.result("compare", inputs, { kind });
}

const comparison = (op: string, since: number, kind: OpAttrs["compare"]["kind"]): OperatorRow =>
  tandem(op, since, 2, "numbers and bools; no strings", (n) => compareWith(n, kind));

function bools(n: NodeContext): void {
  n.allInputs().forEach((id, i) => {
    if (n.dtype(id) !== "bool") n.badInput(i, n.dtype(id), "it must be a bool tensor");
  });
}

const connective = (op: string, kind: OpAttrs["logical"]["kind"]): OperatorRow =>
  tandem(op, 7, 2, "", (n) => {
    bools(n);
    n.result("logical", n.allInputs(), { kind });
  });

function integers(n: NodeContext): void {
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  inputs.forEach((id, i) => {
    const dtype = n.dtype(id);
    if (dtype === "bool" || dtype === "float32") n.badInput(i, dtype, "it must be an integer tensor");
  });
}

function bitwise(n: NodeContext, kind: OpAttrs["bitwise"]["kind"], name: ScalarName): void {
  integers(n);
  if (!foldWith(n, name)) n.result("bitwise", n.allInputs(), { kind });
}

export const LOGIC: readonly OperatorRow[] = [
  comparison("Equal", 7, "eq"),
  comparison("Greater", 7, "gt"),
  comparison("GreaterOrEqual", 12, "ge"),
  comparison("Less", 7, "lt"),
  comparison("LessOrEqual", 12, "le"),
  connective("And", "and"),
  connective("Or", "or"),
  connective("Xor", "xor"),
  tandem("Not", 1, 1, "", (n) => {
    bools(n);
    n.result("not", n.allInputs(), { bitwise: false });
  }),
  tandem("Where", 9, 3, "", (n) => {
    const [condition, a, b] = [n.input(0), n.input(1), n.input(2)];
    if (n.dtype(condition) !== "bool") n.badInput(0, n.dtype(condition), "it must be a bool tensor");
    n.sameTypes([a, b]);
    n.result("where", [condition, a, b], {});
  }),
  tandem("BitwiseAnd", 18, 2, "", (n) => bitwise(n, "and", "bitAnd")),
  tandem("BitwiseOr", 18, 2, "", (n) => bitwise(n, "or", "bitOr")),
  tandem("BitwiseXor", 18, 2, "", (n) => bitwise(n, "xor", "bitXor")),
  tandem("BitwiseNot", 18, 1, "", (n) => {
    integers(n);
    n.result("not", n.allInputs(), { bitwise: true });
  }),
  row({
    op: "BitShift",
    since: 11,
    unit: "tandem",
    inputs: 2,
    attributes: { direction: choice(["LEFT", "RIGHT"]) },
    parse: (n, a) =>
      a.direction === "LEFT" ? bitwise(n, "shiftLeft", "shiftLeft") : bitwise(n, "shiftRight", "shiftRight"),
  }),
];
