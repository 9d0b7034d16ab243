export type { Field, Form } from "./codec.js";
export { decode, encode, FORMS, fieldRange, formFor, halves, isFieldValue, signed16, unsigned16 } from "./codec.js";
export type { FieldSeg, FixedSeg, Seg } from "./fields.js";
export { BUFFER, DIR, FORMAT, HALF, NS, PAD_RUN, REDUCTION, SA_LOOPS, SIDE, UNIT } from "./fields.js";
export type {
  AccelObject,
  AccelSymbol,
  DebugBlock,
  DebugNode,
  DebugRange,
  DebugTable,
  DebugTensor,
  IoTable,
  LayoutTerm,
  StorageBits,
  TensorPlace,
} from "./object.js";
export { FORMAT_VERSION } from "./object.js";
export type { Args, ComputeOp, Inst, Op, Operand, OperandUse, Origin, Row, Unit } from "./table.js";
export { ISA, isCompute, OPS } from "./table.js";
