import { type MachineDescription, machineHash, machineNames, machinePreset } from "@accelc/machine";
import { EXIT } from "../exit.js";
import type { Io } from "../io.js";
import { machineNamed } from "../machine-file.js";
import { table } from "../text.js";

export interface TargetsOptions {
  readonly json?: boolean;
}

/** File names aside, errors name the machine: `reportError` gets no file to blame. */
export async function targetsCommand(io: Io, name: string | undefined, options: TargetsOptions): Promise<number> {
  io.stdout.write(name === undefined ? list(options) : show(await machineNamed(io, name), options));
  return EXIT.done;
}

function list({ json }: TargetsOptions): string {
  const machines = machineNames().map(machinePreset);
  if (json)
    return `${JSON.stringify(
      machines.map((m) => ({ name: m.name, hash: machineHash(m) })),
      null,
      2,
    )}\n`;
  const rows = machines.map((m) => [
    m.name,
    `${m.array.rows}x${m.array.columns}`,
    String(m.tandem.lanes),
    `${m.frequencyHz / 1e6} MHz`,
    machineHash(m).slice(0, 12),
  ]);
  return table([["name", "array", "lanes", "clock", "hash"], ...rows]);
}

function show(m: MachineDescription, { json }: TargetsOptions): string {
  if (json) return `${JSON.stringify(m, null, 2)}\n`;
  return `${table(leaves(m))}\nhash ${machineHash(m)}\n`;
}

/** Every field of the description as `path value`, with the note where its number comes from. */
function leaves(m: MachineDescription): string[][] {
  const rows: string[][] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [k, v] of Object.entries(value)) walk(v, path ? `${path}.${k}` : k);
    else rows.push([path, String(value), m.sources[path] ?? ""]);
  };
  const { sources: _, ...fields } = m;
  walk(fields, "");
  return rows;
}
