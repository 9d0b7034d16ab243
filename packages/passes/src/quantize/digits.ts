import { CompilerBug, type Loc, type Quant, type TensorType, type ValueId } from "@accelc/ir";
import type { Context } from "./context.js";
import { codeBits, type FixedGrid, qmax, qmin } from "./grid.js";

/** What the array reads of a GEMM operand in one pass. */
export interface Part {
  readonly id: ValueId;
  readonly factor: number;
  /** Greatest magnitude of a code. */
  readonly bound: number;
}

/** An operand's codes as Σ factor · part + offset, the part of factor 1 first. */
export interface Split {
  readonly parts: readonly Part[];
  readonly offset: number;
}

/** The grid of a stored value. */
export function gridOf({ dtype, quant }: TensorType): FixedGrid {
  const bits = dtype === "int8" ? 8 : dtype === "int16" ? 16 : 32;
  return { bits, scale: quant!.scale[0]!, zero: quant!.zeroPoint, ...(quant!.codes ? { codes: quant!.codes } : {}) };
}

/**
 * Digits of codes of 16 bits in base 256, both signed: q = 256 high + low + offset. Where no code exceeds 127 · 256 + 127 the offset
 * is 0: low = ((q + 128) mod 256) − 128. Else it is 128: low = (q mod 256) − 128.
 */
function digits(q: number, offset: number): { readonly high: number; readonly low: number } {
  const shifted = q + 128 - offset;
  return { high: shifted >> 8, low: (shifted & 255) - 128 };
}

/** Codes of up to 32639 in magnitude as signed digits in base 256, the lower first. */
export function weightDigits(data: Int8Array | Int16Array): readonly Int8Array[] {
  if (data instanceof Int8Array) return [data];
  return [Int8Array.from(data, (q) => digits(q, 0).low), Int8Array.from(data, (q) => digits(q, 0).high)];
}

function digitOf(c: Context, x: ValueId, which: "high" | "low", offset: number, loc: Loc): Part {
  const grid = gridOf(c.builder.type(x));
  const factor = which === "high" ? 256 : 1;
  const zeroPoint = digits(grid.zero, offset)[which];
  const quant: Quant = { scale: [grid.scale * factor], zeroPoint, axis: null };
  const { data, type } = c.builder.value(x);
  const as = { id: `${x}.${which}`, quant };
  if (data) {
    const codes = Int8Array.from(data as Int16Array, (q) => digits(q, offset)[which]);
    return { id: c.constants.add({ dtype: "int8", shape: type.shape, quant }, codes, as.id), factor, bound: 128 };
  }
  const by = (value: number) => c.constants.scalar(value, `${x}.digit`);
  const t = { id: `${as.id}.t` };
  const shifted = offset === 128 ? x : c.builder.add("iadd", [x, by(128)], {}, loc, t);
  const wide =
    which === "high"
      ? c.builder.add("ishr", [shifted, by(8)], {}, loc, t)
      : c.builder.add("isub", [c.builder.add("iand", [shifted, by(255)], {}, loc, t), by(128)], {}, loc, t);
  return { id: c.builder.add("narrow", [wide], { shift: 0, bits: 8 }, loc, as), factor, bound: 128 };
}

/** A stored operand of up to 16 bits as what the array reads, packed in `array` bits where these are fewer than 8. */
export function splitOperand(c: Context, x: ValueId, array: number, loc: Loc): Split {
  const key = `${x} ${array}`;
  const known = c.splits.get(key);
  if (known) return known;
  const made = newSplit(c, x, array, loc);
  c.splits.set(key, made);
  return made;
}

function newSplit(c: Context, x: ValueId, array: number, loc: Loc): Split {
  const { dtype } = c.builder.type(x);
  const grid = gridOf(c.builder.type(x));
  if (dtype === "int16") {
    const offset = qmax(grid) <= 127 * 257 ? 0 : 128;
    return { parts: (["low", "high"] as const).map((w) => digitOf(c, x, w, offset, loc)), offset };
  }
  if (dtype !== "int8") throw new CompilerBug("quantize", `${x} is ${dtype}, which the array does not read`);
  const bound = Math.max(-qmin(grid), qmax(grid));
  if (array === 8) return { parts: [{ id: x, factor: 1, bound }], offset: 0 };
  const bits = array === 4 ? 4 : 2;
  const { data, type } = c.builder.value(x);
  if (data) {
    const id = c.constants.add({ ...type, dtype: bits === 4 ? "int4" : "int2" }, data, `${x}.packed`);
    return { parts: [{ id, factor: 1, bound }], offset: 0 };
  }
  const id = c.builder.add("pack", [x], { bits }, loc, { id: `${x}.packed` });
  return { parts: [{ id, factor: 1, bound }], offset: 0 };
}

/** Bits of the array's operands for codes of these bits: those of the wider, at least as many as the narrower's. */
export const arrayBits = (a: number, b: number): number => Math.min(8, Math.max(a, b));

/** Bits of a stored value's codes. */
export const storedBits = (c: Context, x: ValueId): number => codeBits(gridOf(c.builder.type(x)));
