export * from "./fold-node.js";
export { compactGrid, ROUND, spreadGrid } from "./grid.js";
export * from "./reduce.js";
export { FOLD_ELEMENTS, foldScalar, SCALAR_FUNCTIONS, type ScalarName } from "./scalar.js";
