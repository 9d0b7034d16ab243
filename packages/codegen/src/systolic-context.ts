/** What the parts of a systolic region share: the block, its tile loops, and the transfer loops that are free. */
import type { BlockProgram, ComputeBlock, GemmPart } from "@accelc/ir";
import { SA_LOOPS } from "@accelc/isa";
import type { Emitter } from "./emit.js";
import { emitStride } from "./systolic-words.js";
import { tileOrder } from "./tile-steps.js";

/** A transfer loop that no transfer uses: stands for "no inner step" in a bound with a second tile loop. */
export const IDLE_LOOP = SA_LOOPS.LAST_TRANSFER;

/** The parts of the reduction that tile loops walk, outermost first. */
export const REDUCTION_KEYS = ["ic", "kh", "kw"] as const;
export type ReductionKey = (typeof REDUCTION_KEYS)[number];

/** What a tile loop walks: a dimension of the block, or a part of the reduction. */
export type TileKey = number | ReductionKey;

/** A tile loop and its step from tile to tile: bytes in DRAM, or rows on chip. */
export interface TileStep {
  readonly loop: number;
  readonly stride: number;
}

export interface SystolicContext {
  readonly e: Emitter;
  readonly p: BlockProgram;
  readonly b: ComputeBlock;
  readonly g: GemmPart;
  /** Tile loop of everything that has several tiles, outermost first. */
  readonly tileLoop: ReadonlyMap<TileKey, number>;
  /** The first of `count` consecutive transfer loops, which no other transfer of the region has. */
  readonly takeLoops: (count: number) => number;
}

export function systolicContext(e: Emitter, p: BlockProgram, b: ComputeBlock, g: GemmPart): SystolicContext {
  const keys: readonly TileKey[] = [...tileOrder(b), ...REDUCTION_KEYS.filter((key) => g[key].count > 1)];
  let free: number = SA_LOOPS.FIRST_TRANSFER;
  const takeLoops = (count: number): number => {
    free += count;
    return free - count;
  };
  return { e, p, b, g, tileLoop: new Map(keys.map((key, loop) => [key, loop])), takeLoops };
}

/** Blocks of output lanes in a step of oc. The loop of the batch, of which a tile then holds one, walks them. */
export const partsOf = ({ b, g }: SystolicContext): number => b.dims[g.roles.part]?.extent ?? 1;

/** The tile loop of `key` with its step; none where there is one tile, or nothing moves. */
export function tileSteps({ tileLoop }: SystolicContext, key: TileKey, stride: number): readonly TileStep[] {
  const loop = tileLoop.get(key);
  return loop === undefined || stride === 0 ? [] : [{ loop, stride }];
}

export function emitTileSteps(c: SystolicContext, dir: number, buffer: number, key: TileKey, stride: number): void {
  for (const t of tileSteps(c, key, stride)) emitStride(c.e, dir, buffer, t.loop, t.stride);
}
