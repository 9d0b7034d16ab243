import type { OpAttrs } from "../ops.js";
import type { Data, Value } from "../types.js";
import { unaryFunction } from "../unary.js";
import type { FoldableNode } from "./fold-node.js";
import { foldScalar, type ScalarName } from "./scalar.js";
import { cells } from "./strided.js";

const COMPARE = {
  eq: "equal",
  ne: "notEqual",
  gt: "greater",
  ge: "greaterOrEqual",
  lt: "less",
  le: "lessOrEqual",
} as const;

const BITWISE = {
  and: "bitAnd",
  or: "bitOr",
  xor: "bitXor",
  shiftLeft: "shiftLeft",
  shiftRight: "shiftRight",
} as const;

/** The scalar function that an elementwise operation applies; undefined where it has a definition of its own. */
export function scalarOf(n: FoldableNode): ScalarName | undefined {
  switch (n.op) {
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "pow":
    case "where":
      return n.op;
    case "minimum":
      return "min";
    case "maximum":
      return "max";
    case "mod":
      return n.attrs.fmod ? "fmod" : "mod";
    case "compare":
      return COMPARE[n.attrs.kind];
    case "logical":
      return n.attrs.kind;
    case "bitwise":
      return BITWISE[n.attrs.kind];
    case "not":
      return n.attrs.bitwise ? "bitNot" : "not";
    default:
      return undefined;
  }
}

/** Functions that integers have too; of whole numbers the rounding ones are the identity. */
const ON_INTEGERS: Readonly<Record<string, ScalarName>> = { abs: "abs", neg: "neg", sign: "sign" };
const ROUNDING: ReadonlySet<string> = new Set(["floor", "ceil", "round"]);

/** A function of the table of unary functions, rounded once to float32; on integers where it stays within them. */
export function unary(x: Value, a: OpAttrs["unary"]): Data | undefined {
  if (x.type.dtype === "float32") {
    const { f } = unaryFunction(a.fn);
    return (x.data as Float32Array).map((v) => f(v, a.a, a.b));
  }
  if (x.type.dtype === "bool") return undefined;
  if (ROUNDING.has(a.fn)) return x.data;
  if (a.fn === "square") return scalar("mul", [x, x]);
  const name = ON_INTEGERS[a.fn];
  return name && scalar(name, [x]);
}

export function scalar(name: ScalarName, inputs: readonly Value[]): Data | undefined {
  const r = foldScalar(name, inputs);
  return typeof r === "string" ? undefined : r.data;
}

/** max(x, 0) of any numeric type. */
export function relu(x: Value): Data {
  const out = x.data!.slice();
  const cell = cells(out);
  const zero = typeof cell[0] === "bigint" ? 0n : 0;
  for (let i = 0; i < cell.length; i++) if (cell[i]! < 0) cell[i] = zero;
  return out;
}
