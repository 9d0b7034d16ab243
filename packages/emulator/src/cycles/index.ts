export type { Traffic, TrafficByPort } from "./counts.js";
export { DEFAULT_EVENTS } from "./events.js";
export { stepCycles } from "./oracle/step.js";
export type {
  BlockCycles,
  BoundBy,
  EnergyEvents,
  RelativeEnergy,
  Resource,
  SimulationReport,
  TimelineEntry,
} from "./report.js";
export { type SimulateOptions, simulate, simulateText } from "./simulate.js";
