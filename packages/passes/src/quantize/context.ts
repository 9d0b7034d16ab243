import {
  allocate,
  CompilerBug,
  type Diagnostic,
  DTYPE_BITS,
  diag,
  elements,
  type Graph,
  isFloat,
  type Loc,
  type Node,
  sameShape,
  type Value,
  type ValueId,
} from "@accelc/ir";
import type { SawbPair, WeightMethod } from "../ranges/index.js";
import type { Split } from "./digits.js";
import { constantForm, type Form, gemmOf, type Known, valueForm } from "./form.js";
import type { Formats } from "./formats.js";
import {
  codeBits,
  encoderOf,
  floatGridOf,
  type Grid,
  isFloatGrid,
  magnitude,
  rangeOf,
  sameGrid,
  typeOn,
} from "./grid.js";
import type { Grids } from "./grids.js";
import { integerConstant } from "./integer-plan.js";
import { materialize, narrowTo, SumTooLarge } from "./narrow.js";
import { dlfloatOf, fixedOfNumber, narrowToNumbers } from "./numbers.js";
import { isZero, type Real, scalar } from "./real.js";
import type { Emitter, Site } from "./sum.js";

/** What the machine says of sums of products of numbers: elements per pass of each format, lanes, products per chunk. */
export interface SumRules {
  readonly pass: { readonly fp16: number; readonly hfp8: number };
  readonly lanes: number;
  readonly chunk: number;
}

/** What emission knows: the float graph, its grids, and what each float value has become so far. */
export interface Context extends Emitter {
  readonly graph: Graph;
  readonly grids: Grids;
  readonly formats: Formats;
  /** How the array sums products of numbers. */
  readonly sums: SumRules;
  /** Producer of each value and its place in the graph. */
  readonly producers: ReadonlyMap<ValueId, { readonly node: Node; readonly at: number }>;
  /** Integer value of each stored float value, and of each integer value passed on. */
  readonly stored: Map<ValueId, ValueId>;
  /** Fixed point of stored numbers, where something has read it. */
  readonly fixed: Map<ValueId, Known>;
  /** Operands of GEMMs that are stored on another grid, by value and grid. */
  readonly operands: Map<string, ValueId>;
  /** Deferred float values. */
  readonly forms: Map<ValueId, Form>;
  /** Digits and packed forms of GEMM operands, by stored value. */
  readonly splits: Map<string, Split>;
  /** Proven intervals of integer values, where they are tighter than their types. */
  readonly ranges: Map<ValueId, readonly [number, number]>;
  /** Integer and bool values that are computed with. */
  readonly integers: ReadonlySet<ValueId>;
  /** Integer values that only select elements. */
  readonly indices: ReadonlySet<ValueId>;
  /** Those, and what meets small constants in comparisons. */
  readonly compared: ReadonlySet<ValueId>;
  /** Float values that softmax masks: what is below −2^16 there counts as −2^16. */
  readonly masked: ReadonlySet<ValueId>;
  /** Float values that travel as binary32 words. */
  readonly raw: ReadonlySet<ValueId>;
  /** How weight scales follow from the weights. */
  readonly weightMethod: WeightMethod;
  /** Does one scale serve all output channels of a layer? */
  readonly weightPerTensor: boolean;
  /** Input channels that share a whole-numbered scale beside the output channel's, where weights are to have such. */
  readonly weightVector?: number | undefined;
  /** SAWB's coefficients by bits; the published ones where there are none. */
  readonly sawbPairs?: ReadonlyMap<number, SawbPair> | undefined;
  /** Means of a tensor's input channels, where biases are to be corrected by them. */
  readonly means?: ((tensor: string) => readonly number[] | undefined) | undefined;
  readonly problems: Diagnostic[];
}

const NOWHERE: Loc = { model: "", node: "", op: "" };

export const floatValue = (c: Context, id: ValueId): Value => {
  const v = c.graph.values.get(id);
  if (!v) throw new CompilerBug("quantize", `no value ${id}`);
  return v;
};

export function siteOf(c: Context, id: ValueId): Site {
  const { source } = floatValue(c, id);
  const loc = c.producers.get(id)?.node.loc ?? NOWHERE;
  return { loc, name: id, ...(source === undefined ? {} : { source }) };
}

/** The form of a value that stands in the integer graph with its grid. */
export function storedForm(c: Context, id: ValueId): Form {
  const type = c.builder.type(id);
  const { scale, zeroPoint, codes } = type.quant!;
  const bound = codes ? Math.max(-codes[0], codes[1]) : 2 ** (DTYPE_BITS[type.dtype] - 1);
  return valueForm(id, type, scale[0]!, zeroPoint, bound);
}

