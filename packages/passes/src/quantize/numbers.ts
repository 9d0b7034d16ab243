import { sameShape, type ValueId } from "@accelc/ir";
import { DLFLOAT16 } from "@accelc/numerics";
import { ceilLog2 } from "../functions/index.js";
import { clampForm, type Form, type Known } from "./form.js";
import type { FloatGrid } from "./grid.js";
import { fixedPoint, topOf } from "./narrow.js";
import { isZero } from "./real.js";
import type { Emitter, Site } from "./sum.js";

/** Least and greatest shift of a conversion between DLFloat and fixed point. */
const SHIFTS = 64;
const shiftOf = (unit: number): number => Math.max(-SHIFTS, Math.min(SHIFTS, -Math.log2(unit)));

/** Magnitudes of a number: one that is proven, and one at which it may saturate. */
export interface Reach {
  readonly proven: number;
  readonly limit: number;
}

/**
 * Unit of the fixed point for numbers of that reach, and the bound of its integers: 28 bits where the reach is proven and not
 * beyond the limit, so that sums need no multiplication; else all of int32, which saturates beyond the limit.
 */
function fixedUnit({ proven, limit }: Reach): { readonly unit: number; readonly bound: number } {
  const saturates = !(proven <= limit);
  const top = saturates ? limit : proven;
  const unit = 2 ** -shiftOf(top > 0 ? 2 ** (ceilLog2(top) - (saturates ? 31 : 28)) : 1);
  return { unit, bound: saturates ? 2 ** 31 : Math.max(1, Math.ceil(proven / unit)) };
}

/** The same numbers in DLFloat. */
export function dlfloatOf(e: Emitter, code: ValueId, at: Site): ValueId {
  if (e.builder.type(code).dtype === "dlfloat16") return code;
  return e.builder.add("fromFp8", [code], {}, at.loc, { id: `${at.name}.number` });
}

/** DLFloat numbers in fixed point: integers under a power of two. */
export function fixedOfNumber(
  e: Emitter,
  number: ValueId,
  reach: Reach,
  at: Site,
): { readonly value: Known; readonly unit: number } {
  const { unit, bound } = fixedUnit(reach);
  const quant = { scale: [unit], zeroPoint: 0, axis: null };
  const id = e.builder.add("toFixed", [number], { shift: shiftOf(unit) }, at.loc, { id: `${at.name}.fixed`, quant });
  return { value: { id, bound, int32: true, number: { id: number, unit } }, unit };
}

/** The DLFloat numbers whose fixed point the form is, under no clamp. */
function numberIn(e: Emitter, f: Form): ValueId | undefined {
  const [t] = f.terms;
  if (f.terms.length !== 1 || t?.operand.kind !== "value" || f.clamp || !isZero(f.offset)) return undefined;
  const { number } = t.operand.value;
  const same = number && t.coef.data.every((x) => x === number.unit);
  return same && sameShape(e.builder.type(number.id).shape, f.shape) ? number.id : undefined;
}

/** Emits the form as numbers: rounded to DLFloat, ties to even, then to FP8 where that is asked for; beyond the largest it saturates. */
export function narrowToNumbers(e: Emitter, f: Form, g: FloatGrid, at: Site): ValueId {
  const source = at.source === undefined ? {} : { source: at.source };
  const known = numberIn(e, f);
  const wide = g.format === "dlfloat16";
  if (known !== undefined && wide)
    return e.builder.value(known).source === undefined ? e.builder.describe(known, source) : known;
  const number = known ?? encoded(e, f, at, wide ? { id: at.name, ...source } : { id: `${at.name}.number` });
  return wide
    ? number
    : e.builder.add("toFp8", [number], { format: g.format, bias: g.bias }, at.loc, { id: at.name, ...source });
}

function encoded(e: Emitter, f: Form, at: Site, as: { readonly id: string; readonly source?: string }): ValueId {
  const top = DLFLOAT16.maxFinite;
  const m = fixedPoint(e, topOf(f) > top ? clampForm(f, -top, top) : f, 30, { loc: at.loc, name: `${at.name}.fixed` });
  return e.builder.add("toDlfloat", [m.id], { shift: shiftOf(m.unit) }, at.loc, as);
}
