export * from "./blame/index.js";
export * from "./blocks/index.js";
export * from "./calibration/index.js";
export * from "./float/index.js";
export { renderFunctionsMarkdown } from "./functions/index.js";
export { foldIntegers } from "./integer/fold-integers.js";
export { maxReduction, splitReductions } from "./integer/split-reductions.js";
export { maxWindowRows, splitWindows } from "./integer/split-windows.js";
export { renderPassesMarkdown } from "./markdown.js";
export * from "./pass.js";
export { FLOAT_PASSES, INTEGER_PASSES } from "./pipeline.js";
export {
  type Edges,
  type FormatOptions,
  type Formats,
  formatBits,
  formatProblems,
  isMinifloatFormat,
  type LayerFormat,
  OPERAND_FORMATS,
  type OperandFormat,
  PRECISIONS,
  type Precision,
  planFormats,
} from "./quantize/formats.js";
export { calibrationTensors } from "./quantize/grids.js";
export { type QuantizeOptions, quantize, type SumRules } from "./quantize/index.js";
export { layerGroups } from "./quantize/layers.js";
export { clippedTensors, hasTrainedClips } from "./quantize/learned-clips.js";
export * from "./ranges/index.js";
export * from "./tune/index.js";
