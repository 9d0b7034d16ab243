export * from "./fold-node.js";
export * from "./reduce.js";
export { FOLD_ELEMENTS, foldScalar, SCALAR_FUNCTIONS, type ScalarName } from "./scalar.js";
