/** The rows of a tile along the dimensions of its block. */
import { CompilerBug, type ComputeBlock, type Stage, type TileBuffer } from "@accelc/ir";
import type { ScratchNamespace } from "./dae.js";

/** Steps of a tile along a dimension of the block. */
export const extentIn = (b: ComputeBlock, stage: Stage, dim: number): number =>
  stage === "before" ? b.dims[dim]!.before.tile : b.dims[dim]!.tile;

/** Rows per step along every dimension of the block: dense over the dimensions that the buffer spans. */
export function rowStrides(b: ComputeBlock, buffer: TileBuffer): number[] {
  const out = b.dims.map(() => 0);
  let rows = 1;
  for (let i = b.dims.length - 1; i >= 0; i--) {
    if (!buffer.spans[i]) continue;
    out[i] = rows;
    rows *= extentIn(b, buffer.stage, i);
  }
  return out;
}

/** Tile loops of the block in the order of the tiles: the digits of the tile number. */
export const tileOrder = (b: ComputeBlock): readonly number[] => b.order.filter((d) => b.dims[d]!.count > 1);

/** Where a buffer is that transfers and permutations reach. */
export function readable({ namespace, label }: TileBuffer): ScratchNamespace {
  if (namespace === "IBUF") throw new CompilerBug("codegen", `${label} is read from IBUF`);
  return namespace;
}
