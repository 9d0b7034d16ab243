export type { Traffic, TrafficByPort } from "./counts.js";
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
export { simulate, simulateText } from "./simulate.js";
