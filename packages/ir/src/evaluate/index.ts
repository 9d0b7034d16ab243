export { type EvaluateOptions, evaluate } from "./evaluate.js";
export { numbersOf } from "./minifloat.js";
