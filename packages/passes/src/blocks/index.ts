export { type BlockBound, lowerBound, nodeMacs, type ProgramBound } from "./bound.js";
export { type Group, groupNodes, partition } from "./partition.js";
export { type Plan, type PlanOptions, planBlocks } from "./plan.js";
export type { Cost, Measure, Objective, SearchOptions } from "./search.js";
export { blockTensors } from "./tensors.js";
