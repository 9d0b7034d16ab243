import { OPERATORS, type OperatorRow } from "@accelc/frontend";
import { EXIT } from "../exit.js";
import type { Io } from "../io.js";
import { table } from "../text.js";

export interface OpsFlags {
  readonly json?: boolean;
  readonly markdown?: boolean;
}

const HEAD = ["operator", "opsets", "runs on", "what is supported"];

const opsets = (r: OperatorRow): string =>
  r.until === undefined ? `${r.since}+` : r.until === r.since ? String(r.since) : `${r.since}-${r.until}`;

const nameOf = (r: OperatorRow): string => (r.domain === "" ? r.op : `${r.domain}.${r.op}`);

const rows = (): OperatorRow[] =>
  [...OPERATORS].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : a.since - b.since));

const cells = (r: OperatorRow): string[] => [nameOf(r), opsets(r), r.unit, r.constraints || "everything"];

const markdownRow = (row: readonly string[]): string => `| ${row.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |\n`;

function render({ json, markdown }: OpsFlags): string {
  if (json) {
    const list = rows().map(({ op, domain, since, until, unit, constraints }) => ({
      op,
      domain: domain || "ai.onnx",
      since,
      until: until ?? null,
      unit,
      constraints,
    }));
    return `${JSON.stringify(list, null, 2)}\n`;
  }
  if (markdown) return [HEAD, HEAD.map(() => "---"), ...rows().map(cells)].map(markdownRow).join("");
  return table([HEAD, ...rows().map(cells)]);
}

/** Every supported ONNX operator, by opset range. */
export async function opsCommand(io: Io, flags: OpsFlags): Promise<number> {
  io.stdout.write(render(flags));
  return EXIT.done;
}
