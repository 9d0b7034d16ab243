export type PackedBits = 2 | 4;

/** Bytes that `count` elements of `bits` bits take; the last byte may be partly used. */
export function packedBytes(count: number, bits: PackedBits): number {
  return Math.ceil((count * bits) / 8);
}

/** Packs the low `bits` of each value, the first value in the lowest bits of the first byte; spare bits are 0. */
export function pack(values: ArrayLike<number>, bits: PackedBits): Uint8Array {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const out = new Uint8Array(packedBytes(values.length, bits));
  for (let i = 0; i < values.length; i++) out[(i / perByte) | 0] |= (values[i] & mask) << ((i % perByte) * bits);
  return out;
}

/** The first `count` elements packed by `pack`, as two's complement. Throws RangeError where the bytes hold fewer. */
export function unpack(bytes: Uint8Array, bits: PackedBits, count: number): Int8Array {
  return unpackInto(new Int8Array(count), bytes, bits, (code) => (code << (32 - bits)) >> (32 - bits));
}

/** As `unpack`, the codes read as unsigned. */
export function unpackUnsigned(bytes: Uint8Array, bits: PackedBits, count: number): Uint8Array {
  return unpackInto(new Uint8Array(count), bytes, bits, (code) => code);
}

function unpackInto<T extends Int8Array | Uint8Array>(
  out: T,
  bytes: Uint8Array,
  bits: PackedBits,
  value: (code: number) => number,
): T {
  const needed = packedBytes(out.length, bits);
  if (bytes.length < needed) throw new RangeError(`${out.length} elements need ${needed} bytes, got ${bytes.length}`);
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  for (let i = 0; i < out.length; i++) out[i] = value((bytes[(i / perByte) | 0] >> ((i % perByte) * bits)) & mask);
  return out;
}
