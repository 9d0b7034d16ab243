/** What the single-ported scratchpads ask of an operation's operands. */
import type { Source, TileOpName } from "@accelc/ir";

interface Operation {
  readonly op: TileOpName;
  readonly sources: readonly Source[];
}

type Position = number | "dst";

/** Operand positions that one instruction reads together; "dst" where the instruction also reads its result. */
export function portPairs(op: Operation): readonly (readonly [Position, Position])[] {
  if (op.op === "iwindow" || op.op === "foldRows") return [[0, "dst"]];
  if (op.op === "turnLanes" || op.op === "spreadLanes") return [];
  if (op.op === "imacc") return [[1, 2]];
  if (op.op === "select") return [[1, 0]];
  return op.sources.length === 2 ? [[0, 1]] : [];
}

/**
 * Sources whose rows the result may take over. An operation that starts from a copy of one operand (the accumulator, or
 * the value kept where the condition fails) may only take that one: the copy would overwrite another. A copy must stay apart
 * from what it copies.
 */
export function inPlacePositions(op: Operation): readonly number[] {
  if (op.op === "imacc") return [0];
  if (op.op === "identity" || op.op === "turnLanes" || op.op === "foldRows" || op.op === "spreadLanes") return [];
  if (op.op === "select") return [2];
  return [...op.sources.keys()];
}