/** What a constant below this stands for, on its way to a softmax: nothing. */
export const MASK = -(2 ** 16);

/** A float constant as real numbers. */
export function realOf(c: Context, v: Value): Real {
  const data = new Float64Array(v.data as Float32Array);
  if (c.masked.has(v.id)) for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i]!, MASK);
  return { shape: v.type.shape, data };
}

/** A float value as a form, whatever it has become. */
export function formOf(c: Context, id: ValueId): Form {
  const v = floatValue(c, id);
  if (v.data) return constantForm(realOf(c, v));
  const form = c.forms.get(id);
  if (form) return form;
  const stored = storedId(c, id);
  if (!floatGridOf(c.builder.type(stored))) return storedForm(c, stored);
  const value = fixedOfStored(c, id, stored);
  const unit = scalar(value.number!.unit);
  return { shape: v.type.shape, terms: [{ operand: { kind: "value", value }, coef: unit }], offset: scalar(0) };
}

/** Magnitude at which fixed point may saturate: 64 times what was seen of the value, or 16 times what is expected. */
export function farReach(c: Context, id: ValueId): number {
  const seen = c.grids.seen(id);
  return seen ? 64 * magnitude(seen) : 16 * magnitude(c.grids.expected(id));
}

/** Stored numbers in fixed point. */
function fixedOfStored(c: Context, id: ValueId, stored: ValueId): Known {
  const done = c.fixed.get(stored);
  if (done) return done;
  const at = { loc: siteOf(c, id).loc, name: id };
  const reach = { proven: magnitude(rangeOf(floatGridOf(c.builder.type(stored))!)), limit: farReach(c, id) };
  const { value } = fixedOfNumber(c, dlfloatOf(c, stored, at), reach, at);
  if ((c.ranges.get(stored)?.[0] ?? -1) >= 0) c.ranges.set(value.id, [0, Math.min(value.bound, 2 ** 31 - 1)]);
  c.fixed.set(stored, value);
  return value;
}

/** A stored float value as integers on a grid: what is stored, or the fixed point of numbers. */
export function integersOf(c: Context, id: ValueId): ValueId {
  const stored = storedId(c, id);
  return floatGridOf(c.builder.type(stored)) ? fixedOfStored(c, id, stored).id : stored;
}

/** A float constant on a grid. */
export function quantizedConstant(c: Context, v: Value, g: Grid): ValueId {
  const type = typeOn(g, v.type.shape);
  const data = allocate(type.dtype, elements(type.shape)) as Int32Array;
  const real = c.masked.has(v.id) ? realOf(c, v).data : (v.data as Float32Array);
  const code = encoderOf(g);
  for (let i = 0; i < data.length; i++) data[i] = code(real[i]!);
  return c.constants.add(type, data, v.id);
}

/** A float value on the grid that a GEMM wants, which may be another than that of its class. */
export function operandOn(c: Context, id: ValueId, g: Grid, loc: Loc): ValueId {
  const v = floatValue(c, id);
  if (v.data) return quantizedConstant(c, v, g);
  const own = floatGridOf(c.builder.type(storedId(c, id)));
  if (own && sameGrid(own, g)) return storedId(c, id);
  const key = `${id} ${JSON.stringify(g)}`;
  const made = c.operands.get(key) ?? narrow(c, formOf(c, id), g, { loc, name: `${id}.operand` });
  c.operands.set(key, made);
  return made;
}

/** The integer value that a float value is stored in, on the grid of its class; a deferred one is stored now. */
export function storedId(c: Context, id: ValueId): ValueId {
  const done = c.stored.get(id);
  if (done !== undefined) return done;
  const v = floatValue(c, id);
  const form = c.forms.get(id);
  let made: ValueId;
  if (form) made = store(c, id, form);
  else if (v.data && isFloat(v.type.dtype)) made = quantizedConstant(c, v, c.grids.grid(id));
  else if (v.data) made = c.integers.has(id) ? integerConstant(c, id, v.data) : c.builder.adopt(v);
  else throw new CompilerBug("quantize", `${id} is not stored`);
  c.stored.set(id, made);
  return made;
}

