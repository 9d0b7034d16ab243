export { type DerivedMachine, derive, extraCycles, type HalvedScratchpad, type Scratchpad } from "./derive.js";
export { MACHINE_ERRORS, MachineError, type MachineErrorCode, type MachineProblem } from "./errors.js";
export { machineHash } from "./hash.js";
export { COMPUTE_OPS } from "./latency.js";
export { loadMachine, type MachineResolver, machineNames, machinePreset } from "./load.js";
export { DEFAULT_MACHINE } from "./presets.js";
export { ARRAY_FORMATS, type ArrayFormat, ENERGY_EVENTS, type MachineDescription } from "./schema.js";
export { sha256 } from "./sha256.js";
export {
  burstsOfRun,
  configurationCycles,
  type IssuedOp,
  issueCycles,
  nestCycles,
  permutationCycles,
  pipelineStages,
  systolicTileCycles,
  TANDEM_PIPELINE_STAGES,
  transferCycles,
} from "./timing.js";
