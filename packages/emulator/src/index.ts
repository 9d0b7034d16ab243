export { createImage, type Image } from "./arena.js";
export {
  type Batch,
  type BatchOptions,
  batchResult,
  createBatch,
  type Failure,
  type RunResult,
  type Work,
} from "./batch.js";
export {
  type BlockCycles,
  type BoundBy,
  DEFAULT_EVENTS,
  type EnergyEvents,
  type RelativeEnergy,
  type Resource,
  type SimulateOptions,
  type SimulationReport,
  simulate,
  simulateText,
  stepCycles,
  type TimelineEntry,
  type Traffic,
  type TrafficByPort,
} from "./cycles/index.js";
export { ELEMENT_TYPES, type ElementType, type HostData } from "./element-types.js";
export { EmulatorError, ERRORS, type ErrorKey, TRAPS, Trap, type TrapKey, type TrapLocation } from "./errors.js";
export { createTeam, helpTeam, type Team, type TeamJob } from "./fast/team.js";
export type { HostTensor } from "./host-tensors.js";
export type { HostInputs } from "./inputs.js";
export type { RawTensor } from "./layout.js";
export type { Profile, ProfileEntry } from "./profile.js";
export { decodeObject, load, loadImage, loadObject, type MachineSource, type Program } from "./program.js";
export type { Engine } from "./samples.js";
export {
  DEFAULT_STEPS,
  type ReadTensor,
  type RunOptions,
  type Session,
  type SessionOptions,
  type WorkOptions,
} from "./session.js";
export type { DramPort, Stats } from "./stats.js";
export type { Block, Region } from "./structure.js";
export { jobOf, runJob, type ThreadJob } from "./thread-job.js";
