import { absorbPad } from "./float/absorb-pad.js";
import { addBias } from "./float/add-bias.js";
import { convRank } from "./float/conv-rank.js";
import { flattenMatmul } from "./float/flatten-matmul.js";
import { foldBatchNorm } from "./float/fold-batch-norm.js";
import { foldConstants } from "./float/fold-constants.js";
import { fuseActivations } from "./float/fuse-activations.js";
import { fuseStatistics } from "./float/fuse-statistics.js";
import { gatherToSlice } from "./float/gather-to-slice.js";
import { matmulConstantLeft } from "./float/matmul-constant-left.js";
import { mergeActivations } from "./float/merge-activations.js";
import { mergeMovement } from "./float/merge-movement.js";
import { raiseQuantizers } from "./float/raise-quantizers.js";
import { removeIdentities } from "./float/remove-identities.js";
import { sinkMovement } from "./float/sink-movement.js";
import { foldIntegers } from "./integer/fold-integers.js";
import { splitReductions } from "./integer/split-reductions.js";
import { splitWindows } from "./integer/split-windows.js";
import type { Pass } from "./pass.js";

/** From the imported graph to the canonical float graph that quantization reads. */
export const FLOAT_PASSES: readonly Pass[] = [
  foldConstants,
  removeIdentities,
  raiseQuantizers,
  fuseActivations,
  fuseStatistics,
  gatherToSlice,
  matmulConstantLeft,
  mergeMovement,
  sinkMovement,
  foldConstants,
  absorbPad,
  addBias,
  foldBatchNorm,
  addBias,
  flattenMatmul,
  convRank,
  sinkMovement,
  mergeMovement,
  foldConstants,
  addBias,
  mergeActivations,
  removeIdentities,
];

/** On the integer graph, before it is cut into blocks. */
export const INTEGER_PASSES: readonly Pass[] = [foldIntegers, splitWindows, splitReductions];
