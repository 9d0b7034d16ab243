import type { Inst } from "@accelc/isa";
import type { LinearBound } from "./bounds.js";
import type { TileNest } from "./gemm.js";
import type { OuterTrip, TransferLoop } from "./runs.js";
import type { WordPad } from "./scratchpad.js";
import type { Level, Machine, PermuteSide } from "./state.js";
import type { Transfer } from "./transfer.js";
import type { Issue } from "./vector.js";

/** A list of positions along one tile loop, and the bytes and the extent they count in. */
export interface DaeList {
  readonly ns: number;
  readonly pad: WordPad;
  readonly row: number;
  /** Trips of the indexed loop, and of the loops inside it together. */
  readonly trips: number;
  readonly inner: number;
  readonly stride: number;
  readonly extent: number;
}

/** One DAE transfer of the current tile, its loops sorted and its bounds divided out. */
export interface DaeTransfer {
  readonly store: boolean;
  readonly ns: number;
  readonly pad: WordPad;
  readonly bits: number;
  readonly bytes: number;
  readonly elements: number;
  /** Rows of a run, and bytes of one of them in DRAM. */
  readonly rows: number;
  readonly rowBytes: number;
  readonly tileRow: number;
  readonly fill: number;
  /** Adds a position to the address of each run. */
  readonly list: DaeList | undefined;
  readonly loops: readonly TransferLoop[];
  readonly base: number;
  readonly bounds: readonly LinearBound[];
  readonly outer: OuterTrip;
}

/**
 * Does whole nests, transfers, permutations and tiles at once. Each member does its work exactly as the reference engine
 * does and returns true, or changes nothing and returns false: where the case is not covered, and wherever a check could
 * fail, so that the reference engine finds the trap.
 */
export interface Accelerator {
  /** What ends at the current word, without looking at it again: it was done in an earlier tile of the block. */
  readonly nestAgain: (m: Machine) => boolean;
  readonly nest: (m: Machine, issues: readonly Issue[], levels: readonly Level[]) => boolean;
  readonly dae: (m: Machine, t: DaeTransfer) => boolean;
  readonly permute: (m: Machine, i: Inst<"perm_start">, src: WordPad, dst: WordPad, sides: PermuteSides) => boolean;
  /** `base` is the DRAM address of the current tile; the buffer has turned over. */
  readonly load: (m: Machine, t: Transfer, base: number, outer: OuterTrip) => boolean;
  readonly store: (m: Machine, t: Transfer, base: number, outer: OuterTrip) => boolean;
  /** Every cell of a half of IBUF becomes the low byte of `value`. */
  readonly fill: (m: Machine, cells: Int8Array, value: number) => boolean;
  readonly clearOutputs: (m: Machine, nest: TileNest) => boolean;
  readonly multiplyTile: (m: Machine, nest: TileNest, reductionTile: number) => boolean;
  readonly finishOutputs: (m: Machine, nest: TileNest, withBias: boolean) => boolean;
}

export type PermuteSides = readonly [PermuteSide, PermuteSide];
