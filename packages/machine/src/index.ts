export { MACHINE_ERRORS, MachineError, type MachineErrorCode, type MachineProblem } from "./errors.js";
export { COMPUTE_MNEMONICS } from "./latency.js";
export { loadMachine, type MachineResolver, machineNames, machinePreset } from "./load.js";
export { DEFAULT_MACHINE } from "./presets.js";
export { ARRAY_FORMATS, type ArrayFormat, type MachineDescription } from "./schema.js";
