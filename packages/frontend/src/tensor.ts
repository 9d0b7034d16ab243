import { allocate, type Data, type DType, elements } from "@accelc/ir";
import { decodeMinifloat, type ElementType, elementType } from "./element-types.js";
import { type Int64, type TensorProto, toBigInt } from "./proto.js";

export interface DecodedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Data;
  readonly elementType: ElementType;
}

/** More elements than any 32-bit address reaches. */
export const MAX_ELEMENTS = 2 ** 32;

/** The element type, shape and stored size in bytes of a tensor, or why they make no sense. */
export function tensorHeader(t: TensorProto): { type: ElementType; shape: number[]; bytes: number } | string {
  const type = elementType(t.dataType);
  if (type.dtype === undefined) return type.reason ?? `element type ${type.name} is not supported`;
  if (t.segment) return "segmented tensors are not supported";
  const shape: number[] = [];
  for (const d of t.dims ?? []) {
    const n = toBigInt(d as Int64);
    if (n < 0n || n > BigInt(MAX_ELEMENTS)) return `its shape has the extent ${n}`;
    shape.push(Number(n));
  }
  const count = elements(shape);
  if (count > MAX_ELEMENTS) return `its shape [${shape.join(",")}] has too many elements`;
  return { type, shape, bytes: Math.ceil((count * type.bits) / 8) };
}

/**
 * A tensor's elements, or the reason why there are none: float16, bfloat16, float64 and minifloats as float32, packed 4-
 * and 2-bit integers one per byte. `external` replaces `raw_data`.
 */
export function decodeTensor(t: TensorProto, external?: Uint8Array): DecodedTensor | string {
  const header = tensorHeader(t);
  if (typeof header === "string") return header;
  const { type, shape, bytes } = header;
  const raw = external ?? (t.rawData?.length ? t.rawData : undefined);
  const count = elements(shape);
  if (raw) {
    if (raw.length !== bytes)
      return `${raw.length} bytes of data for ${count} elements of ${type.name}, which take ${bytes}`;
    return { dtype: type.dtype!, shape, data: decodeRaw(raw, type, count), elementType: type };
  }
  const data = decodeField(t, type, count);
  return typeof data === "string" ? data : { dtype: type.dtype!, shape, data, elementType: type };
}

/** Little-endian storage. What is stored as the compiler stores it is a view where the bytes are aligned, else a copy. */
function decodeRaw(raw: Uint8Array, type: ElementType, count: number): Data {
  const dtype = type.dtype!;
  if (type.bits < 8) return decodePacked(raw, type, count);
  const over = <T>(Storage: ArrayOver<T>): T => {
    const aligned = raw.byteOffset % (type.bits / 8) === 0;
    return aligned ? new Storage(raw.buffer, raw.byteOffset, count) : new Storage(new Uint8Array(raw).buffer, 0, count);
  };
  if (type.float) {
    const codes = over<Uint16Array | Uint8Array>(type.bits === 16 ? Uint16Array : Uint8Array);
    return Float32Array.from(codes, (c) => decodeMinifloat(c, type.float!));
  }
  if (type.name === "float64") return Float32Array.from(over(Float64Array));
  const data = over(allocate(dtype, 0).constructor as ArrayOver<Data>);
  return dtype === "bool" ? (data as Uint8Array).map((b) => (b === 0 ? 0 : 1)) : data;
}

type ArrayOver<T> = new (buffer: ArrayBufferLike, offset: number, length: number) => T;

/** Packed 4- and 2-bit elements, the first in the low bits. */
function decodePacked(raw: ArrayLike<number>, type: ElementType, count: number): Data {
  const out = allocate(type.dtype!, count) as Int8Array;
  const perByte = 8 / type.bits;
  const mask = 2 ** type.bits - 1;
  const half = 2 ** (type.bits - 1);
  for (let i = 0; i < count; i++) {
    const code = (raw[Math.floor(i / perByte)]! >> ((i % perByte) * type.bits)) & mask;
    if (type.float) out[i] = decodeMinifloat(code, type.float);
    else out[i] = type.dtype === "int8" && code >= half ? code - 2 * half : code;
  }
  return out;
}

function decodeField(t: TensorProto, type: ElementType, count: number): Data | string {
  if (type.field === "none") return `element type ${type.name} is not supported`;
  const list = (t[type.field] ?? []) as readonly (number | Int64)[];
  const stored = type.bits < 8 ? Math.ceil((count * type.bits) / 8) : count;
  if (list.length !== stored) return `${list.length} values for ${count} elements of ${type.name}`;
  if (type.bits < 8) return decodePacked(list as number[], type, count);
  if (type.float) return Float32Array.from(list as number[], (c) => decodeMinifloat(c & 0xffff, type.float!));
  const out = allocate(type.dtype!, count);
  if (out instanceof BigInt64Array || out instanceof BigUint64Array)
    for (let i = 0; i < count; i++) out[i] = toBigInt(list[i] as Int64);
  else if (type.field === "uint64Data")
    for (let i = 0; i < count; i++) out[i] = Number(BigInt.asUintN(32, toBigInt(list[i] as Int64)));
  else for (let i = 0; i < count; i++) out[i] = type.dtype === "bool" ? Number(list[i] !== 0) : (list[i] as number);
  return out;
}
