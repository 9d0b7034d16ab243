export { type DramMap, emitProgram, emitText } from "./program.js";
export { SELECT } from "./select.js";
