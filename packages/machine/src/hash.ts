import { canonicalJson } from "@accelc/isa";
import type { MachineDescription } from "./schema.js";
import { sha256 } from "./sha256.js";

/**
 * SHA-256 (64 lowercase hex digits) of the description's canonical JSON in UTF-8, without `sources`: a better-founded
 * note is the same machine. Binaries carry it.
 */
export function machineHash(m: MachineDescription): string {
  const { sources: _, ...machine } = m;
  return sha256(new TextEncoder().encode(canonicalJson(machine)));
}
