export { createOracle, type Oracle, type OracleInputs, type OracleOptions } from "./oracle.js";
export type { OracleTensor } from "./tensor.js";
