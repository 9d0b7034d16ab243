import { type Data, DTYPE_BITS, elements, type Graph, isFloat, type Port, type TensorType, typeOf } from "@accelc/ir";
import { roundHalfEven } from "@accelc/numerics";
import type { SampleTensor } from "@accelc/passes";

/** What enters the integer graph for `t`: floats on the input's grid, ties to even and saturated, or as binary32 words; integers as they are. */
export function quantizeInput(g: Graph, port: Port, t: SampleTensor): Data {
  const { dtype, quant } = typeOf(g, port.value);
  if (!isFloat(port.elementType)) return t.data;
  if (!quant) return new Int32Array(Float32Array.from(t.data as Float32Array).buffer);
  const bits = dtype === "int8" ? 8 : dtype === "int16" ? 16 : 32;
  const [low, high] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const out =
    bits === 8
      ? new Int8Array(t.data.length)
      : bits === 16
        ? new Int16Array(t.data.length)
        : new Int32Array(t.data.length);
  for (let i = 0; i < out.length; i++)
    out[i] = Math.min(high, Math.max(low, roundHalfEven(Number(t.data[i]) / quant.scale[0]!) + quant.zeroPoint));
  return out;
}

/** The real numbers that integer data on a grid stand for; the data themselves where the type has none. */
export function realValues({ shape, quant }: TensorType, data: Data): Float64Array {
  if (!quant) return Float64Array.from(data as Int32Array);
  const { scale, zeroPoint, axis } = quant;
  const inner = axis === null ? data.length : elements(shape.slice(axis + 1));
  return Float64Array.from(
    data as Int32Array,
    (q, i) => scale[Math.floor(i / inner) % scale.length]! * (q - zeroPoint),
  );
}

/** Real numbers rounded to a grid of one scale, ties to even, and saturated. */
export function roundToGrid({ dtype, quant }: TensorType, x: Float64Array): Float64Array {
  const { scale, zeroPoint, codes } = quant!;
  const top = 2 ** (DTYPE_BITS[dtype] - 1);
  const [low, high] = codes ?? [-top, top - 1];
  const s = scale[0]!;
  return x.map((v) => s * (Math.min(high, Math.max(low, roundHalfEven(v / s) + zeroPoint)) - zeroPoint));
}
