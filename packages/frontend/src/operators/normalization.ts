import { float, ignored, only } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { type OperatorRow, row } from "./row.js";

const COMMON = { epsilon: float(1e-5), momentum: ignored("float") };
const INFERENCE = "inference only";

function batchNorm(n: NodeContext, a: { epsilon: number }): void {
  for (let i = 1; i < n.outputCount; i++) n.refuseOutput(i, "it is a result of training");
  const inputs = n.allInputs();
  n.sameTypes(inputs);
  n.result("batchNorm", inputs, { epsilon: Math.fround(a.epsilon) });
}

export const NORMALIZATION: readonly OperatorRow[] = [
  row({
    op: "BatchNormalization",
    since: 7,
    until: 8,
    unit: "tandem",
    constraints: INFERENCE,
    inputs: 5,
    outputs: [1, 5],
    attributes: { ...COMMON, spatial: only(1, "statistics per element are not supported") },
    parse: batchNorm,
  }),
  row({
    op: "BatchNormalization",
    since: 9,
    until: 13,
    unit: "tandem",
    constraints: INFERENCE,
    inputs: 5,
    outputs: [1, 5],
    attributes: COMMON,
    parse: batchNorm,
  }),
  row({
    op: "BatchNormalization",
    since: 14,
    unit: "tandem",
    constraints: INFERENCE,
    inputs: 5,
    outputs: [1, 3],
    attributes: { ...COMMON, training_mode: only(0, "training is not supported") },
    parse: batchNorm,
  }),
];
