import { type Diagnostic, diag, elements, type Graph, isGemm, type Node, producersOf, type ValueId } from "@accelc/ir";

/** Formats of the operands of a convolution or matrix product, from narrow to wide among the integers. */
export const OPERAND_FORMATS = ["int2", "int4", "int8", "int16", "fp16", "hfp8"] as const;
export type OperandFormat = (typeof OPERAND_FORMATS)[number];

/** What a precision gives to the layers that no policy treats otherwise. */
export const PRECISIONS = {
  int8: { activations: "int8", weights: "int8" },
  int16: { activations: "int16", weights: "int8" },
  int4: { activations: "int4", weights: "int4" },
  int2: { activations: "int2", weights: "int2" },
  fp16: { activations: "fp16", weights: "fp16" },
  hfp8: { activations: "hfp8", weights: "hfp8" },
} as const satisfies Readonly<Record<string, LayerFormat>>;
export type Precision = keyof typeof PRECISIONS;
export type IntegerPrecision = Exclude<Precision, "fp16" | "hfp8">;

/** Formats of one layer: a GEMM's left operand, and its right one. The right operand of a product of activations is `activations` too. */
export interface LayerFormat {
  readonly activations: OperandFormat;
  readonly weights: OperandFormat;
}

/** Layers that a precision below 8 bits treats with more care; each absent entry is true. */
export interface Edges {
  /** Layers behind no other: 16-bit input and 8-bit weights, or FP16. */
  readonly first?: boolean;
  /** Projection shortcuts (FPSC): 16-bit weights. */
  readonly shortcuts?: boolean;
  /** Layers before no other: 8 bits, or FP16. */
  readonly last?: boolean;
}

export interface FormatOptions {
  readonly precision: Precision;
  /** Formats of single layers by ONNX node name, before every policy. */
  readonly layers?: ReadonlyMap<string, LayerFormat>;
  readonly edges?: Edges;
}

/** Formats by the output of each conv and matmul. */
export type Formats = ReadonlyMap<ValueId, LayerFormat>;

const BITS: { readonly [F in OperandFormat]: number } = { int2: 2, int4: 4, int8: 8, int16: 16, fp16: 16, hfp8: 8 };

/** Bits of one element. */
export const formatBits = (f: OperandFormat): number => BITS[f];
export const isMinifloatFormat = (f: OperandFormat): f is "fp16" | "hfp8" => f === "fp16" || f === "hfp8";

/** For every value, whether a GEMM is among the nodes that lead to it. */
function behindGemm(g: Graph): ReadonlySet<ValueId> {
  const out = new Set<ValueId>();
  for (const n of g.nodes) if (isGemm(n) || n.inputs.some((i) => out.has(i))) for (const o of n.outputs) out.add(o);
  return out;
}

/** Every value from which a GEMM can be reached. */
function beforeGemm(g: Graph): ReadonlySet<ValueId> {
  const out = new Set<ValueId>();
  for (const n of g.nodes.toReversed())
    if (isGemm(n) || n.outputs.some((o) => out.has(o))) for (const i of n.inputs) out.add(i);
  return out;
}

/** Does `to` depend on `from` through a GEMM? */
function leadsThroughGemm(g: Graph, from: ValueId, to: ValueId): boolean {
  const reached = new Map<ValueId, boolean>([[from, false]]);
  for (const n of g.nodes) {
    const hits = n.inputs.filter((i) => reached.has(i));
    if (hits.length === 0) continue;
    const through = isGemm(n) || hits.some((i) => reached.get(i));
    for (const o of n.outputs) reached.set(o, through);
  }
  return reached.get(to) ?? false;
}

const isPointwise = (g: Graph, n: Node): boolean =>
  n.op === "conv" && elements(g.values.get(n.inputs[1]!)!.type.shape.slice(2)) === 1;

/**
 * Projections on shortcuts: 1×1 convolutions whose result, normalized or not, is added to what other layers make of the same
 * input. The last 1×1 convolution of a bottleneck is none: its input is not the block's.
 */
function projections(g: Graph): ReadonlySet<ValueId> {
  const producers = producersOf(g);
  const out = new Set<ValueId>();
  const convOf = (id: ValueId): Node | undefined => {
    const n = producers.get(id);
    return n?.op === "batchNorm" || n?.op === "identity" ? convOf(n.inputs[0]!) : n;
  };
  for (const n of g.nodes) {
    if (n.op !== "add") continue;
    const [a, b] = n.inputs as readonly [ValueId, ValueId];
    for (const [own, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const conv = convOf(own);
      if (conv && isPointwise(g, conv) && leadsThroughGemm(g, conv.inputs[0]!, other)) out.add(conv.outputs[0]!);
    }
  }
  return out;
}

const wider = (a: OperandFormat, b: OperandFormat): OperandFormat => (BITS[b] > BITS[a] ? b : a);

/** The formats of every conv and matmul of a canonical float graph; see docs/quantization.md, "Formats". */
export function planFormats(g: Graph, options: FormatOptions): Formats {
  const { precision, layers, edges = {} } = options;
  const plain: LayerFormat = PRECISIONS[precision];
  const narrow = precision === "int4" || precision === "int2";
  const edge: OperandFormat | undefined = precision === "hfp8" ? "fp16" : narrow ? "int8" : undefined;
  const [behind, before] = [behindGemm(g), beforeGemm(g)];
  const shortcuts = narrow && edges.shortcuts !== false ? projections(g) : new Set<ValueId>();
  const formatOf = (n: Node): LayerFormat => {
    const [x, out] = [n.inputs[0]!, n.outputs[0]!];
    const own = layers?.get(n.loc.node);
    if (own) return own;
    let { activations, weights } = plain;
    if (edge && edges.first !== false && !behind.has(x)) {
      activations = wider(activations, narrow ? "int16" : edge);
      weights = wider(weights, edge);
    }
    if (edge && edges.last !== false && !before.has(out)) {
      activations = wider(activations, edge);
      weights = wider(weights, edge);
    }
    return { activations, weights: shortcuts.has(out) ? wider(weights, "int16") : weights };
  };
  return new Map(g.nodes.filter(isGemm).map((n) => [n.outputs[0]!, formatOf(n)]));
}

/** PA2004 for every name in `layers` that no conv or matmul of the graph has. */
export function formatProblems(g: Graph, layers: FormatOptions["layers"]): Diagnostic[] {
  const names = new Set(g.nodes.filter(isGemm).map((n) => n.loc.node));
  return [...(layers?.keys() ?? [])]
    .filter((layer) => !names.has(layer))
    .map((layer) => diag("PA2004", {}, { layer }, "name ONNX nodes whose operator is a convolution or matrix product"));
}
