export * from "./accumulate.js";
export * from "./fixed.js";
export * from "./float.js";
export * from "./formats.js";
export * from "./functions.js";
export * from "./minifloat.js";
export * from "./pack.js";
