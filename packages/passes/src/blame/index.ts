export { blame, blameTensors, type LayerBlame, type OperandBlame, type Remedy } from "./blame.js";
export { storedAs, weightsOf } from "./operands.js";
