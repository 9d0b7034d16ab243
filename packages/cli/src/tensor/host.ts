import type { HostInputs, HostTensor } from "@accelc/emulator";
import type { Data, DType } from "@accelc/ir";
import { BFLOAT16, BINARY16, decode, encode, type Minifloat } from "@accelc/numerics";
import type { FileTensor } from "./npy.js";

/** The emulator takes 16-bit floats as codes, files and the compiler hold them as numbers. */
const CODES: Readonly<Record<string, Minifloat>> = { float16: BINARY16, bfloat16: BFLOAT16 };

export function toHost(t: FileTensor): HostTensor {
  const codes = CODES[t.type];
  return codes ? { ...t, data: Uint16Array.from(t.data as Float32Array, (x) => encode(codes, x)) } : t;
}

export function fromHost(t: HostTensor): FileTensor {
  const codes = CODES[t.type];
  const data = codes ? Float32Array.from(t.data as Uint16Array, (c) => decode(codes, c)) : t.data;
  return { type: t.type as DType, shape: t.shape, data: data as Data };
}

export const toHostInputs = (tensors: ReadonlyMap<string, FileTensor>): HostInputs =>
  Object.fromEntries([...tensors].map(([name, t]) => [name, toHost(t)]));
