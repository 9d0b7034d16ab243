import { AccelcError } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { diagnosticsOf } from "./exit.js";
import { readText } from "./files.js";
import { type Io, pathIn } from "./io.js";

const isFile = (target: string): boolean => target.endsWith(".json") || target.includes("/");

/** The machine a user names: a preset, or a .json file (which may extend a preset). Throws AccelcError with the MA code. */
export async function machineNamed(io: Io, target: string): Promise<MachineDescription> {
  const { loadMachine, machinePreset } = await import("@accelc/machine");
  try {
    return isFile(target) ? loadMachine(readText(pathIn(io, target), target)) : machinePreset(target);
  } catch (e) {
    const diagnostics = diagnosticsOf(e, isFile(target) ? target : undefined);
    throw diagnostics ? new AccelcError(diagnostics) : e;
  }
}
