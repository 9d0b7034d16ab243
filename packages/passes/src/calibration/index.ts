export * from "./calibrate.js";
export { type Range, RangeCollector, type RangeMethod } from "./range-collector.js";
export * from "./samples.js";
