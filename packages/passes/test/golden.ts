import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Graph, printGraph } from "@accelc/ir";
import { expect } from "vitest";
import type { Pass, PassContext } from "../src/index.js";
import { runPasses } from "../src/index.js";

const folder = (pass: string): string => fileURLToPath(new URL(`./golden/${pass}/`, import.meta.url));
const update = process.env.UPDATE_GOLDEN === "1" && !process.env.CI;

/** Compares with the file, or with UPDATE_GOLDEN=1 writes it. */
export function goldenText(path: string, actual: string): void {
  if (update) writeFileSync(path, actual);
  else expect(existsSync(path) ? readFileSync(path, "utf8") : "", `${path}: UPDATE_GOLDEN=1 to accept`).toBe(actual);
}

/** Runs the pass and compares the text before and after it with test/golden/<pass>/<name>.txt. */
export function golden(pass: Pass, name: string, g: Graph, ctx: PassContext): Graph {
  const after = runPasses(g, [pass], ctx);
  if (update) mkdirSync(folder(pass.name), { recursive: true });
  goldenText(`${folder(pass.name)}${name}.txt`, `${printGraph(g)}\n---\n\n${printGraph(after)}`);
  return after;
}

/** Names of the goldens of a pass. */
export const goldensOf = (pass: string): string[] =>
  existsSync(folder(pass)) ? readdirSync(folder(pass)).map((f) => f.replace(/\.txt$/, "")) : [];
