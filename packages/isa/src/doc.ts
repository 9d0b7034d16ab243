import { assemble } from "./asm.js";
import { formatWord } from "./disasm.js";
import { DECISIONS, EXTENSIONS, INTRODUCTION, OBJECT_FILE } from "./doc-text.js";
import { type FieldSeg, OPERANDS, type Seg } from "./fields.js";
import { ISA, OPS, type Row } from "./table.js";
import { WORKED_EXAMPLE } from "./worked-example.js";

const GROUPS: readonly (readonly [group: string, title: string])[] = [
  ["sync", "Blocks and regions (opcodes 10, 11)"],
  ["systolic", "Systolic array (opcodes 9, 12, 13, 14)"],
  ["dae", "Data access engine (opcode 5)"],
  ["iterator", "Iterators and immediates (opcode 6)"],
  ["loop", "Loop nests (opcode 7)"],
  ["datatype", "Datatype configuration (opcode 4)"],
  ["alu", "ALU (opcode 0, layout A)"],
  ["calculus", "Calculus (opcode 1, layout A)"],
  ["comparison", "Comparison (opcode 2, layout A)"],
  ["cast", "Datatype cast (opcode 3, layout A)"],
  ["permutation", "Permute engine (opcode 8)"],
  ["extension", "Extension words (opcode 15)"],
];

const bits = (s: { readonly width: number; readonly value: number }): string =>
  s.value.toString(2).padStart(s.width, "0");

/** Bit 31 first: fixed bits as digits, fields as name:width. Layout A after opcode and function is written `A`. */
function encoding(row: Row): string {
  const layoutA = row.operands !== undefined;
  const own = layoutA ? row.segs.slice(0, -OPERANDS.length) : row.segs;
  const parts = own.map((seg) => ("value" in seg ? bits(seg) : `${seg.name}:${seg.width}`));
  return `\`${[...parts, ...(layoutA ? ["A"] : [])].join(" ")}\``;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function operandUse(row: Row): string {
  if (row.operands === undefined) return "";
  return ` Reads ${row.operands.reads.join(", ")}; writes ${row.operands.writes.join(", ")}.`;
}

const isField = (s: Seg): s is FieldSeg => "name" in s;

function fieldLine(field: FieldSeg): string {
  const values = field.names?.flatMap((n, v) => (n === null ? [] : [`${n} ${v}`])).join(", ");
  return `- \`${field.name}\`: ${field.doc}${field.signed ? ", signed" : ""}${values === undefined ? "" : ` (${values})`}`;
}

function fieldLines(rows: readonly Row[]): string[] {
  const lines = rows.flatMap((r) => r.segs.filter(isField).map(fieldLine));
  return [...new Set(lines)].sort();
}

function groupSection(group: string, title: string): string {
  const ops = OPS.filter((op) => ISA[op].group === group);
  const rows = ops.map((op): Row => ISA[op]);
  const table = ops.map((op, i) => {
    const row = rows[i]!;
    const columns = [`\`${op}\``, encoding(row), row.unit, row.origin, row.doc, row.meaning + operandUse(row)];
    return `| ${columns.map(cell).join(" | ")} |`;
  });
  return [
    `### ${title}`,
    "",
    "| instruction | word, bit 31 first | unit | origin | does | exactly |",
    "|---|---|---|---|---|---|",
    ...table,
    "",
    ...fieldLines(rows),
    "",
  ].join("\n");
}

function workedExample(): string {
  const words = assemble(WORKED_EXAMPLE);
  const listing = Array.from(words, (w) => `${w.toString(16).padStart(8, "0")}  ${formatWord(w)}`);
  return [
    "## Worked example",
    "",
    "A 2,048-element int32 ADD on 16 lanes: op1 in VMEM1 rows 0-127, op2 in VMEM2 rows 0-127, the result in VMEM1 rows",
    "128-255. The loop nest and its iterators are the published ones; loads, stores and the block around them complete it.",
    "",
    "```asm",
    WORKED_EXAMPLE.trimEnd(),
    "```",
    "",
    "As words:",
    "",
    "```",
    ...listing,
    "```",
    "",
  ].join("\n");
}

/** docs/isa.md. */
export function renderIsaMarkdown(): string {
  return [
    INTRODUCTION,
    "## Instructions",
    "",
    ...GROUPS.map(([group, title]) => groupSection(group, title)),
    workedExample(),
    EXTENSIONS,
    DECISIONS,
    OBJECT_FILE,
  ].join("\n");
}
