import type { MachineDescription } from "./schema.js";
import { sha256 } from "./sha256.js";

/** JSON with keys in code-unit order at every level and no spaces. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(",")}}`;
}

/**
 * SHA-256 (64 lowercase hex digits) of the description's canonical JSON in UTF-8, without `sources`: a better-founded
 * note is the same machine. Binaries carry it.
 */
export function machineHash(m: MachineDescription): string {
  const { sources: _, ...machine } = m;
  return sha256(new TextEncoder().encode(canonicalJson(machine)));
}
