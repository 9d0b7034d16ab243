import { OPERATORS, type OperatorRow } from "@accelc/frontend";
import { elementCost } from "./element-cost.js";

export const OPERATOR_HEAD = [
  "operator",
  "opsets",
  "runs on",
  "instructions per element",
  "what is supported",
] as const;

const opsets = (r: OperatorRow): string =>
  r.until === undefined ? `${r.since}+` : r.until === r.since ? String(r.since) : `${r.since}-${r.until}`;

const nameOf = (r: OperatorRow): string => (r.domain === "" ? r.op : `${r.domain}.${r.op}`);

/** By name, then opset. */
export const operatorRows = (): OperatorRow[] =>
  [...OPERATORS].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : a.since - b.since));

export const operatorCells = (r: OperatorRow): string[] => [
  nameOf(r),
  opsets(r),
  r.unit,
  elementCost(r) ?? "",
  r.constraints || "everything",
];

const markdownRow = (row: readonly string[]): string => `| ${row.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |\n`;

export const operatorTable = (): string =>
  [OPERATOR_HEAD, OPERATOR_HEAD.map(() => "---"), ...operatorRows().map(operatorCells)].map(markdownRow).join("");

/** docs/operators.md. */
export function renderOperatorsMarkdown(): string {
  const names = new Set(operatorRows().map(nameOf));
  return `<!-- Generated from the operator table by npm run docs. -->

# Operators

${names.size} ONNX operators are supported. \`accelc ops\` prints this table; what a model may not use is refused with all reasons at once.

"Runs on" is the unit that computes the operator: the systolic array (\`systolic\`), the Tandem Processor (\`tandem\`), data
movement by transfers and permutations (\`movement\`), or nothing at all because it is computed while compiling (\`folded\`).
"Instructions per element" counts vector instructions that the Tandem Processor issues per output element, divided by its
lanes, at int8.

${operatorTable()}`;
}