/** Narrows a form to a grid; where that is impossible, says so and goes on with a value of the right type. */
export function narrow(c: Context, form: Form, grid: Grid, site: Site): ValueId {
  try {
    return isFloatGrid(grid) ? narrowToNumbers(c, form, grid, site) : narrowTo(c, form, grid, site);
  } catch (e) {
    if (!(e instanceof SumTooLarge)) throw e;
    const hint = "check the calibrated range of its output against what its inputs can give";
    c.problems.push(diag("PA2001", site.loc, { op: site.loc.op, reason: e.message }, hint));
    const type = typeOn(grid, form.shape);
    return c.builder.constant(type, allocate(type.dtype, elements(form.shape)));
  }
}

/** A function's result that nothing else reads before it is stored in 32 bits keeps its own unit. */
function keepUnit(c: Context, id: ValueId, f: Form): ValueId | undefined {
  const [t] = f.terms;
  if (f.terms.length !== 1 || t?.operand.kind !== "value" || f.clamp || !isZero(f.offset)) return undefined;
  const [unit] = t.coef.data;
  const { id: value, int32 } = t.operand.value;
  const fits = int32 && t.coef.data.length === 1 && unit! > 0 && Number.isInteger(Math.log2(unit!));
  const fresh = c.builder.type(value).quant === undefined && !c.builder.value(value).data;
  if (!fits || !fresh || !sameShape(c.builder.type(value).shape, f.shape)) return undefined;
  const { source } = siteOf(c, id);
  const quant = { scale: [unit!], zeroPoint: 0, axis: null };
  return c.builder.describe(value, { quant, ...(source === undefined ? {} : { source }) });
}

export function store(c: Context, id: ValueId, form: Form): ValueId {
  const grid = c.grids.grid(id);
  const unit = !isFloatGrid(grid) && grid.bits === 32 && !grid.rounding;
  const own = unit && c.grids.alone(id) ? keepUnit(c, id, form) : undefined;
  const made = own ?? narrow(c, form, grid, siteOf(c, id));
  c.stored.set(id, made);
  c.forms.delete(id);
  if (own !== undefined) return made;
  const zero = isFloatGrid(grid) ? 0 : grid.zero;
  if (notNegative(c, form) && zero === 0)
    c.ranges.set(made, [0, 2 ** (DTYPE_BITS[c.builder.type(made).dtype] - 1) - 1]);
  return made;
}

/** Is it proven that the form has no negative value? */
function notNegative(c: Context, f: Form): boolean {
  if (f.clamp && f.clamp.min >= 0) return true;
  const nonNegative = (t: Form["terms"][number]) =>
    t.operand.kind === "value" &&
    (c.ranges.get(t.operand.value.id)?.[0] ?? -1) >= 0 &&
    t.coef.data.every((x) => x >= 0);
  return f.terms.every(nonNegative) && f.offset.data.every((x) => x >= 0);
}

/** Takes the form of a node's output: kept where it may be deferred, stored where not. */
export function define(c: Context, id: ValueId, form: Form): void {
  if (c.grids.deferrable(id)) c.forms.set(id, form);
  else store(c, id, form);
}

/** Emits a deferred form as a value of 30 bits, clamp included; it stays deferred. */
function widen(c: Context, id: ValueId, form: Form): Form {
  const m = materialize(c, form, 2 ** 29, c.grids.target(id)?.scale, siteOf(c, id));
  c.ranges.set(m.id, m.range);
  const linear = valueForm(m.id, c.builder.type(m.id), m.unit, 0, m.bound);
  c.forms.set(id, linear);
  return linear;
}

/** The value as a form without a clamp: one with a clamp is materialized. */
export function linearOf(c: Context, id: ValueId): Form {
  const form = formOf(c, id);
  return form.clamp ? widen(c, id, form) : form;
}

const MOST_TERMS = 8;

/**
 * Stores one of two deferred operands where their sum would hold two GEMMs or too many terms: on its grid or, on the way to fewer
 * than 8 bits, where a 16-bit rounding can be seen at the thresholds, in 30.
 */
export function separate(c: Context, a: ValueId, b: ValueId): void {
  const [x, y] = [c.forms.get(a), c.forms.get(b)];
  if (!x || !y || a === b) return;
  const [first, second] = [gemmOf(x), gemmOf(y)];
  if (!(first && second && first !== second) && x.terms.length + y.terms.length <= MOST_TERMS) return;
  const [m, n] = [elements(x.shape), elements(y.shape)];
  const older = c.producers.get(a)!.at < c.producers.get(b)!.at ? a : b;
  const chosen = m === n ? older : m < n ? a : b;
  const target = c.grids.target(chosen);
  if (target && codeBits(target) < 8) widen(c, chosen, chosen === a ? x : y);
  else storedId(c, chosen);
}
