import { elementCost } from "../element-cost.js";
import { EXIT } from "../exit.js";
import type { Io } from "../io.js";
import { OPERATOR_HEAD, operatorCells, operatorRows, operatorTable } from "../operators-doc.js";
import { table } from "../text.js";

export interface OpsFlags {
  readonly json?: boolean;
  readonly markdown?: boolean;
}

function render({ json, markdown }: OpsFlags): string {
  if (json) {
    const list = operatorRows().map((r) => ({
      op: r.op,
      domain: r.domain || "ai.onnx",
      since: r.since,
      until: r.until ?? null,
      unit: r.unit,
      instructionsPerElement: elementCost(r) ?? null,
      constraints: r.constraints,
    }));
    return `${JSON.stringify(list, null, 2)}\n`;
  }
  return markdown ? operatorTable() : table([OPERATOR_HEAD, ...operatorRows().map(operatorCells)]);
}

/** Every supported ONNX operator, by opset range. */
export async function opsCommand(io: Io, flags: OpsFlags): Promise<number> {
  io.stdout.write(render(flags));
  return EXIT.done;
}
