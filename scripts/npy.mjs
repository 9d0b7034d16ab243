// @ts-check
import { readFileSync, writeFileSync } from "node:fs";

/** NumPy's names of little-endian element types. */
const ARRAYS = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|i1": Int8Array,
  "|u1": Uint8Array,
  "<i2": Int16Array,
  "<i4": Int32Array,
  "<i8": BigInt64Array,
};

/**
 * @typedef {Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array} NpyData
 * @typedef {{ readonly descr: string, readonly shape: readonly number[], readonly data: NpyData }} Npy
 */

/**
 * Reads a NumPy file of format 1 to 3, row-major, of the element types above.
 *
 * @param {string} file
 * @returns {Npy}
 */
export function readNpy(file) {
  const bytes = readFileSync(file);
  const wide = bytes[6] > 1;
  const start = (wide ? 12 : 10) + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString("latin1", 10, start);
  const descr = /'descr': *'([^']+)'/.exec(header)?.[1] ?? "";
  const dims = /'shape': *\(([^)]*)\)/.exec(header)?.[1];
  const array = ARRAYS[/** @type {keyof typeof ARRAYS} */ (descr)];
  if (array === undefined || dims === undefined || header.includes("'fortran_order': True"))
    throw new Error(`${file}: element type ${JSON.stringify(descr)} or layout is not handled`);
  const shape = dims.split(",").filter((s) => s.trim() !== "");
  return { descr, shape: shape.map(Number), data: new array(Uint8Array.from(bytes.subarray(start)).buffer) };
}

/**
 * Writes a NumPy file, format 1.0.
 *
 * @param {string} file
 * @param {Npy} tensor
 */
export function writeNpy(file, { descr, shape, data }) {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(file, Buffer.concat([prefix, Buffer.from(header, "latin1"), body]));
}

/**
 * Samples [from, from + count) of a tensor whose leading dimension counts samples.
 *
 * @param {Npy} tensor
 * @param {number} from
 * @param {number} count
 * @returns {Npy}
 */
export function samples({ descr, shape, data }, from, count) {
  const size = data.length / shape[0];
  return { descr, shape: [count, ...shape.slice(1)], data: data.slice(from * size, (from + count) * size) };
}
