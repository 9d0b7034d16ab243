export { createOracle, type Oracle, type OracleInputs, type OracleOptions } from "./oracle.js";
export { openPieces, type Part, type Pieces, type PiecesOptions } from "./pieces.js";
export type { OracleTensor } from "./tensor.js";
