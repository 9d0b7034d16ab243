import { isFloat, type MinifloatRounding, type ValueId } from "@accelc/ir";
import { choice, flag, float, ignored, int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { type ElementType, elementType } from "../element-types.js";
import { cast as castValue } from "./build.js";
import { roundToMinifloat } from "./minifloat.js";
import { type OperatorRow, row } from "./row.js";

/** Floats narrower than float32 are computed with as float32; a conversion to 8 bits or fewer rounds. */
function cast(n: NodeContext, to: number, rounding: MinifloatRounding): void {
  castTo(n, elementType(to), rounding, () => String(elementType(to).name));
}

function castTo(n: NodeContext, type: ElementType, rounding: MinifloatRounding, shown: () => string): void {
  const x = n.input(0);
  if (type.dtype === undefined) n.badAttribute("to", shown(), type.reason ?? "not supported");
  n.declareType(type);
  const dtype = type.dtype!;
  const from = n.dtype(x);
  if (type.float && type.bits < 16) n.finish(roundToMinifloat(n, castValue(n, x, "float32"), type.float, rounding));
  else if (type.bits < 8) n.finish(wrapped(n, castValue(n, x, dtype), type));
  else if (from === dtype || (isFloat(from) && isFloat(dtype))) n.result("identity", [x], {});
  else n.result("cast", [x], { to: dtype });
}

/** The low bits of an 8-bit integer, the sign extended: ((x & mask) ^ half) − half. */
function wrapped(n: NodeContext, x: ValueId, { bits, dtype }: ElementType): ValueId {
  const number = (v: number): ValueId => n.scalar(v, dtype!);
  const low = n.add("bitwise", [x, number(2 ** bits - 1)], { kind: "and" });
  if (dtype === "uint8") return low;
  const flipped = n.add("bitwise", [low, number(2 ** (bits - 1))], { kind: "xor" });
  return n.add("sub", [flipped, number(2 ** (bits - 1))], {});
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
const ROUND_MODE = { round_mode: choice(["up", "down", "nearest"]) };
const DEFAULT_ROUNDING = { saturate: true, round_mode: "up" } as const;
const LIKE = { op: "CastLike", unit: "tandem", constraints: "no strings or complex numbers", inputs: 2 } as const;

const castLike = (n: NodeContext, rounding: MinifloatRounding): void =>
  castTo(n, n.elementType(1), rounding, () => n.elementType(1).name);

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
      const trains = n.has(2) && n.scalarInput(2) !== 0;
      if (trains && (!n.has(1) || n.scalarInput(1) !== 0)) n.badInput(2, "true", "training is not supported");
      dropout(n);
    },
  }),
  row({
    op: "Cast",
    since: 6,
    until: 18,
    unit: "tandem",
    constraints: "no strings or complex numbers",
    inputs: 1,
    attributes: { to: int() },
    parse: (n, a) => cast(n, a.to, DEFAULT_ROUNDING),
  }),
  row({
    op: "Cast",
    since: 19,
    until: 23,
    unit: "tandem",
    constraints: "no strings or complex numbers",
    inputs: 1,
    attributes: { to: int(), ...SATURATE },
    parse: (n, a) => cast(n, a.to, { ...DEFAULT_ROUNDING, ...a }),
  }),
  row({
    op: "Cast",
    since: 24,
    unit: "tandem",
    constraints: "no strings or complex numbers",
    inputs: 1,
    attributes: { to: int(), ...SATURATE, ...ROUND_MODE },
    parse: (n, a) => cast(n, a.to, a),
  }),
  row({ ...LIKE, since: 15, until: 18, attributes: {}, parse: (n) => castLike(n, DEFAULT_ROUNDING) }),
  row({
    ...LIKE,
    since: 19,
    until: 23,
    attributes: SATURATE,
    parse: (n, a) => castLike(n, { ...DEFAULT_ROUNDING, ...a }),
  }),
  row({ ...LIKE, since: 24, attributes: { ...SATURATE, ...ROUND_MODE }, parse: castLike }),
];
