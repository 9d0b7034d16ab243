export { blame, blameTensors, type LayerBlame, type OperandBlame, type Remedy } from "./blame.js";
export { decibelsOf, storedAs, weightsOf } from "./operands.js";
