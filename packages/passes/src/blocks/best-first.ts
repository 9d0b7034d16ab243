/**
 * Search in the order of lower bounds. A mapping's bound follows from what is cheap to know; it is refined when no other
 * mapping has a smaller one, then the buffers are placed, then it is measured. The search ends where the smallest bound is
 * not below the best measured cost: what is left cannot be better. Or the budget ends it.
 */
import type { TileDim } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import type { GemmDraft } from "./gemm.js";
import { type Least, leastCycles } from "./least.js";
import { DEFAULT_BUDGET, pricedCycles, type SearchOptions } from "./search.js";
import type { Space } from "./space.js";
import type { TensorTable } from "./tensors.js";
import { choices, extents, placed, type Tiling, type TilingChoice } from "./tile.js";
import type { VectorDraft } from "./vector-builder.js";

/** Extents alone, or a mapping, or one with its buffers placed. */
interface Entry {
  readonly least: Least;
  /** Of what latency is judged by. */
  readonly bound: number;
  /** Among equal bounds the smaller goes first. */
  readonly rank: number;
  readonly dims: readonly TileDim[];
  readonly choice?: TilingChoice;
  readonly tiling?: Tiling;
}

const before = (a: Entry, b: Entry): boolean => (a.bound === b.bound ? a.rank < b.rank : a.bound < b.bound);

/** A binary heap, the smallest bound on top. */
class Heap {
  constructor(private readonly list: Entry[]) {
    for (let i = (list.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  get top(): Entry | undefined {
    return this.list[0];
  }

  /** Entries with a bound below `limit`. */
  below(limit: number): number {
    return this.list.filter((e) => e.bound < limit).length;
  }

  drop(): void {
    const last = this.list.pop()!;
    if (this.list.length === 0) return;
    this.list[0] = last;
    this.sink(0);
  }

  add(e: Entry): void {
    const { list } = this;
    let at = list.length;
    for (let up = (at - 1) >> 1; at > 0 && before(e, list[up]!); up = (at - 1) >> 1) {
      list[at] = list[up]!;
      at = up;
    }
    list[at] = e;
  }

  private sink(at: number): void {
    const { list } = this;
    const e = list[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= list.length) break;
      if (child + 1 < list.length && before(list[child + 1]!, list[child]!)) child += 1;
      if (!before(list[child]!, e)) break;
      list[at] = list[child]!;
      at = child;
    }
    list[at] = e;
  }
}

/** How the mappings of a block were gone through. */
export interface SearchCounts {
  /** Combinations of tile extents, and mappings made of those that no bound excludes: with an order and a tiled reduction. */
  readonly extents: number;
  readonly mappings: number;
  /** Of these mappings, those whose vector part fits no VMEM, and those measured. */
  readonly unplaced: number;
  readonly measured: number;
  /** Combinations and mappings that the budget left out: none of the others can be better than the best measured. */
  readonly left: number;
  /** Of the mapping taken: its lower bound, its cycles by itself, and those in which the DRAM channel is busy. */
  readonly least: number;
  readonly cycles: number;
  readonly traffic: number;
}

/** A block before tiling. */
export interface Tileable {
  readonly space: Space;
  readonly gemm: GemmDraft | null;
  readonly vector: VectorDraft;
  readonly machine: MachineDescription;
  readonly table: Pick<TensorTable, "get" | "spaces">;
  /** Cycles in which constants may be loaded before the block begins. */
  readonly ahead: number;
}

/** Breaks ties among equal bounds: the order of enumeration for seed 0, another one for every other. */
const rankOf = (seed: number, at: number): number =>
  seed === 0 ? at : Math.imul(at + 1, 0x9e3779b1 ^ Math.imul(seed, 0x85ebca6b)) >>> 0;

const bounded = (least: Least) => ({ least, bound: pricedCycles(least) });

const most = (a: Least, b: Least): Least => ({
  cycles: Math.max(a.cycles, b.cycles),
  traffic: Math.max(a.traffic, b.traffic),
});

/**
 * @param measure what latency judges a mapping by whose least cost is given; without a bound on the objective (energy), no
 *   mapping is excluded
 */
export function searchTilings(
  { space, gemm, vector, machine, table, ahead }: Tileable,
  { objective = "latency", budget = DEFAULT_BUDGET, seed = 0, ...options }: SearchOptions,
  measure: (t: Tiling, least: Least) => number,
): Omit<SearchCounts, "least" | "cycles" | "traffic"> {
  const start = [...extents(space, gemm, machine)].map(
    ({ dims, array }, at): Entry => ({ ...bounded({ cycles: array, traffic: 0 }), rank: rankOf(seed, at), dims }),
  );
  const count = { extents: start.length, mappings: 0, unplaced: 0, measured: 0 };
  const constant = gemm !== null && table.spaces[table.get(gemm.weights.tensor).storage]!.data !== undefined;
  const leastOf = leastCycles({ gemm, vector, machine, bits: (tensor) => table.get(tensor).bits, ahead, constant });
  const times = options.measure ? Math.max(1, budget) : 1;
  const heap = new Heap(start);
  let limit = Number.POSITIVE_INFINITY;
  for (let e = heap.top; e !== undefined && e.bound < limit && count.measured < times; e = heap.top) {
    heap.drop();
    const { dims, rank, choice } = e;
    if (e.tiling !== undefined) {
      count.measured += 1;
      const found = measure(e.tiling, e.least);
      if (objective === "latency") limit = Math.min(limit, found);
    } else if (choice === undefined)
      for (const c of choices(dims, gemm, machine)) {
        count.mappings += 1;
        heap.add({ ...bounded(most(e.least, leastOf(c))), rank, dims, choice: c });
      }
    else {
      const tiling = placed(choice, vector, machine);
      if (tiling) heap.add({ ...e, ...bounded(most(e.least, leastOf(choice, tiling.vector))), tiling });
      else count.unplaced += 1;
    }
  }
  return { ...count, left: heap.below(limit) };
}

/** The tiling with the smallest bound; undefined where none fits. */
export function leastTiling(t: Tileable): Tiling | undefined {
  let first: Tiling | undefined;
  searchTilings(t, {}, (tiling, least) => {
    first = tiling;
    return pricedCycles(least);
  });
  return first;
}
