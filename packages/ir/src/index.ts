export * from "./builder.js";
export * from "./diagnostics.js";
export * from "./evaluate/index.js";
export * from "./graph.js";
export * from "./ops.js";
export * from "./print.js";
export * from "./types.js";
export * from "./verify.js";
