import type { AttributeProto, GraphProto, ModelProto, NodeProto } from "@accelc/frontend";

/** Operators that only move elements: their float outputs must be equal. */
const MOVEMENT: ReadonlySet<string> = new Set(
  `CenterCropPad Compress Concat Constant ConstantOfShape DepthToSpace Dropout Expand EyeLike Flatten Gather
  GatherElements GatherND Identity Pad Reshape ReverseSequence Scatter ScatterElements ScatterND Shape Size Slice
  SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze`.split(/\s+/),
);

/** Operators with a GEMM in them, whose operands are 8-bit. */
const GEMM: ReadonlySet<string> = new Set(
  `Attention CausalConvWithState Conv ConvInteger ConvTranspose DeformConv DFT Einsum FlexAttention GRU Gemm LSTM
  LinearAttention MatMul MatMulInteger QLinearConv QLinearMatMul RNN`.split(/\s+/),
);

/** Least SQNR in dB of float outputs, by what computes them. */
const LEAST_SQNR = { movement: Number.POSITIVE_INFINITY, gemm: 25, other: 30 } as const;

const graphsOf = (a: AttributeProto): readonly GraphProto[] => (a.g ? [a.g] : (a.graphs ?? []));

function* nodesOf(nodes: readonly NodeProto[]): Generator<NodeProto> {
  for (const n of nodes) {
    yield n;
    for (const a of n.attribute ?? []) for (const g of graphsOf(a)) yield* nodesOf(g.node ?? []);
  }
}

interface WithFunctions {
  readonly functions?: readonly { readonly node?: readonly NodeProto[] | null }[] | null;
}

function allNodes(model: ModelProto): NodeProto[] {
  const functions = (model as WithFunctions).functions ?? [];
  return [...nodesOf(model.graph?.node ?? []), ...functions.flatMap((f) => [...nodesOf(f.node ?? [])])];
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Resize and Upsample pick elements when they interpolate by the nearest one, which is also their default. */
function moves(n: NodeProto): boolean {
  const op = n.opType ?? "";
  if (op !== "Resize" && op !== "Upsample") return MOVEMENT.has(op);
  const mode = n.attribute?.find((a) => a.name === "mode")?.s;
  return mode === undefined || mode === null || text(mode) === "nearest";
}

/** The SQNR in dB that float outputs of a model need; Infinity: equality. */
export function leastSqnr(model: ModelProto): number {
  const nodes = allNodes(model);
  if (nodes.every(moves)) return LEAST_SQNR.movement;
  return nodes.some((n) => GEMM.has(n.opType ?? "")) ? LEAST_SQNR.gemm : LEAST_SQNR.other;
}

const nameOf = (n: NodeProto): string =>
  n.domain && n.domain !== "ai.onnx" ? `${n.domain}.${n.opType}` : (n.opType ?? "");

/** The operator a vector is about: its only one, or the one whose function body ONNX expanded. */
export function operatorOf(model: ModelProto): string {
  const nodes = model.graph?.node ?? [];
  if (nodes.length === 1) return nameOf(nodes[0]!);
  for (const name of nodes.flatMap((n) => [...(n.output ?? []), ...(n.input ?? [])])) {
    const op = /^([A-Za-z0-9]+)_test_\w+_function_/.exec(name)?.[1];
    if (op) return op;
  }
  const names = [...new Set(nodes.map(nameOf))];
  return names.length <= 3 ? names.join("+") : "several";
}
