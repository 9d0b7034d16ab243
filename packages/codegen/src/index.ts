export { type Binary, type DramMap, emitBinary, emitProgram, emitText } from "./program.js";
export { SELECT } from "./select.js";
