export * from "./blocks/index.js";
export * from "./calibration/index.js";
export * from "./float/index.js";
export { renderFunctionsMarkdown } from "./functions/index.js";
export { maxWindowRows, splitWindows } from "./integer/split-windows.js";
export { renderPassesMarkdown } from "./markdown.js";
export * from "./pass.js";
export { FLOAT_PASSES, INTEGER_PASSES } from "./pipeline.js";
export { type QuantizeOptions, quantize } from "./quantize/index.js";
