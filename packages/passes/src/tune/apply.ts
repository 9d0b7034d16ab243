import { type CodeGrid, elements, type GemmNode, type Graph, isGemm, type Node, type Value } from "@accelc/ir";

/** What tuning found for one layer. */
export interface LayerTuning {
  /** Codes −top..top in the order of the layer's weights. */
  readonly codes: Int16Array;
  readonly top: number;
  /** Real value of a step, and the whole bias, per output channel. */
  readonly scale: readonly number[];
  readonly bias: readonly number[];
}

/**
 * Convolutions and products with constant weights that tuning can name: those of nodes that are one such layer. Weights whose grid the
 * model states are not ours to change.
 */
export function tunableLayers(g: Graph): ReadonlyMap<string, GemmNode> {
  const all = g.nodes.filter(isGemm);
  const count = (node: string) => all.filter((n) => n.loc.node === node).length;
  const plain = (n: GemmNode) => {
    const w = g.values.get(n.inputs[1]!)!;
    const bias = n.inputs[2] === undefined || g.values.get(n.inputs[2])!.data !== undefined;
    return w.data !== undefined && !w.grid && bias && (n.op === "conv" || w.type.shape.length === 2);
  };
  return new Map(all.filter((n) => plain(n) && count(n.loc.node) === 1).map((n) => [n.loc.node, n]));
}

/** Output channels of a layer. */
export const channelsOf = (g: Graph, n: GemmNode): number => {
  const { shape } = g.values.get(n.inputs[1]!)!.type;
  return n.op === "conv" ? shape[0]! : shape.at(-1)!;
};

/** The float graph with the weights of the tuned layers on their grids, which quantization keeps, and with their biases. */
export function applyTuning(g: Graph, layers: ReadonlyMap<string, LayerTuning>): Graph {
  const values = new Map(g.values);
  const tunable = tunableLayers(g);
  const nodes = g.nodes.map((n): Node => {
    const tuning = layers.get(n.loc.node);
    const layer = tunable.get(n.loc.node);
    if (!tuning || layer !== n) return n;
    const weights = tunedWeights(values.get(layer.inputs[1]!)!, layer, tuning);
    const bias: Value = {
      id: `${layer.outputs[0]}.tuned-bias`,
      type: { dtype: "float32", shape: [tuning.bias.length] },
      data: Float32Array.from(tuning.bias),
    };
    values.set(weights.id, weights);
    values.set(bias.id, bias);
    return { ...layer, inputs: [layer.inputs[0]!, weights.id, bias.id] };
  });
  return { ...g, values, nodes };
}

function tunedWeights(w: Value, n: GemmNode, { codes, top, scale }: LayerTuning): Value {
  const { shape } = w.type;
  const inner = n.op === "conv" ? elements(shape) / shape[0]! : 1;
  const grid: CodeGrid = {
    shape:
      n.op === "conv" ? shape.map((d, i) => (i === 0 ? d : 1)) : shape.map((d, i) => (i === shape.length - 1 ? d : 1)),
    scale: scale.map((s) => s || 1),
    zero: scale.map(() => 0),
    codes: [-top, top],
  };
  const data = Float32Array.from(codes, (q, i) => q * scale[Math.floor(i / inner) % scale.length]!);
  return { ...w, id: `${n.outputs[0]}.tuned`, data, grid };
}
