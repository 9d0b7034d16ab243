import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import type { ExternalData } from "@accelc/frontend";
import { reasonOf } from "./files.js";

/** The file's real path; throws where symbolic links lead out of the folder. */
function confined(folder: string, path: string): string {
  const root = realpathSync(folder);
  const real = realpathSync(resolve(root, path));
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw new Error("it lies outside the model's folder");
  return real;
}

function readRange(file: string, offset: number, length: number | undefined): Uint8Array {
  const fd = openSync(file, "r");
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error("it is not a regular file");
    const rest = Math.max(0, stat.size - offset);
    const bytes = new Uint8Array(Math.min(rest, length ?? rest));
    let at = 0;
    while (at < bytes.length) {
      const n = readSync(fd, bytes, at, bytes.length - at, offset + at);
      if (n === 0) break;
      at += n;
    }
    return bytes.subarray(0, at);
  } finally {
    closeSync(fd);
  }
}

/** Reads files beside the model, never outside its folder. */
export function externalDataIn(model: string): ExternalData {
  const folder = dirname(model);
  return async (path, offset, length) => {
    try {
      return readRange(confined(folder, path), offset, length);
    } catch (e) {
      throw new Error(reasonOf(e));
    }
  };
}
