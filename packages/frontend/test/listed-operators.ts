/** Operators that the node vectors are counted for, by group. */
const GROUPS: Readonly<Record<string, string>> = {
  "element-wise": `Add Sub Mul Div Pow Exp Log Sqrt Reciprocal Abs Neg Sign Floor Ceil Round Mod Min Max Mean Sum Equal
    Greater GreaterOrEqual Less LessOrEqual And Or Not Xor Where BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot Erf
    Sin Cos`,
  activations: `Relu LeakyRelu PRelu Elu Selu Celu Clip Sigmoid HardSigmoid HardSwish Swish Mish Tanh Softplus Softsign
    ThresholdedRelu Gelu`,
  reductions: `ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum
    ReduceLogSumExp ArgMax ArgMin CumSum TopK Softmax LogSoftmax`,
  normalizations: `BatchNormalization LayerNormalization RMSNormalization InstanceNormalization GroupNormalization LRN
    LpNormalization MeanVarianceNormalization`,
  convolutions: `Conv ConvTranspose Gemm MatMul Einsum MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool
    GlobalLpPool`,
  layout: `Transpose Reshape Concat Split Slice Gather GatherElements GatherND Scatter ScatterElements ScatterND Expand
    Tile Pad DepthToSpace SpaceToDepth Resize Upsample Flatten Squeeze Unsqueeze Trilu OneHot EyeLike Identity Shape Size
    Constant ConstantOfShape Range Dropout`,
  attention: "Attention RotaryEmbedding",
  recurrent: "LSTM GRU RNN",
  types: "Cast CastLike",
  control: "If Loop",
  quantization: `QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul ConvInteger MatMulInteger
    DynamicQuantizeLinear`,
};

const GROUP_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(GROUPS).flatMap(([group, ops]) => ops.split(/\s+/).map((op) => [op, group] as const)),
);

/** The group of a vector: its operator's, or that of the function whose body it is; undefined where one is not listed. */
export function groupOf(operators: readonly string[], tensorNames: readonly string[]): string | undefined {
  if (operators.some((op) => !GROUP_OF.has(op))) return undefined;
  const bodyOf = tensorNames.map((name) => /^([A-Za-z0-9]+)_test_\w+_function_/.exec(name)?.[1]).find((op) => op);
  return GROUP_OF.get(bodyOf ?? operators[0]!);
}
