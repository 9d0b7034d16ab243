import type { TensorProto } from "./proto.js";
import { tensorHeader } from "./tensor.js";

/**
 * Reads `length` bytes (absent: to the end) of a file beside the model, `offset` bytes in. `path` is relative to the model's
 * folder, with forward slashes, and never leaves it. May give fewer bytes where the file is shorter; must not allocate more
 * than the file holds. Symbolic links that leave the folder are the reader's to refuse.
 */
export type ExternalData = (path: string, offset: number, length: number | undefined) => Promise<Uint8Array>;

const EXTERNAL = 1;

export const isExternal = (t: TensorProto): boolean => t.dataLocation === EXTERNAL;

/** Why a location is not a path below the model's folder, if it is not. */
export function locationProblem(location: string): string | undefined {
  const shown = JSON.stringify(location);
  if (location === "") return "it names no file";
  if (location.includes("\0")) return `the location ${shown} holds a zero byte`;
  if (location.includes("\\")) return `the location ${shown} holds a backslash`;
  if (location.startsWith("/") || /^[A-Za-z]:/.test(location)) return `the location ${shown} is absolute`;
  if (location.split("/").includes("..")) return `the location ${shown} leaves the model's folder`;
  return undefined;
}

function decimal(text: string): number | undefined {
  const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(n) ? n : undefined;
}

interface Range {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

function rangeOf(t: TensorProto): Range | string {
  const header = tensorHeader(t);
  if (typeof header === "string") return header;
  const entries = new Map((t.externalData ?? []).map((e) => [e.key ?? "", e.value ?? ""]));
  for (const key of entries.keys())
    if (!["location", "offset", "length", "checksum"].includes(key))
      return `the entry ${JSON.stringify(key)} is not known`;
  const location = entries.get("location") ?? "";
  const problem = locationProblem(location);
  if (problem) return problem;
  const offset = decimal(entries.get("offset") ?? "0");
  if (offset === undefined) return `the offset ${JSON.stringify(entries.get("offset"))} is not a byte position`;
  const length = decimal(entries.get("length") ?? String(header.bytes));
  if (length !== header.bytes)
    return `the length ${JSON.stringify(entries.get("length"))} differs from the ${header.bytes} bytes of [${header.shape.join(",")}] ${header.type.name}`;
  return { location, offset, length };
}

/** The bytes of a tensor stored outside the model, or the reason why there are none. */
export async function readExternal(t: TensorProto, read: ExternalData | undefined): Promise<Uint8Array | string> {
  const range = rangeOf(t);
  if (typeof range === "string") return range;
  if (!read) return `it is stored in ${JSON.stringify(range.location)}, and no reader for such files was given`;
  try {
    const bytes = await read(range.location, range.offset, range.length);
    if (bytes.length !== range.length)
      return `${JSON.stringify(range.location)} holds ${bytes.length} of the ${range.length} bytes from offset ${range.offset}`;
    return bytes;
  } catch (e) {
    return `${JSON.stringify(range.location)} cannot be read: ${e instanceof Error ? e.message : String(e)}`;
  }
}
