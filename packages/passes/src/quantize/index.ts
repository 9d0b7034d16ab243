import {
  failOn,
  type Graph,
  GraphBuilder,
  isFloat,
  prune,
  type TensorType,
  type Value,
  type ValueId,
} from "@accelc/ir";
import type { Calibration } from "../calibration/index.js";
import { quantizationProblems } from "./check.js";
import { Constants } from "./constants.js";
import { type Context, storedId } from "./context.js";
import { DTYPE_OF, quantOf } from "./grid.js";
import { type Grids, planGrids } from "./grids.js";
import { CARRIER, computedIntegers, indexValues } from "./integer-plan.js";
import { maskedValues } from "./masks.js";
import { emitNode } from "./rules.js";

export interface QuantizeOptions {
  readonly precision: "int8";
  readonly weights: "max";
}

/** A graph input's stored type: on its grid, or as what carries the integers that are computed with. */
function inputType(v: Value, grids: Grids, integers: ReadonlySet<ValueId>): TensorType {
  const { dtype, shape } = v.type;
  if (!isFloat(dtype)) return integers.has(v.id) ? { dtype: CARRIER[dtype] ?? dtype, shape } : v.type;
  const grid = grids.grid(v.id);
  return { dtype: DTYPE_OF[grid.bits], shape, quant: quantOf(grid) };
}

/**
 * The integer graph of a canonical float graph, on grids chosen from calibrated ranges; see docs/quantization.md. Pure: the
 * same graph, ranges and options give the same integer graph. Fails with PA2001 naming every operator that cannot be
 * quantized, and PA2003 for every input without a range.
 */
export function quantize(graph: Graph, calibration: Calibration, _options: QuantizeOptions): Graph {
  const g = prune(graph);
  const masked = maskedValues(g);
  failOn(quantizationProblems(g, calibration, masked));
  const builder = new GraphBuilder(g.name);
  const integers = computedIntegers(g);
  const grids = planGrids(g, calibration, masked);
  const c: Context = {
    graph: g,
    grids,
    builder,
    constants: new Constants(builder),
    producers: new Map(g.nodes.map((node, at) => [node.outputs[0]!, { node, at }])),
    stored: new Map(),
    forms: new Map(),
    ranges: new Map(),
    integers,
    indices: indexValues(g, false),
    compared: indexValues(g, true),
    masked,
    problems: [],
  };
  for (const p of g.inputs) {
    const v = g.values.get(p.value)!;
    const type = inputType(v, grids, integers);
    c.stored.set(p.value, builder.input({ name: p.name, elementType: p.elementType }, type));
  }
  for (const n of g.nodes) emitNode(c, n);
  for (const p of g.outputs) builder.output({ ...p, value: storedId(c, p.value) });
  failOn(c.problems);
  return prune(builder.finish());
}
