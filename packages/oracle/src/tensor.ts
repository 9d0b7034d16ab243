import { ELEMENT_TYPES } from "@accelc/frontend";
import type { Data, DType } from "@accelc/ir";
import { BINARY16, decode, encode } from "@accelc/numerics";
import type { Tensor } from "onnxruntime-web/wasm";

/** A tensor at the model's boundary, row-major in the compiler's storage class: float16 as float32 values, bool as bytes. */
export interface OracleTensor {
  readonly type: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

type TensorConstructor = typeof Tensor;

/** Element types that ONNX Runtime and the compiler share; strings and sequences are not among them. */
const SHARED: ReadonlySet<string> = new Set<DType>([
  "float32",
  "float64",
  "float16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
]);

export function toOrt(make: TensorConstructor, t: OracleTensor): Tensor {
  const data = t.type === "float16" ? Uint16Array.from(t.data as Float32Array, (x) => encode(BINARY16, x)) : t.data;
  return new make(t.type as "float32", data as Float32Array, [...t.shape]);
}

/** Throws where the compiler has no such type. */
export function fromOrt(t: Tensor): OracleTensor {
  if (!SHARED.has(t.type)) throw new Error(`a tensor of element type ${t.type} cannot be read`);
  const type = t.type as DType;
  return { type, shape: [...t.dims], data: type === "float16" ? halves(t.data) : (t.data as Data) };
}

/** TensorProto.DataType of a tensor's elements. */
export const onnxType = ({ type }: Tensor): number =>
  Number(Object.keys(ELEMENT_TYPES).find((code) => ELEMENT_TYPES[Number(code)]!.name === type));

/** ONNX Runtime gives bits, or numbers where the engine has Float16Array. */
function halves(data: Tensor["data"]): Float32Array {
  const given = data as ArrayLike<number>;
  return Float32Array.from(given, data instanceof Uint16Array ? (bits) => decode(BINARY16, bits) : (x) => x);
}
