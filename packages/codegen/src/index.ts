export { type DramMap, emitProgram } from "./program.js";
export { SELECT } from "./select.js";
