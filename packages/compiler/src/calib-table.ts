import { fail } from "@accelc/ir";
import type { Calibration } from "@accelc/passes";

/** The document of `--write-calib-table`: the range of every calibrated tensor, by ONNX name. */
export interface CalibTable {
  readonly version: 1;
  readonly ranges: Readonly<Record<string, { readonly min: number; readonly max: number }>>;
}

export function toCalibTable(c: Calibration): CalibTable {
  const sorted = [...c.ranges].sort(([a], [b]) => (a < b ? -1 : 1));
  return { version: 1, ranges: Object.fromEntries(sorted.map(([name, { min, max }]) => [name, { min, max }])) };
}

const isObject = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x);

/** A document that is not a table, or lacks one of `tensors`, is CL1004. */
export function fromCalibTable(table: unknown, tensors: readonly string[], file: string): Calibration {
  const bad = (reason: string): never =>
    fail("CL1004", {}, { option: "--calib-table", value: file, reason }, "write it again with --write-calib-table");
  if (!isObject(table) || !isObject(table.ranges)) return bad("it is no object with ranges");
  if (table.version !== 1) return bad(`version ${JSON.stringify(table.version)} is unknown`);
  const ranges = new Map<string, { min: number; max: number }>();
  for (const [name, range] of Object.entries(table.ranges)) {
    const { min, max } = isObject(range) ? range : {};
    if (typeof min !== "number" || typeof max !== "number" || !(min <= max))
      return bad(`the range of ${name} is not a min and a max`);
    ranges.set(name, { min, max });
  }
  const missing = tensors.filter((t) => !ranges.has(t));
  return missing.length > 0 ? bad(`it has no range for ${missing.slice(0, 8).join(", ")}`) : { ranges };
}
