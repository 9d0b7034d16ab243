import { basename } from "node:path";
import { fail } from "@accelc/ir";
import type { CaseResult } from "../conformance/run-case.js";
import { createRunner } from "../conformance/runner.js";
import { summarize } from "../conformance/summary.js";
import { vectorFolders } from "../conformance/vector.js";
import { EXIT, UsageError } from "../exit.js";
import { reasonOf } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { progressOn } from "../progress.js";
import { plural, table } from "../text.js";

export interface ConformanceFlags {
  readonly json?: boolean;
  readonly filter?: string;
  /** Seconds per case. */
  readonly timeLimit: number;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

function foldersIn(io: Io, dir: string, filter: string | undefined): string[] {
  const wanted = filter === undefined ? undefined : pattern(filter);
  let folders: string[];
  try {
    folders = vectorFolders(pathIn(io, dir));
  } catch (e) {
    return fail("CL1001", {}, { file: dir, reason: reasonOf(e) }, "give a folder of ONNX node vectors");
  }
  if (folders.length === 0)
    fail("CL1001", {}, { file: dir, reason: "no folder in it has a model.onnx" }, "give a folder of ONNX node vectors");
  const chosen = wanted ? folders.filter((f) => wanted.test(basename(f))) : folders;
  if (chosen.length === 0) throw new UsageError(`--filter ${filter} matches none of ${folders.length} vectors`);
  return chosen;
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (e) {
    throw new UsageError(`--filter: ${(e as Error).message}`);
  }
}

/** Runs every ONNX node vector under `dir`. The result is for reading: the status is 0 whatever passes. */
export async function conformanceCommand(io: Io, dir: string, flags: ConformanceFlags): Promise<number> {
  const folders = foldersIn(io, dir, flags.filter);
  const progress = progressOn(io, flags.quiet === true);
  const runner = createRunner(1000 * flags.timeLimit);
  const cases: CaseResult[] = [];
  try {
    for (const folder of folders) {
      progress.step(basename(folder), cases.length / folders.length);
      cases.push(await runner.run(folder));
    }
  } finally {
    progress.clear();
    await runner.close();
  }
  io.stdout.write(flags.json ? `${JSON.stringify({ ...summarize(cases), cases }, null, 2)}\n` : show(cases, flags));
  return EXIT.done;
}

function show(cases: readonly CaseResult[], { verbose, quiet }: ConformanceFlags): string {
  const { total, passed, failed, unsupported, operators } = summarize(cases);
  const rows = Object.entries(operators).map(([name, o]) => [
    name,
    String(o.passed),
    String(o.failed),
    String(o.unsupported),
    o.reasons[0] ?? "",
  ]);
  const last = `${plural(total, "vector")}: ${passed} passed, ${failed} failed, ${unsupported} unsupported\n`;
  const list = cases
    .filter((c) => verbose && c.result !== "passed")
    .map((c) => `${c.result}  ${c.name}\n${c.reasons.map((r) => `    ${r}\n`).join("")}`);
  if (quiet) return last;
  return `${table([["operator", "passed", "failed", "unsupported", "first reason"], ...rows])}${list.join("")}${last}`;
}
