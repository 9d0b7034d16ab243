import type { Pass } from "./pass.js";
import { FLOAT_PASSES, INTEGER_PASSES } from "./pipeline.js";

function section(title: string, passes: readonly Pass[]): string[] {
  const unique = [...new Map(passes.map((p) => [p.name, p])).values()];
  return [
    `## ${title}`,
    "",
    `Order: ${passes.map((p) => p.name).join(", ")}.`,
    "",
    "| pass | does |",
    "|---|---|",
    ...unique.map((p) => `| \`${p.name}\` | ${p.doc} |`),
    "",
  ];
}

/** docs/passes.md. */
export function renderPassesMarkdown(): string {
  return [
    "# Passes",
    "",
    "Generated from the pass list; each pass is one file of that name in `packages/passes/src` with its rewrite at the top, and",
    "goldens in `packages/passes/test/golden`. The graph is verified after every pass.",
    "",
    ...section("Float graph", FLOAT_PASSES),
    ...section("Integer graph", INTEGER_PASSES),
  ].join("\n");
}
