export type { SearchCounts } from "./best-first.js";
export { type BlockBound, blockMacs, lowerBound, nodeMacs, type ProgramBound } from "./bound.js";
export { DATAFLOWS, type Dataflow, dataflowOf } from "./dataflow.js";
export { type Decision, EXPLAINED, type Explained, explain, stopsByBlock } from "./explain.js";
export { type Group, groupNodes, partition, type Stop } from "./partition.js";
export { type Plan, type PlanOptions, planBlocks } from "./plan.js";
export type { Residency } from "./residency.js";
export {
  type Cost,
  DEFAULT_BUDGET,
  type Measure,
  OBJECTIVES,
  type Objective,
  pricedCycles,
  type SearchOptions,
} from "./search.js";
export { blockTensors } from "./tensors.js";
export { type NodeUnits, nodeUnits } from "./units.js";
