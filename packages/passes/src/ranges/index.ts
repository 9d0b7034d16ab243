export { type ChannelSums, channelSums, type Layout } from "./channel-sums.js";
export { type Distribution, distributionOf } from "./distribution.js";
export { squaredError } from "./error.js";
export { mseSymmetric, mseTwoSided } from "./mse.js";
export { octavOneSided, octavSymmetric, octavTwoSided } from "./octav.js";
export { SAWB, type SawbPair, type SawbRow, sawbClip, sawbRow } from "./sawb.js";
export { type Steps, stepsError, stepsOver } from "./steps.js";
export {
  chooseSawbPair,
  methodAt,
  topCode,
  WEIGHT_METHODS,
  type WeightMethod,
  weightScales,
} from "./weight-range.js";
