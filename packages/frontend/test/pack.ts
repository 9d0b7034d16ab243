import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** The model pack outside the repository; tests that need it say so when it is not there. */
export const PACK = process.env.ACCELC_MODELS ?? fileURLToPath(new URL("../../../../shared", import.meta.url));
export const MODELS = `${PACK}/models`;
export const NODE_VECTORS = `${PACK}/data/onnx-node-tests.tar.gz`;
export const hasModels = existsSync(`${MODELS}/manifest.json`);
export const hasNodeVectors = existsSync(NODE_VECTORS);

/** Regular files of a gzipped tar archive. */
export function readTar(path: string): Map<string, Uint8Array> {
  const bytes = gunzipSync(readFileSync(path));
  const files = new Map<string, Uint8Array>();
  const text = (from: number, length: number) => bytes.toString("latin1", from, from + length).replace(/\0.*$/, "");
  let long = "";
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const name = text(at, 100);
    const size = Number.parseInt(text(at + 124, 12), 8);
    const prefix = text(at + 257, 5) === "ustar" ? text(at + 345, 155) : "";
    const kind = text(at + 156, 1);
    if (kind === "0")
      files.set(
        (long || (prefix ? `${prefix}/` : "") + name).replace(/^\.\//, ""),
        bytes.subarray(at + 512, at + 512 + size),
      );
    // GNU tar writes a name of more than 100 characters as the contents of an entry before the file's own.
    long = kind === "L" ? text(at + 512, size) : "";
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
