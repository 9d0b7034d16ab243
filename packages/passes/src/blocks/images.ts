import {
  allocate,
  type Data,
  type Layout,
  LINEAR,
  physicalDims,
  physicalElements,
  sameLayout,
  strides,
} from "@accelc/ir";
import { pack } from "@accelc/numerics";

/** Little-endian bytes of a tensor under a layout; lanes beyond the lane axis are 0, except that an extent of 1 fills all. */
export function constantImage(
  shape: readonly number[],
  data: Data,
  layout: Layout,
  lanes: number,
  bits: number,
): Uint8Array {
  const dims = physicalDims(shape, layout, lanes);
  const image = typed(bits, physicalElements(shape, layout, lanes));
  if (sameLayout(layout, LINEAR)) {
    if (data.constructor === image.constructor) (image as Int8Array).set(data as Int8Array);
    else for (let i = 0; i < data.length; i++) image[i] = toStorage(data[i]!, bits) as never;
    return packed(image, bits);
  }
  const logical = strides(shape);
  const index = new Array<number>(dims.length).fill(0);
  const total = dims.reduce((n, d) => n * d.extent, 1);
  const broadcast = layout.lane !== null && layout.lane < shape.length && shape[layout.lane] === 1;
  const at = new Array<number>(shape.length).fill(0);
  for (let p = 0; p < total; p++) {
    at.fill(0);
    let lane = 0;
    dims.forEach((d, i) => {
      if (d.axis < shape.length) at[d.axis]! += index[i]! * d.div;
      else lane = index[i]!;
    });
    if (broadcast) at[layout.lane!] = 0;
    if (lane === 0 && at.every((x, i) => x < shape[i]!)) {
      const from = at.reduce((s, x, i) => s + x * logical[i]!, 0);
      image[p] = toStorage(data[from]!, bits) as never;
    }
    for (let i = dims.length - 1; i >= 0; i--) {
      if (++index[i]! < dims[i]!.extent) break;
      index[i] = 0;
    }
  }
  return packed(image, bits);
}

/** Bytes of elements of `bits` bits; those below a byte come one per entry. */
export const packed = (image: Data, bits: number): Uint8Array =>
  bits === 4 || bits === 2
    ? pack(image as Int8Array, bits)
    : new Uint8Array(image.buffer, image.byteOffset, image.byteLength);

const typed = (bits: number, n: number): Data =>
  allocate(bits <= 8 ? "int8" : bits === 16 ? "int16" : bits === 32 ? "int32" : "int64", n);

const toStorage = (x: number | bigint, bits: number): number | bigint => (bits === 64 ? BigInt(x) : Number(x));

/** Row-major bytes as they are, for data that is already in its final order. */
export const rawImage = (data: Data): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
