import { failOn, type Graph, GraphBuilder, isFloat, prune } from "@accelc/ir";
import type { Calibration } from "../calibration/index.js";
import { quantizationProblems } from "./check.js";
import { Constants } from "./constants.js";
import { type Context, storedId } from "./context.js";
import { quantOf } from "./grid.js";
import { planGrids } from "./grids.js";
import { emitNode } from "./rules.js";

export interface QuantizeOptions {
  readonly precision: "int8";
  readonly weights: "max";
}

/**
 * The integer graph of a canonical float graph, on grids chosen from calibrated ranges; see docs/quantization.md. Pure: the
 * same graph, ranges and options give the same integer graph. Fails with PA2001 naming every operator that cannot be
 * quantized, and PA2003 for every input without a range.
 */
export function quantize(graph: Graph, calibration: Calibration, _options: QuantizeOptions): Graph {
  const g = prune(graph);
  failOn(quantizationProblems(g, calibration));
  const builder = new GraphBuilder(g.name);
  const grids = planGrids(g, calibration);
  const c: Context = {
    graph: g,
    grids,
    builder,
    constants: new Constants(builder),
    producers: new Map(g.nodes.map((node, at) => [node.outputs[0]!, { node, at }])),
    stored: new Map(),
    forms: new Map(),
    problems: [],
  };
  for (const p of g.inputs) {
    const v = g.values.get(p.value)!;
    const type = isFloat(v.type.dtype)
      ? { dtype: "int8" as const, shape: v.type.shape, quant: quantOf(grids.grid(p.value)) }
      : v.type;
    c.stored.set(p.value, builder.input({ name: p.name, elementType: p.elementType }, type));
  }
  for (const n of g.nodes) emitNode(c, n);
  for (const p of g.outputs) builder.output({ ...p, value: storedId(c, p.value) });
  failOn(c.problems);
  return prune(builder.finish());
}
