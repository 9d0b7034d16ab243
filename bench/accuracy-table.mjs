// @ts-check
// Rows of `npm run -s bench -- accuracy` on standard input; docs/accuracy.md on standard output.
import { readFileSync } from "node:fs";

/** @type {any[]} */
const rows = readFileSync(0, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line))
  .filter((row) => row.bench === "accuracy");

const percent = (/** @type {number} */ x) => (100 * x).toFixed(1);

/** @type {(row: any) => string} */
function how(row) {
  const ways = [row.actQuant && `--act-quant ${row.actQuant}`, row.weightQuant && `--weight-quant ${row.weightQuant}`];
  const text = [...ways, row.maxDrop !== undefined && `--max-drop ${row.maxDrop}`].filter(Boolean).join(" ");
  return row.tuned ? `${text} tuned`.trim() : text || "defaults";
}

/** @type {(row: any) => string} */
function line(row) {
  const cells = [row.network, row.precision ?? "its own", how(row)];
  const found =
    row.top1 === null
      ? ["–", "–", "–", "–", row.error]
      : [percent(row.top1), percent(row.floatTop1), percent(row.agreement), row.bytes, row.cycles].map(String);
  return `| ${[...cells, ...found].join(" | ")} |`;
}

console.log(`# Accuracy

Top-1 accuracy of the binary in the emulator on all samples of the model pack's labelled cases, beside that of the reference outputs (the float
model's; for \`mnist-tfc-2w2a\` and the \`pact\` models the fake-quantized training graph's), the share of equal predictions, bytes of the binary and
simulated cycles of one sample on \`${rows[0]?.target}\`. *Tuned*: with the table of \`accelc tune\` on the same calibration data. Nothing here depends on the time;
the table is what \`npm run -s bench -- accuracy | node bench/accuracy-table.mjs\` printed.

| model | precision | methods | top-1, % | reference, % | equal, % | bytes | cycles |
|---|---|---|---|---|---|---|---|`);
for (const row of rows) console.log(line(row));
