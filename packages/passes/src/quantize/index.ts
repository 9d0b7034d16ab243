import {
  failOn,
  type Graph,
  GraphBuilder,
  isFloat,
  type Port,
  prune,
  type Quant,
  type TensorType,
  type Value,
  type ValueId,
} from "@accelc/ir";
import type { Calibration } from "../calibration/index.js";
import { maskedValues } from "../masks.js";
import type { SawbPair, WeightMethod } from "../ranges/index.js";
import { rawValues } from "../raw.js";
import { quantizationProblems } from "./check.js";
import { Constants } from "./constants.js";
import { type Context, floatValue, integersOf, type SumRules } from "./context.js";
import {
  type FormatOptions,
  formatBits,
  formatProblems,
  isMinifloatFormat,
  PRECISIONS,
  planFormats,
} from "./formats.js";
import { isFloatGrid, typeOn } from "./grid.js";
import { planGrids } from "./grids.js";
import { CARRIER, computedIntegers, indexValues } from "./integer-plan.js";
import { limitChain } from "./narrow.js";
import { emitRaw, wordsId } from "./raw.js";
import { emitNode } from "./rules.js";
import { emitChain } from "./sum.js";

export interface QuantizeOptions extends FormatOptions {
  /** How weight scales follow from the weights. */
  readonly weights: WeightMethod;
  /** Does one scale serve all output channels? */
  readonly weightPerTensor?: boolean | undefined;
  /** Input channels that share a whole-numbered scale beside the output channel's (VS-Quant); absent: none do. */
  readonly weightVector?: number | undefined;
  /** SAWB's coefficients by bits; the published ones where there are none. */
  readonly sawbPairs?: ReadonlyMap<number, SawbPair>;
  /** Are the clips [0, α] that training learned the ranges of what they bound (PACT)? */
  readonly learnedClips?: boolean;
  /** How the array sums products of numbers; a machine of 32 lanes with chunks of 64 where it is not given. */
  readonly sums?: SumRules;
  /** Is what quantized weights take from a layer's outputs on average to be added to its bias? */
  readonly biasCorrection?: boolean;
}

export type { SumRules } from "./context.js";

const SUMS: SumRules = { pass: { fp16: 16, hfp8: 32 }, lanes: 32, chunk: 64 };

/** A graph input's stored type: binary32 words, on its grid, or as what carries the integers that are computed with. */
function inputType(v: Value, { grids, integers, raw }: Context): TensorType {
  const { dtype, shape } = v.type;
  if (raw.has(v.id)) return { dtype: "int32", shape };
  if (!isFloat(dtype)) return integers.has(v.id) ? { dtype: CARRIER[dtype] ?? dtype, shape } : v.type;
  return typeOn(grids.grid(v.id), shape);
}

/** A graph input as it is stored. The host knows the codes of the type: where the grid has fewer, they are cut first. */
function emitInput(c: Context, { name, elementType, value }: Port): ValueId {
  const { quant, ...plain } = inputType(floatValue(c, value), c);
  const { codes, ...whole } = quant ?? {};
  const input = c.builder.input({ name, elementType }, quant ? { ...plain, quant: whole as Quant } : plain);
  if (!codes) return input;
  const at = { loc: { model: "", node: "", op: "" }, name: `${name}.codes` };
  const grid = c.grids.grid(value);
  return isFloatGrid(grid) ? input : emitChain(limitChain(c, input, grid, at), at, grid);
}

/** What stands for a graph output; a float constant keeps its words, and integers that are codes of floats too are no codes there. */
function outputId(c: Context, id: ValueId): ValueId {
  const { data, type } = c.graph.values.get(id)!;
  if (data && isFloat(type.dtype)) return wordsId(c, id);
  const stored = integersOf(c, id);
  if (isFloat(type.dtype) || !c.builder.type(stored).quant) return stored;
  const { loc } = c.producers.get(id)!.node;
  return c.builder.add("iadd", [stored, c.constants.scalar(0, `${id}.zero`)], {}, loc, { id: `${id}.integers` });
}

/**
 * The integer graph of a canonical float graph, on grids chosen from calibrated ranges; see docs/quantization.md. Pure: the
 * same graph, ranges and options give the same integer graph. Fails with PA2001 naming every operator that cannot be
 * quantized, and PA2003 for every input without a range.
 */
export function quantize(graph: Graph, calibration: Calibration, options: QuantizeOptions): Graph {
  const g = prune(graph);
  const masked = maskedValues(g);
  const raw = rawValues(g);
  failOn([...formatProblems(g, options.layers), ...quantizationProblems(g, calibration, masked, raw)]);
  const builder = new GraphBuilder(g.name);
  const integers = computedIntegers(g);
  const formats = planFormats(g, options);
  const { activations } = PRECISIONS[options.precision];
  const clipBits = options.learnedClips && !isMinifloatFormat(activations) ? formatBits(activations) : undefined;
  const grids = planGrids(g, calibration, masked, { formats, ...(clipBits === undefined ? {} : { clipBits }) });
  const c: Context = {
    graph: g,
    grids,
    formats,
    sums: options.sums ?? SUMS,
    builder,
    constants: new Constants(builder),
    producers: new Map(g.nodes.map((node, at) => [node.outputs[0]!, { node, at }])),
    stored: new Map(),
    fixed: new Map(),
    operands: new Map(),
    forms: new Map(),
    splits: new Map(),
    ranges: new Map(),
    integers,
    indices: indexValues(g, false),
    compared: indexValues(g, true),
    masked,
    raw,
    weightMethod: options.weights,
    weightPerTensor: options.weightPerTensor === true,
    weightVector: options.weightVector,
    sawbPairs: options.sawbPairs,
    means: options.biasCorrection ? (t) => calibration.choices?.get(t)?.statistics.channels?.means : undefined,
    problems: [],
  };
  for (const p of g.inputs) c.stored.set(p.value, emitInput(c, p));
  for (const n of g.nodes) (raw.has(n.outputs[0]!) ? emitRaw : emitNode)(c, n);
  for (const p of g.outputs) builder.output({ ...p, value: outputId(c, p.value) });
  failOn(c.problems);
  return prune(builder.finish());
}
