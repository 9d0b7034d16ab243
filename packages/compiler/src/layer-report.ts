import { type Graph, isFloat, isGemm, type Node, type Quant, type Value } from "@accelc/ir";
import { clippedTensors, type Formats, isMinifloatFormat, type OperandFormat } from "@accelc/passes";

/** A convolution or matrix product: formats of its operands, and where the range of its input comes from. */
export interface LayerReport {
  readonly node: string;
  readonly op: string;
  readonly activations: OperandFormat;
  readonly weights: OperandFormat;
  readonly input: {
    /** ONNX tensor, null where the input stands for none. */
    readonly tensor: string | null;
    /** Least and greatest real number of its grid, null where it is on none of integers. */
    readonly min: number | null;
    readonly max: number | null;
    /** A clip that training learned (PACT), or calibration. */
    readonly range: "learned" | "calibrated" | "format";
  };
}

const TOP: { readonly [dtype: string]: number } = { int8: 2 ** 7, int16: 2 ** 15, int32: 2 ** 31 };

function limits(dtype: string, { scale, zeroPoint, codes }: Quant): { readonly min: number; readonly max: number } {
  const [least, most] = codes ?? [-TOP[dtype]!, TOP[dtype]! - 1];
  return { min: scale[0]! * (least - zeroPoint), max: scale[0]! * (most - zeroPoint) };
}

/** Every layer of a float graph, and what the integer graph made of its input. */
export function layerReports(float: Graph, integer: Graph, formats: Formats, learned: boolean): LayerReport[] {
  const clips = learned ? clippedTensors(float) : new Set<string>();
  const grids = new Map<string, Value>();
  for (const v of integer.values.values())
    if (v.source !== undefined && v.type.quant && !v.data && v.type.dtype in TOP) grids.set(v.source, v);
  const report = (n: Node): LayerReport => {
    const format = formats.get(n.outputs[0]!)!;
    const x = float.values.get(n.inputs[0]!)!;
    const stored = x.source === undefined ? undefined : grids.get(x.source);
    const numbers = isMinifloatFormat(format.activations);
    const range = numbers ? "format" : clips.has(x.source ?? "") ? "learned" : "calibrated";
    const grid = stored && !numbers ? limits(stored.type.dtype, stored.type.quant!) : { min: null, max: null };
    return { node: n.loc.node, op: n.loc.op, ...format, input: { tensor: x.source ?? null, ...grid, range } };
  };
  const isLayer = (n: Node) => isGemm(n) && isFloat(float.values.get(n.outputs[0]!)!.type.dtype);
  return float.nodes.filter(isLayer).map(report);
}
