import {
  CompilerBug,
  type Diagnostic,
  diag,
  elements,
  type Graph,
  isFloat,
  type Loc,
  type Node,
  type Value,
  type ValueId,
} from "@accelc/ir";
import { constantForm, type Form, gemmOf, valueForm } from "./form.js";
import { codeOf, DTYPE_OF, type Grid, quantOf } from "./grid.js";
import type { Grids } from "./grids.js";
import { materialize, narrowTo, SumTooLarge } from "./narrow.js";
import type { Emitter, Site } from "./sum.js";

/** What emission knows: the float graph, its grids, and what each float value has become so far. */
export interface Context extends Emitter {
  readonly graph: Graph;
  readonly grids: Grids;
  /** Producer of each value and its place in the graph. */
  readonly producers: ReadonlyMap<ValueId, { readonly node: Node; readonly at: number }>;
  /** Integer value of each stored float value, and of each integer value passed on. */
  readonly stored: Map<ValueId, ValueId>;
  /** Deferred float values. */
  readonly forms: Map<ValueId, Form>;
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

const bits = (dtype: string): number => (dtype === "int8" ? 8 : dtype === "int16" ? 16 : 32);

/** The form of a value that stands in the integer graph with its grid. */
export function storedForm(c: Context, id: ValueId): Form {
  const type = c.builder.type(id);
  const { scale, zeroPoint } = type.quant!;
  return valueForm(id, type, scale[0]!, zeroPoint, 2 ** (bits(type.dtype) - 1));
}

/** A float value as a form, whatever it has become. */
export function formOf(c: Context, id: ValueId): Form {
  const v = floatValue(c, id);
  if (v.data) return constantForm({ shape: v.type.shape, data: Float64Array.from(v.data as Float32Array) });
  const form = c.forms.get(id);
  return form ?? storedForm(c, storedId(c, id));
}

function quantizedConstant(c: Context, v: Value, g: Grid): ValueId {
  const type = { dtype: DTYPE_OF[g.bits], shape: v.type.shape, quant: quantOf(g) };
  const codes = Array.from(v.data as Float32Array, (x) => codeOf(g, x));
  return c.constants.add(type, g.bits === 32 ? Int32Array.from(codes) : Int8Array.from(codes), v.id);
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
  else if (v.data) made = c.builder.adopt(v);
  else throw new CompilerBug("quantize", `${id} is not stored`);
  c.stored.set(id, made);
  return made;
}

/** Narrows a form to a grid; where that is impossible, says so and goes on with a value of the right type. */
export function narrow(c: Context, form: Form, grid: Grid, site: Site): ValueId {
  try {
    return narrowTo(c, form, grid, site);
  } catch (e) {
    if (!(e instanceof SumTooLarge)) throw e;
    const hint = "check the calibrated range of its output against what its inputs can give";
    c.problems.push(diag("PA2001", site.loc, { op: site.loc.op, reason: e.message }, hint));
    const type = { dtype: DTYPE_OF[grid.bits], shape: form.shape, quant: quantOf(grid) };
    return c.builder.constant(
      type,
      grid.bits === 16 ? new Int16Array(elements(form.shape)) : new Int8Array(elements(form.shape)),
    );
  }
}

export function store(c: Context, id: ValueId, form: Form): ValueId {
  const made = narrow(c, form, c.grids.grid(id), siteOf(c, id));
  c.stored.set(id, made);
  c.forms.delete(id);
  return made;
}

/** Takes the form of a node's output: kept where it may be deferred, stored where not. */
export function define(c: Context, id: ValueId, form: Form): void {
  if (c.grids.deferrable(id)) c.forms.set(id, form);
  else store(c, id, form);
}

/** The value as a form without a clamp: one with a clamp is materialized. */
export function linearOf(c: Context, id: ValueId): Form {
  const form = formOf(c, id);
  if (!form.clamp) return form;
  const m = materialize(c, form, 2 ** 29, c.grids.target(id), siteOf(c, id));
  const linear = valueForm(m.id, c.builder.type(m.id), m.unit, 0, m.bound);
  c.forms.set(id, linear);
  return linear;
}

const MOST_TERMS = 8;

/** Stores one of two deferred operands where their sum would hold two GEMMs or too many terms. */
export function separate(c: Context, a: ValueId, b: ValueId): void {
  const [x, y] = [c.forms.get(a), c.forms.get(b)];
  if (!x || !y || a === b) return;
  const [first, second] = [gemmOf(x), gemmOf(y)];
  if (!(first && second && first !== second) && x.terms.length + y.terms.length <= MOST_TERMS) return;
  const [m, n] = [elements(x.shape), elements(y.shape)];
  const older = c.producers.get(a)!.at < c.producers.get(b)!.at ? a : b;
  storedId(c, m === n ? older : m < n ? a : b);
}
