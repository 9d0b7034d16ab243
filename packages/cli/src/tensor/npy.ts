import { allocate, type Data, DTYPE_BITS, type DType, elements, strides } from "@accelc/ir";
import { BINARY16, decode, encode } from "@accelc/numerics";

/** A tensor as files hold it; data in the compiler's storage class, float16 as float32 values. */
export interface FileTensor {
  readonly type: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** numpy type codes without byte order. */
const CODES: Readonly<Record<string, DType>> = {
  b1: "bool",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

export const isNpy = (b: Uint8Array): boolean => MAGIC.every((x, i) => b[i] === x);

interface Header {
  readonly type: DType;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Byte offset of the first element. */
  readonly start: number;
}

/** Throws a plain Error whose message is the reason. */
function readHeader(b: Uint8Array): Header {
  const major = b[6];
  if (major !== 1 && major !== 2 && major !== 3) throw new Error(`version ${major} of the format is unknown`);
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const at = major === 1 ? 10 : 12;
  if (b.length < at) throw new Error("the header is cut short");
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (b.length < at + length) throw new Error("the header is cut short");
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(b.subarray(at, at + length));
  const descr = /['"]descr['"]\s*:\s*(['"])([^'"]*)\1/.exec(text)?.[2];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  if (descr === undefined && /['"]descr['"]\s*:\s*\[/.test(text)) throw new Error("structured arrays are not tensors");
  if (descr === undefined || order === undefined || shape === undefined) throw new Error("the header is malformed");
  const type = CODES[descr.replace(/^[<>=|]/, "")];
  if (!type) throw new Error(`element type ${descr} is not a number or truth value`);
  return { type, bigEndian: descr[0] === ">", fortran: order === "True", shape: readShape(shape), start: at + length };
}

function readShape(text: string): number[] {
  const parts = text.split(",").map((s) => s.trim());
  if (parts.at(-1) === "") parts.pop();
  return parts.map((s) => {
    if (!/^\d+L?$/.test(s)) throw new Error(`shape (${text}) is malformed`);
    return Number.parseInt(s, 10);
  });
}

/** Reads one .npy file, versions 1 to 3, either byte order, row- or column-major. Throws a plain Error with the reason. */
export function decodeNpy(b: Uint8Array): FileTensor {
  if (!isNpy(b)) throw new Error("it does not begin with the .npy signature");
  const { type, bigEndian, fortran, shape, start } = readHeader(b);
  const width = DTYPE_BITS[type] / 8;
  const count = elements(shape);
  const have = b.length - start;
  if (!Number.isSafeInteger(count) || have !== count * width)
    throw new Error(`shape (${shape.join(", ")}) of ${type} needs ${count * width} bytes, the file holds ${have}`);
  // Not b.slice: a Node Buffer would give a view.
  const raw = new Uint8Array(b.subarray(start));
  if (bigEndian) swapBytes(raw, width);
  const data = fromBytes(type, raw);
  return { type, shape, data: fortran ? toRowMajor(type, shape, data) : data };
}

function swapBytes(b: Uint8Array, width: number): void {
  if (width > 1) for (let i = 0; i < b.length; i += width) b.subarray(i, i + width).reverse();
}

/** `raw` starts at offset 0 of its buffer and holds whole little-endian elements. */
function fromBytes(type: DType, raw: Uint8Array): Data {
  if (type === "float16") return Float32Array.from(new Uint16Array(raw.buffer), (bits) => decode(BINARY16, bits));
  if (type === "bool") return raw.map((x) => (x === 0 ? 0 : 1));
  const empty = allocate(type, 0);
  return new (empty.constructor as new (b: ArrayBufferLike) => Data)(raw.buffer);
}

function toRowMajor(type: DType, shape: readonly number[], data: Data): Data {
  const out = allocate(type, data.length);
  const row = strides(shape);
  const index = new Array<number>(shape.length).fill(0);
  let to = 0;
  for (let from = 0; from < data.length; from++) {
    out[to] = data[from] as never;
    for (let d = 0; d < shape.length; d++) {
      index[d]!++;
      to += row[d]!;
      if (index[d]! < shape[d]!) break;
      to -= row[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return out;
}

const codeOf = (type: DType): string => {
  const t = type === "bfloat16" ? "float32" : type;
  const code = Object.entries(CODES).find(([, v]) => v === t)![0];
  return DTYPE_BITS[t] === 8 ? `|${code}` : `<${code}`;
};

/** Writes version 1, little-endian, row-major; bfloat16, which numpy lacks, as float32. */
export function encodeNpy({ type, shape, data }: FileTensor): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${codeOf(type)}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const header = `${dict}${" ".repeat(63 - ((10 + dict.length) % 64))}\n`;
  const stored = type === "float16" ? Uint16Array.from(data as Float32Array, (x) => encode(BINARY16, x)) : data;
  const out = new Uint8Array(10 + header.length + stored.byteLength);
  out.set([...MAGIC, 1, 0, header.length & 255, header.length >> 8]);
  out.set(new TextEncoder().encode(header), 10);
  out.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), 10 + header.length);
  return out;
}
