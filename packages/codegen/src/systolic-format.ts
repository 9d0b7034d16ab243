/** The operand formats of a systolic region, and the loops that their elements take inside a tile. */
import { CompilerBug, type DType, type GemmOperands, type GemmPart } from "@accelc/ir";
import { FORMAT } from "@accelc/isa";
import type { Emitter } from "./emit.js";
import { INNER } from "./systolic-words.js";

const FORMATS: { readonly [D in DType]?: number } = {
  int8: FORMAT.INT8,
  int4: FORMAT.INT4,
  int2: FORMAT.INT2,
  dlfloat16: FORMAT.FP16,
  fp8e4m3: FORMAT.HFP8,
  fp8e5m2: FORMAT.FP8_BWD,
};

/** What a region's operands are without a FORMAT word is int8. */
export function emitFormat(e: Emitter, { input, weights, sum }: GemmOperands): void {
  const [a, w] = [FORMATS[input], FORMATS[weights]];
  if (a === undefined || w === undefined) throw new CompilerBug("codegen", `no format for ${input} x ${weights}`);
  if (a === FORMAT.INT8) return;
  const [bias, weightBias] = sum?.biases ?? [0, 0];
  e.emit({ op: "format", chunk_log2: Math.log2(sum?.chunk ?? 1), bias, w, a });
  if (weightBias !== bias) e.emit({ op: "format_weight_bias", bias: weightBias });
}

export interface ChannelLoop {
  readonly loop: number;
  readonly trips: number;
  /** Passes of the array in a step. */
  readonly inside: number;
}

/**
 * Loops over the reduction's channels, outermost first: blocks, and the passes of a block where it has several; the batch,
 * of which a tile then holds one, lends its loop.
 */
export function channelLoops({ ic, operands }: GemmPart): readonly ChannelLoop[] {
  const { passes } = operands;
  if (passes === 1) return [{ loop: INNER.ic, trips: ic.tile, inside: 1 }];
  return [
    { loop: INNER.batch, trips: ic.tile, inside: passes },
    { loop: INNER.ic, trips: passes, inside: 1 },
  ];
}
