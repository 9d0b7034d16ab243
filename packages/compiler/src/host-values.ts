import {
  allocate,
  type Data,
  DTYPE_BITS,
  type Graph,
  isFloat,
  type Port,
  type Quant,
  type TensorType,
  typeOf,
} from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import type { SampleTensor } from "@accelc/passes";

/** Codes of real numbers on a grid of one scale, ties to even, saturated at the limits. */
function encoder({ scale, zeroPoint }: Quant, [low, high]: readonly [number, number]): (x: number) => number {
  const s = scale[0]!;
  return (x) => Math.min(high, Math.max(low, roundHalfEven(x / s) + zeroPoint));
}

/** What enters the integer graph for `t`: floats on the input's grid, ties to even and saturated, or as binary32 words; integers as they are. */
export function quantizeInput(g: Graph, port: Port, t: SampleTensor): Data {
  const { dtype, quant } = typeOf(g, port.value);
  if (!isFloat(port.elementType)) return t.data;
  if (!quant) return new Int32Array(Float32Array.from(t.data as Float32Array).buffer);
  const out = allocate(dtype, t.data.length) as Int32Array;
  const top = 2 ** (DTYPE_BITS[dtype] - 1);
  const code = encoder(quant, [-top, top - 1]);
  for (let i = 0; i < out.length; i++) out[i] = code(Number(t.data[i]));
  return out;
}

/** Real numbers rounded to a grid of one scale, ties to even, and saturated. */
export function roundToGrid({ dtype, quant }: TensorType, x: Float64Array): Float64Array {
  const { scale, zeroPoint, codes } = quant!;
  const top = 2 ** (DTYPE_BITS[dtype] - 1);
  const code = encoder(quant!, codes ?? [-top, top - 1]);
  return x.map((v) => scale[0]! * (code(v) - zeroPoint));
}
