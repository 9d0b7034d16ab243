// @ts-check
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { generateGlyphs } from "./draw.mjs";

export { generateGlyphs } from "./draw.mjs";
export { SHAPES } from "./shapes.mjs";

/** Seeds of the bundled model's lifecycle; train.py uses 1 to 99, so neither of these was ever trained on. */
export const CALIBRATION_SEED = 500;
export const TEST_SEED = 1000;

/**
 * Writes a NumPy file, format 1.0.
 *
 * @param {string} file
 * @param {Float32Array | BigInt64Array} data in row-major order; the host is little-endian
 * @param {readonly number[]} shape
 */
function writeNpy(file, data, shape) {
  const descr = data instanceof Float32Array ? "<f4" : "<i8";
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  writeFileSync(
    file,
    Buffer.concat([prefix, Buffer.from(header, "latin1"), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  );
}

/**
 * Writes `x.npy` (float32, N x 1 x 32 x 32) and `y.npy` (int64, N) into a directory, which is made if need be.
 *
 * @param {{ readonly seed: number, readonly count: number, readonly out: string }} options
 */
export function writeGlyphs({ seed, count, out }) {
  const { images, labels, shape } = generateGlyphs({ seed, count });
  mkdirSync(out, { recursive: true });
  writeNpy(join(out, "x.npy"), images, shape);
  writeNpy(join(out, "y.npy"), BigInt64Array.from(labels, BigInt), [count]);
}

/** @type {(text: string | undefined, name: string) => number} */
export function wholeNumber(text, name) {
  if (text === undefined || !/^\d+$/.test(text)) throw new Error(`--${name} needs a whole number`);
  return Number(text);
}

/**
 * Runs `main` if the file at `url` is the command that was started; a failure prints its message and the usage.
 *
 * @param {string} url
 * @param {string} usage
 * @param {() => void | Promise<void>} main
 */
export async function runAsCommand(url, usage, main) {
  if (url !== pathToFileURL(process.argv[1] ?? "").href) return;
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(`usage: ${usage}`);
    process.exitCode = 2;
  }
}

function main() {
  const string = /** @type {const} */ ({ type: "string" });
  const { values } = parseArgs({ options: { seed: string, count: string, out: string } });
  if (values.out === undefined) throw new Error("--out needs a directory");
  writeGlyphs({ seed: wholeNumber(values.seed, "seed"), count: wholeNumber(values.count, "count"), out: values.out });
}

await runAsCommand(import.meta.url, "node examples/glyphs/generate.mjs --seed S --count N --out DIR", main);
