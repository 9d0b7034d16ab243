export type { CalibTable } from "./calib-table.js";
export { type CompileResult, compile, compileStages, PASS_NAMES, type StageResults } from "./compile.js";
export { type Lowered, lower, measureOn } from "./lower.js";
export { countMacs } from "./macs.js";
export type { MixedLayer, MixedReport } from "./mixed/index.js";
export type { CompileOptions } from "./options.js";
export type { BlockReport, CompileReport, CycleReport } from "./report.js";
export { type OnStage, STAGES, type Stage } from "./stages.js";
