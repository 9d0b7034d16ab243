export { type CodeSet, type RangeMethod, rangeFor } from "./activation-range.js";
export * from "./calibrate.js";
export { type Channels, eachWeight, inputChannels, inputOf } from "./input-channels.js";
export { RangeCollector } from "./range-collector.js";
export * from "./samples.js";
export type { ChannelStatistics, Range, Statistics } from "./statistics.js";
