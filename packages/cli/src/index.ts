export { renderCyclesMarkdown } from "./cycles/markdown.js";
export { ELEMENT_COST } from "./element-cost-table.js";
export type { Io, Output } from "./io.js";
export { main } from "./main.js";
export { renderOperatorsMarkdown } from "./operators-doc.js";
