import type { TensorPlace } from "@accelc/isa";
import { roundHalfEven } from "@accelc/numerics";
import { ELEMENT_TYPES, type ElementType, floatReader, floatWriter, type HostData } from "./element-types.js";
import { elementCount, type RawTensor } from "./layout.js";

/** A tensor as the host sees it: ONNX element type, shape, elements in row-major order. */
export interface HostTensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: HostData;
}

const rangeOf = (bits: number): readonly [number, number] => [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];

/**
 * Elements [from, from + n) of `data` as stored integers: floats by clamp(roundHalfEven(x / scale) + zeroPoint) with the
 * division in binary64, infinities saturated, integers exactly, bool as 0 or 1; raw places take binary32 words. Returns a message where a value has no stored integer.
 */
export function toRaw(place: TensorPlace, data: HostData, from: number): RawTensor | string {
  const type = ELEMENT_TYPES[place.elementType];
  const n = elementCount(place.shape);
  if (place.bits === 64) return wideRaw(place, type, data, from, n);
  if (place.raw) return wordsOf(type, data, from, n);
  const raw = new Int32Array(n);
  if (type.kind === "float") return floatRaw(place, type, data, from, raw);
  const [low, high] = rangeOf(place.bits);
  for (let i = 0; i < n; i++) {
    const x = data[from + i];
    const q = type.kind === "bool" ? place.zeroPoint + (Number(x) !== 0 ? 1 : 0) : Number(x) + place.zeroPoint;
    if (q < low || q > high) {
      return `element ${i} is ${x}, outside the ${place.bits}-bit range ${low - place.zeroPoint}..${high - place.zeroPoint}`;
    }
    raw[i] = q;
  }
  return raw;
}

function floatRaw(
  place: TensorPlace,
  type: ElementType,
  data: HostData,
  from: number,
  raw: Int32Array,
): RawTensor | string {
  const [low, high] = rangeOf(place.bits);
  const { scale, zeroPoint } = place;
  const read = floatReader(type, data);
  for (let i = 0; i < raw.length; i++) {
    const x = read(from + i);
    if (Number.isNaN(x)) return `element ${i} is NaN`;
    raw[i] = Math.min(high, Math.max(low, roundHalfEven(x / scale) + zeroPoint));
  }
  return raw;
}

/** Elements as binary32 words, those of other types rounded to nearest even. */
function wordsOf(type: ElementType, data: HostData, from: number, n: number): Int32Array {
  if (data instanceof Float32Array) return new Int32Array(data.slice(from, from + n).buffer);
  const read = floatReader(type, data);
  return new Int32Array(Float32Array.from({ length: n }, (_, i) => read(from + i)).buffer);
}

/** The values of binary32 words, rounded to the element type. */
function fromWords(type: ElementType, words: Int32Array, out: HostData, from: number): void {
  if (out instanceof Float32Array) {
    new Int32Array(out.buffer, out.byteOffset, out.length).set(words, from);
    return;
  }
  const value = floatWriter(type);
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  for (let i = 0; i < floats.length; i++) out[from + i] = value(floats[i]);
}

function wideRaw(place: TensorPlace, type: ElementType, data: HostData, from: number, n: number): RawTensor | string {
  if (type.kind === "float") return "floats have no 64-bit storage";
  const raw = new BigInt64Array(n);
  const zero = BigInt(place.zeroPoint);
  for (let i = 0; i < n; i++) {
    const q = (type.kind === "bool" ? (Number(data[from + i]) !== 0 ? 1n : 0n) : BigInt(data[from + i])) + zero;
    if (BigInt.asIntN(64, q) !== q) return `element ${i} is ${data[from + i]}, outside the 64-bit storage range`;
    raw[i] = q;
  }
  return raw;
}

/** Dequantizes into out[from…]: scale · (q − zeroPoint) rounded to the element type; integers exactly, bool as q ≠ zeroPoint. */
export function fromRaw(place: TensorPlace, raw: RawTensor, out: HostData, from: number): void {
  const type = ELEMENT_TYPES[place.elementType];
  const { scale, zeroPoint } = place;
  if (place.raw && raw instanceof Int32Array) {
    fromWords(type, raw, out, from);
    return;
  }
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    for (let i = 0; i < raw.length; i++) out[from + i] = BigInt(raw[i]) - BigInt(zeroPoint);
    return;
  }
  const value = type.kind === "float" ? floatWriter(type) : (x: number) => x;
  for (let i = 0; i < raw.length; i++) {
    const q = Number(raw[i]) - zeroPoint;
    out[from + i] = type.kind === "bool" ? (q !== 0 ? 1 : 0) : value(type.kind === "float" ? scale * q : q);
  }
}
