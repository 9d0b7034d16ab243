import { isFloat } from "@accelc/ir";
import { choice, flag, float, ignored, int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { elementType } from "../element-types.js";
import { type OperatorRow, row } from "./row.js";

function cast(n: NodeContext, to: number): void {
  const x = n.input(0);
  const type = elementType(to);
  const reason = type.reason ?? (type.bits < 16 && type.float ? "8-bit floats are not supported here" : undefined);
  if (reason !== undefined || type.dtype === undefined) n.badAttribute("to", type.name, reason ?? "not supported");
  if (type.bits < 8) n.badAttribute("to", type.name, "packed integers are not supported here");
  const dtype = type.dtype!;
  const from = n.dtype(x);
  if (from === dtype || (isFloat(from) && isFloat(dtype))) n.result("identity", [x], {});
  else n.result("cast", [x], { to: dtype });
}

/** In inference everything passes; the mask, from opset 10 on a bool tensor, says so. */
function dropout(n: NodeContext): void {
  const x = n.input(0);
  if (n.opset < 10) n.refuseOutput(1, "masks are supported from opset 10 on");
  if (n.outputRead(1)) {
    const yes = n.constant({ dtype: "bool", shape: [] }, Uint8Array.of(1));
    n.result("expand", [yes], { shape: n.shape(x) }, 1);
  }
  n.result("identity", [x], {});
}

const INFERENCE = "inference only";
const SATURATE = { saturate: flag(true) };

export const PASS_THROUGH: readonly OperatorRow[] = [
  row({
    op: "Identity",
    since: 1,
    unit: "movement",
    inputs: 1,
    attributes: {},
    parse: (n) => void n.result("identity", [n.input(0)], {}),
  }),
  row({
    op: "Dropout",
    since: 7,
    until: 11,
    unit: "folded",
    constraints: INFERENCE,
    inputs: 1,
    outputs: [1, 2],
    attributes: { ratio: float(0.5) },
    parse: dropout,
  }),
  row({
    op: "Dropout",
    since: 12,
    unit: "folded",
    constraints: INFERENCE,
    inputs: [1, 3],
    outputs: [1, 2],
    attributes: { seed: ignored("int") },
    parse(n) {
      if (n.has(2) && n.scalarInput(2) !== 0) n.badInput(2, "true", "training is not supported");
      dropout(n);
    },
  }),
  row({
    op: "Cast",
    since: 6,
    until: 18,
    unit: "tandem",
    constraints: "no strings, complex numbers, or types under 8 bits",
    inputs: 1,
    attributes: { to: int() },
    parse: (n, a) => cast(n, a.to),
  }),
  row({
    op: "Cast",
    since: 19,
    until: 23,
    unit: "tandem",
    constraints: "no strings, complex numbers, 8-bit floats, or types under 8 bits",
    inputs: 1,
    attributes: { to: int(), ...SATURATE },
    parse: (n, a) => cast(n, a.to),
  }),
  row({
    op: "Cast",
    since: 24,
    unit: "tandem",
    constraints: "no strings, complex numbers, 8-bit floats, or types under 8 bits",
    inputs: 1,
    attributes: { to: int(), ...SATURATE, round_mode: choice(["up", "down", "nearest"]) },
    parse: (n, a) => cast(n, a.to),
  }),
];
