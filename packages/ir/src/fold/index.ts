export * from "./fold-node.js";
export * from "./reduce.js";
export { foldScalar, SCALAR_FUNCTIONS, type ScalarName } from "./scalar.js";
