import { allocate, type Data, type DType, isFloat, type Value } from "../types.js";
import { cells } from "./strided.js";

const WIDE: ReadonlySet<DType> = new Set(["int64", "uint64"]);

/**
 * Conversion of a constant: floats truncate toward zero, integers wrap, bool is "not zero".
 * A NaN or infinity converted to an integer has no value in ONNX; it becomes 0.
 */
export function castData(x: Value, to: DType): Data {
  const from = cells(x.data!);
  const out = allocate(to, from.length);
  const cell = cells(out);
  const convert = converter(x.type.dtype, to);
  for (let i = 0; i < from.length; i++) cell[i] = convert(from[i]!);
  return out;
}

function converter(from: DType, to: DType): (v: number | bigint) => number | bigint {
  if (to === "bool") return (v) => (Number(v) !== 0 ? 1 : 0);
  if (isFloat(to)) return Number;
  const whole = (v: number | bigint): number => (Number.isFinite(Number(v)) ? Math.trunc(Number(v)) : 0);
  if (WIDE.has(to)) return isFloat(from) ? (v) => BigInt(whole(v)) : BigInt;
  return WIDE.has(from) ? (v) => Number(BigInt.asIntN(32, v as bigint)) : whole;
}
