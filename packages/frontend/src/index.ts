export { ELEMENT_TYPES, type ElementType, elementType } from "./element-types.js";
export { type ExternalData, locationProblem } from "./external.js";
export { type ImportOptions, importModel, importProto } from "./import.js";
export {
  buildModel,
  type FunctionText,
  type GraphText,
  type ModelText,
  type NewAttribute,
  type NewNode,
  type NewPort,
  type NewTensor,
} from "./make-model.js";
export { codeRange, QONNX_DOMAINS } from "./operators/qonnx.js";
export type { OperatorRow, Unit } from "./operators/row.js";
export { NEWEST_OPSET, OLDEST_OPSET, OPERATORS, operatorRow } from "./operators/table.js";
export {
  type AttributeProto,
  decodeModel,
  decodeTensorProto,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  toBigInt,
  toNumber,
  type ValueInfoProto,
} from "./proto.js";
export { type DecodedTensor, decodeTensor } from "./tensor.js";
