/**
 * Checksum of the contents of an object file: 32-bit FNV-1a over little-endian words, the last one filled up with zeros,
 * then over the length. Any single damaged word changes it.
 */
export function checksum(parts: readonly Uint8Array[]): number {
  let h = 0x811c9dc5;
  for (const part of parts) {
    h = words(part, h);
    h = Math.imul(h ^ part.length, PRIME);
  }
  return h >>> 0;
}

const PRIME = 0x01000193;

function words(bytes: Uint8Array, start: number): number {
  const whole = bytes.length >>> 2;
  let h = start;
  if (bytes.byteOffset % 4 === 0 && LITTLE_ENDIAN) {
    const view = new Uint32Array(bytes.buffer, bytes.byteOffset, whole);
    for (let i = 0; i < whole; i++) h = Math.imul(h ^ view[i]!, PRIME);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < whole; i++) h = Math.imul(h ^ view.getUint32(4 * i, true), PRIME);
  }
  let rest = 0;
  for (let i = 4 * whole; i < bytes.length; i++) rest |= bytes[i]! << (8 * (i - 4 * whole));
  return 4 * whole < bytes.length ? Math.imul(h ^ rest, PRIME) : h;
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
