/**
 * ONNX element types that a value may have, and the accelerator's own formats. Inside a graph every float type of ONNX is
 * normalized to `float32`. Own formats hold codes: `int4` and `int2` signed integers (one per array element here, packed in
 * DRAM), `dlfloat16` DLFloat 1-6-9, `fp8e4m3` 1-4-3 under the type's exponent bias, `fp8e5m2` 1-5-2.
 */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | OwnFormat;

/** Formats of the accelerator that ONNX has no element type for, or another one. */
export type OwnFormat = "int4" | "int2" | Minifloat;
export type Minifloat = "dlfloat16" | "fp8e4m3" | "fp8e5m2";

/** Typed storage of a constant or of an evaluated tensor, row-major. `bool` uses Uint8Array. */
export type Data =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/**
 * The grid an integer tensor lives on: real = scale[c] * (q - zeroPoint), c the index along `axis` (axis null: one scale).
 * `codes`: least and greatest q, where they are fewer than the type's.
 */
export interface Quant {
  readonly scale: readonly number[];
  readonly zeroPoint: number;
  readonly axis: number | null;
  readonly codes?: readonly [number, number];
}

/**
 * The points scale * (q - zero) for integers q from `codes[0]` to `codes[1]`: what a quantizer of the user's model leaves of
 * the real line. `scale` (not 0) and `zero` (integers) are row-major over `shape`, which broadcasts to the tensor's.
 */
export interface CodeGrid {
  readonly shape: readonly number[];
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  readonly codes: readonly [number, number];
}

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly quant?: Quant;
  /** Exponent bias of `fp8e4m3`, 0 to 31; absent for every other type. */
  readonly exponentBias?: number;
}

export type ValueId = string;

export interface Value {
  readonly id: ValueId;
  readonly type: TensorType;
  /** Present exactly for constants; row-major, `elements(type.shape)` long. */
  readonly data?: Data;
  /** The grid that the elements of a float constant lie on, where the model states one; quantization keeps it. */
  readonly grid?: CodeGrid;
  /** The ONNX tensor this value stands for, where it stands for one. */
  readonly source?: string;
}

/** Where in the user's model something comes from. `node` is the ONNX node name, or `op #index` where it has none. */
export interface Loc {
  readonly model: string;
  readonly node: string;
  readonly op: string;
}

/** A graph input or output under its ONNX name and element type. */
export interface Port {
  readonly name: string;
  readonly value: ValueId;
  readonly elementType: DType;
}

export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const isFloat = (d: DType): boolean => d === "float32" || d === "float64" || d === "float16" || d === "bfloat16";

export const isMinifloat = (d: DType): d is Minifloat => d === "dlfloat16" || d === "fp8e4m3" || d === "fp8e5m2";

/** Bits of one stored element. */
export const DTYPE_BITS: { readonly [D in DType]: number } = {
  float32: 32,
  float64: 64,
  float16: 16,
  bfloat16: 16,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  bool: 8,
  int4: 4,
  int2: 2,
  dlfloat16: 16,
  fp8e4m3: 8,
  fp8e5m2: 8,
};

type DataConstructor = { new (length: number): Data; new (buffer: ArrayBuffer): Data };

/** Storage class of a dtype inside the compiler; float16 and bfloat16 are held as float32. */
const STORAGE: { readonly [D in DType]: DataConstructor } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Int8Array,
  int2: Int8Array,
  dlfloat16: Uint16Array,
  fp8e4m3: Uint8Array,
  fp8e5m2: Uint8Array,
};

/** A zeroed array of the storage class of `dtype`. */
export const allocate = (dtype: DType, length: number): Data => new STORAGE[dtype](length);

/** Row-major strides, in elements. */
export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length);
  for (let i = shape.length - 1, s = 1; i >= 0; i--) {
    out[i] = s;
    s *= shape[i]!;
  }
  return out;
}

/** Numpy broadcasting of two shapes, or undefined where they do not broadcast. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out[i] = x === 1 ? y : x;
  }
  return out;
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);
