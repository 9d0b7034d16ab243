import {
  BFLOAT16,
  BINARY16,
  decode,
  encode,
  FLOAT8E4M3FN,
  FLOAT8E4M3FNUZ,
  FLOAT8E5M2,
  FLOAT8E5M2FNUZ,
  type Minifloat,
} from "@accelc/numerics";

/** Typed arrays that carry host tensors. Bool is 0/1 in Uint8Array; 16- and 8-bit floats are their codes. */
export type HostData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface ElementType {
  readonly kind: "float" | "integer" | "bool";
  readonly make: (n: number) => HostData;
  /** 16- and 8-bit floats: the format of the codes. */
  readonly codes?: Minifloat;
}

const float = (make: ElementType["make"], codes?: Minifloat): ElementType =>
  codes === undefined ? { kind: "float", make } : { kind: "float", make, codes };
const integer = (make: ElementType["make"]): ElementType => ({ kind: "integer", make });
const u16 = (n: number) => new Uint16Array(n);
const u8 = (n: number) => new Uint8Array(n);
const i8 = (n: number) => new Int8Array(n);
const f64 = (n: number) => new Float64Array(n);

/** ONNX element types of host tensors. 4- and 2-bit integers come unpacked, one per byte. */
export const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  float32: float((n) => new Float32Array(n)),
  float64: float(f64),
  double: float(f64),
  float16: float(u16, BINARY16),
  bfloat16: float(u16, BFLOAT16),
  float8e4m3fn: float(u8, FLOAT8E4M3FN),
  float8e4m3fnuz: float(u8, FLOAT8E4M3FNUZ),
  float8e5m2: float(u8, FLOAT8E5M2),
  float8e5m2fnuz: float(u8, FLOAT8E5M2FNUZ),
  int2: integer(i8),
  uint2: integer(u8),
  int4: integer(i8),
  uint4: integer(u8),
  int8: integer(i8),
  uint8: integer(u8),
  int16: integer((n) => new Int16Array(n)),
  uint16: integer(u16),
  int32: integer((n) => new Int32Array(n)),
  uint32: integer((n) => new Uint32Array(n)),
  int64: integer((n) => new BigInt64Array(n)),
  uint64: integer((n) => new BigUint64Array(n)),
  bool: { kind: "bool", make: u8 },
};

/** Reads elements of a float type as numbers. */
export const floatReader = (type: ElementType, data: HostData): ((i: number) => number) => {
  const { codes } = type;
  return codes === undefined ? (i) => Number(data[i]) : (i) => decode(codes, Number(data[i]));
};

/** Value to store in the typed array of a float type. */
export const floatWriter = (type: ElementType): ((x: number) => number) => {
  const { codes } = type;
  return codes === undefined ? (x) => x : (x) => encode(codes, x);
};
