export { type BlockBound, lowerBound, nodeMacs, type ProgramBound } from "./bound.js";
export { type Group, groupNodes, partition } from "./partition.js";
export { blockTensors, type Plan, type PlanOptions, planBlocks } from "./plan.js";
