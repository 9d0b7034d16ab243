import { ACTIVATION } from "./activation.js";
import { ARITHMETIC } from "./arithmetic.js";
import { ATTENTION } from "./attention.js";
import { CONSTANT } from "./constant.js";
import { CONTROL } from "./control.js";
import { CONV } from "./conv.js";
import { CONV_TRANSPOSE } from "./conv-transpose.js";
import { EINSUM } from "./einsum.js";
import { GATHER } from "./gather.js";
import { INDEXING } from "./indexing.js";
import { JOIN } from "./join.js";
import { LAYOUT } from "./layout.js";
import { LOGIC } from "./logic.js";
import { MATMUL } from "./matmul.js";
import { NORMALIZATION } from "./normalization.js";
import { PAD } from "./pad.js";
import { PASS_THROUGH } from "./pass-through.js";
import { POOL_ROWS } from "./pool.js";
import { QLINEAR } from "./qlinear.js";
import { QONNX } from "./qonnx.js";
import { QUANTIZE } from "./quantize.js";
import { RECURRENT } from "./recurrent.js";
import { REDUCE } from "./reduce.js";
import { RESIZE_ROWS } from "./resize.js";
import { ROTARY } from "./rotary.js";
import type { OperatorRow } from "./row.js";
import { SHAPE_ROWS } from "./shape.js";
import { SHAPE_ARITHMETIC } from "./shape-arithmetic.js";
import { SLICE } from "./slice.js";
import { SOFTMAX } from "./softmax.js";
import { STATISTICS } from "./statistics.js";
import { TOP_K } from "./top-k.js";
import { UNARY_ROWS } from "./unary.js";

/** Opsets of the ONNX domain that are read. Rows may begin earlier: their operators did not change since. */
export const OLDEST_OPSET = 1;
export const NEWEST_OPSET = 28;

/** Every supported ONNX operator, one row per opset range with one meaning. */
export const OPERATORS: readonly OperatorRow[] = [
  ...CONV,
  ...CONV_TRANSPOSE,
  ...MATMUL,
  ...EINSUM,
  ...ATTENTION,
  ...ROTARY,
  ...RECURRENT,
  ...ARITHMETIC,
  ...LOGIC,
  ...UNARY_ROWS,
  ...ACTIVATION,
  ...REDUCE,
  ...TOP_K,
  ...SOFTMAX,
  ...POOL_ROWS,
  ...NORMALIZATION,
  ...STATISTICS,
  ...RESIZE_ROWS,
  ...SHAPE_ROWS,
  ...JOIN,
  ...SLICE,
  ...PAD,
  ...PASS_THROUGH,
  ...CONSTANT,
  ...GATHER,
  ...INDEXING,
  ...LAYOUT,
  ...SHAPE_ARITHMETIC,
  ...CONTROL,
  ...QUANTIZE,
  ...QLINEAR,
  ...QONNX,
];

/** The row for an operator of a domain ("" is ONNX's) in an opset; undefined where it is not supported. */
export function operatorRow(domain: string, op: string, opset: number): OperatorRow | undefined {
  return OPERATORS.find(
    (r) => r.op === op && r.domain === domain && r.since <= opset && (r.until === undefined || opset <= r.until),
  );
}
