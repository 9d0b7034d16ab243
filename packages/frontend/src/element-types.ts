import type { DType, MinifloatFields } from "@accelc/ir";

/** An ONNX element type: how tensors store it and what it becomes in the graph. */
export interface ElementType {
  readonly name: string;
  /** Element type in the graph; absent: not supported, for `reason`. */
  readonly dtype?: DType;
  readonly reason?: string;
  /** Bits per element in `raw_data`. */
  readonly bits: number;
  /** The field that holds elements when `raw_data` does not. */
  readonly field: "floatData" | "int32Data" | "int64Data" | "doubleData" | "uint64Data" | "none";
  readonly float?: Minifloat;
}

export type Minifloat = MinifloatFields;

const mini = (exponent: number, mantissa: number, bias: number, special: Minifloat["special"]): Minifloat => ({
  exponent,
  mantissa,
  bias,
  special,
});

/** TensorProto.DataType, by number; names as in ONNX documents, lower case. */
export const ELEMENT_TYPES: Readonly<Record<number, ElementType>> = {
  1: { name: "float32", dtype: "float32", bits: 32, field: "floatData" },
  2: { name: "uint8", dtype: "uint8", bits: 8, field: "int32Data" },
  3: { name: "int8", dtype: "int8", bits: 8, field: "int32Data" },
  4: { name: "uint16", dtype: "uint16", bits: 16, field: "int32Data" },
  5: { name: "int16", dtype: "int16", bits: 16, field: "int32Data" },
  6: { name: "int32", dtype: "int32", bits: 32, field: "int32Data" },
  7: { name: "int64", dtype: "int64", bits: 64, field: "int64Data" },
  8: { name: "string", bits: 0, field: "none", reason: "strings cannot be computed with" },
  9: { name: "bool", dtype: "bool", bits: 8, field: "int32Data" },
  10: { name: "float16", dtype: "float32", bits: 16, field: "int32Data", float: mini(5, 10, 15, "ieee") },
  11: { name: "float64", dtype: "float32", bits: 64, field: "doubleData" },
  12: { name: "uint32", dtype: "uint32", bits: 32, field: "uint64Data" },
  13: { name: "uint64", dtype: "uint64", bits: 64, field: "uint64Data" },
  14: { name: "complex64", bits: 64, field: "none", reason: "complex numbers are not supported" },
  15: { name: "complex128", bits: 128, field: "none", reason: "complex numbers are not supported" },
  16: { name: "bfloat16", dtype: "float32", bits: 16, field: "int32Data", float: mini(8, 7, 127, "ieee") },
  17: { name: "float8e4m3fn", dtype: "float32", bits: 8, field: "int32Data", float: mini(4, 3, 7, "fn") },
  18: { name: "float8e4m3fnuz", dtype: "float32", bits: 8, field: "int32Data", float: mini(4, 3, 8, "fnuz") },
  19: { name: "float8e5m2", dtype: "float32", bits: 8, field: "int32Data", float: mini(5, 2, 15, "ieee") },
  20: { name: "float8e5m2fnuz", dtype: "float32", bits: 8, field: "int32Data", float: mini(5, 2, 16, "fnuz") },
  21: { name: "uint4", dtype: "uint8", bits: 4, field: "int32Data" },
  22: { name: "int4", dtype: "int8", bits: 4, field: "int32Data" },
  23: { name: "float4e2m1", dtype: "float32", bits: 4, field: "int32Data", float: mini(2, 1, 1, "none") },
  24: { name: "float8e8m0", dtype: "float32", bits: 8, field: "int32Data", float: mini(8, 0, 127, "scale") },
  25: { name: "uint2", dtype: "uint8", bits: 2, field: "int32Data" },
  26: { name: "int2", dtype: "int8", bits: 2, field: "int32Data" },
};

/** The row of a TensorProto.DataType number; an unknown number gets a row with a reason. */
export function elementType(code: number | null | undefined): ElementType {
  const known = ELEMENT_TYPES[code ?? 0];
  if (known) return known;
  const name = code ? `type ${code}` : "no type";
  return { name, bits: 0, field: "none", reason: `the element type ${code ?? 0} is unknown` };
}

/** The row of a name. */
export const elementTypeNamed = (name: string): ElementType =>
  Object.values(ELEMENT_TYPES).find((t) => t.name === name) ?? elementType(undefined);

/** ONNX element types that keep their own name in a Port. */
export function portType(t: ElementType): DType {
  if (t.name === "float16" || t.name === "bfloat16" || t.name === "float64") return t.name;
  return t.dtype ?? "float32";
}

/** The real value of a code of 16 bits or fewer. */
export function decodeMinifloat(code: number, f: Minifloat): number {
  if (f.special === "scale") return code === 255 ? Number.NaN : 2 ** (code - f.bias);
  const sign = (code >> (f.exponent + f.mantissa)) & 1 ? -1 : 1;
  const top = 2 ** f.exponent - 1;
  const e = (code >> f.mantissa) & top;
  const m = code & (2 ** f.mantissa - 1);
  if (f.special === "ieee" && e === top) return m === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (f.special === "fn" && e === top && m === 2 ** f.mantissa - 1) return Number.NaN;
  if (f.special === "fnuz" && sign < 0 && e === 0 && m === 0) return Number.NaN;
  const fraction = m / 2 ** f.mantissa;
  return sign * (e === 0 ? fraction * 2 ** (1 - f.bias) : (1 + fraction) * 2 ** (e - f.bias));
}
