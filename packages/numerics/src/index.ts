export * from "./fixed.js";
