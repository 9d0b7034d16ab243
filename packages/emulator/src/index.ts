export {
  type BlockCycles,
  type BoundBy,
  type EnergyEvents,
  type RelativeEnergy,
  type Resource,
  type SimulationReport,
  simulate,
  stepCycles,
  type TimelineEntry,
  type Traffic,
  type TrafficByPort,
} from "./cycles/index.js";
export { ELEMENT_TYPES, type ElementType, type HostData } from "./element-types.js";
export { EmulatorError, ERRORS, type ErrorKey, TRAPS, Trap, type TrapKey, type TrapLocation } from "./errors.js";
export type { HostTensor } from "./host-tensors.js";
export type { HostInputs } from "./inputs.js";
export type { RawTensor } from "./layout.js";
export { load, loadObject, type MachineSource, type Program } from "./program.js";
export type { Engine } from "./samples.js";
export type { ReadTensor, RunOptions, RunResult, Session } from "./session.js";
export type { DramPort, Stats } from "./stats.js";
export type { Block, Region } from "./structure.js";
