export { type CodeSet, type RangeMethod, rangeFor } from "./activation-range.js";
export * from "./calibrate.js";
export { RangeCollector } from "./range-collector.js";
export * from "./samples.js";
export type { Range, Statistics } from "./statistics.js";
