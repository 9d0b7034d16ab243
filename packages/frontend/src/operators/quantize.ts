import { isFloat, type ValueId } from "@accelc/ir";
import { flag, ignored, int } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { type ElementType, elementType } from "../element-types.js";
import { binary, cast, reduce, unary, withNumber } from "./build.js";
import { codesOf, dequantize, floatCodes, gridOf, quantize, type ScaleInputs, scaleFloats } from "./quantizer.js";
import { type OperatorRow, row } from "./row.js";

interface Placement {
  readonly axis: number;
  readonly block_size: number;
}

const PER_TENSOR: Placement = { axis: 0, block_size: 0 };
const UINT8 = 2;

function scaleInputs(n: NodeContext, a: Placement): ScaleInputs {
  const rank = n.shape(n.input(0)).length;
  const axis = a.axis < 0 ? a.axis + rank : a.axis;
  const list = n.constantInput(1).data.length > 1;
  if (list && (axis < 0 || axis >= rank)) n.badAttribute("axis", a.axis, `the tensor has rank ${rank}`);
  if (a.block_size < 0) n.badAttribute("block_size", a.block_size, "it must not be negative");
  return { scale: 1, zero: 2, axis, block: a.block_size };
}

/** The type of the codes: that of the zero point, else the attribute's, else uint8. */
function codeType(n: NodeContext, given: number): ElementType {
  const type = n.has(2) ? n.elementType(2) : elementType(given === 0 ? UINT8 : given);
  if (type.dtype === undefined) n.badAttribute("output_dtype", given, type.reason ?? "it is not supported");
  if (n.has(2) && given !== 0 && elementType(given).name !== type.name)
    n.badAttribute("output_dtype", elementType(given).name, `the zero point is ${type.name}`);
  if (type.bits > 16 || type.bits === 0) n.badInput(2, type.name, "codes have 16 bits or fewer");
  return type;
}

function quantizeLinear(n: NodeContext, a: Placement & { output_dtype: number; saturate: boolean }): void {
  const x = n.input(0);
  const type = codeType(n, a.output_dtype);
  const g = gridOf(n, n.shape(x), codesOf(type), scaleInputs(n, a));
  const float = cast(n, x, "float32");
  if (type.float) {
    n.declareType(type);
    n.finish(floatCodes(n, float, g, type, a.saturate));
  } else quantize(n, float, g, type);
}

function dequantizeLinear(n: NodeContext, a: Placement): void {
  const q = n.input(0);
  const type = n.elementType(0);
  const g = gridOf(n, n.shape(q), codesOf(type), scaleInputs(n, a));
  n.finish(isFloat(n.dtype(q)) ? scaleFloats(n, q, g) : dequantize(n, q, g));
}

/** x / scale cut to what no code is beyond, to the nearest integer. */
function wholeSteps(n: NodeContext, x: ValueId, scale: ValueId, most: number): ValueId {
  const steps = n.add("clip", [binary(n, "div", x, scale)], { min: -most, max: most });
  return unary(n, "round", steps);
}

/** Scale and zero point from the values at run time, as ONNX's function body has it. */
function dynamicQuantizeLinear(n: NodeContext): void {
  const x = n.input(0);
  const axes = n.shape(x).map((_, i) => i);
  const whole = (kind: "max" | "min"): ValueId => n.add("reshape", [reduce(n, kind, x, axes)], { shape: [] });
  const most = withNumber(n, "maximum", whole("max"), 0);
  const least = withNumber(n, "minimum", whole("min"), 0);
  const scale = withNumber(n, "div", binary(n, "sub", most, least), 255);
  const zero = n.add("clip", [unary(n, "neg", wholeSteps(n, least, scale, 255))], { min: 0, max: 255 });
  const sum = binary(n, "add", wholeSteps(n, x, scale, 255), zero);
  n.declareType(elementType(UINT8));
  n.finish(cast(n, n.add("clip", [sum], { min: 0, max: 255 }), "uint8"));
  n.finish(scale, 1);
  n.finish(cast(n, zero, "uint8"), 2);
}

const Q = { op: "QuantizeLinear", unit: "tandem", inputs: [2, 3] } as const;
const DQ = { op: "DequantizeLinear", unit: "tandem", inputs: [2, 3] } as const;
const CONSTANTS = "scale and zero point constant";
const AXIS = { axis: int(1) };
const BLOCK = { ...AXIS, block_size: int(0) };
const SATURATE = { saturate: flag(true) };
const PLAIN = { ...PER_TENSOR, output_dtype: 0, saturate: true };

export const QUANTIZE: readonly OperatorRow[] = [
  row({ ...Q, since: 10, until: 12, constraints: CONSTANTS, attributes: {}, parse: (n) => quantizeLinear(n, PLAIN) }),
  row({
    ...Q,
    since: 13,
    until: 18,
    constraints: CONSTANTS,
    attributes: AXIS,
    parse: (n, a) => quantizeLinear(n, { ...PLAIN, ...a }),
  }),
  row({
    ...Q,
    since: 19,
    until: 20,
    constraints: CONSTANTS,
    attributes: { ...AXIS, ...SATURATE },
    parse: (n, a) => quantizeLinear(n, { ...PLAIN, ...a }),
  }),
  row({
    ...Q,
    since: 21,
    constraints: CONSTANTS,
    attributes: { ...BLOCK, ...SATURATE, output_dtype: int(0), precision: ignored("int") },
    parse: quantizeLinear,
  }),
  row({
    ...DQ,
    since: 10,
    until: 12,
    constraints: CONSTANTS,
    attributes: {},
    parse: (n) => dequantizeLinear(n, PER_TENSOR),
  }),
  row({
    ...DQ,
    since: 13,
    until: 20,
    constraints: CONSTANTS,
    attributes: AXIS,
    parse: (n, a) => dequantizeLinear(n, { ...PER_TENSOR, ...a }),
  }),
  row({
    ...DQ,
    since: 21,
    constraints: CONSTANTS,
    attributes: { ...BLOCK, output_dtype: ignored("int") },
    parse: dequantizeLinear,
  }),
  row({
    op: "DynamicQuantizeLinear",
    since: 11,
    unit: "tandem",
    inputs: 1,
    outputs: [3, 3],
    attributes: {},
    parse: dynamicQuantizeLinear,
  }),
];
