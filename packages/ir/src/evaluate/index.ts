export { type EvaluateOptions, evaluate } from "./evaluate.js";
export { minifloatFormat, realValues } from "./minifloat.js";
