/** A group made ready for tiling: its space, both units' sides, and the choice between ways to map it. */
import {
  type Block,
  CompilerBug,
  type ComputeBlock,
  type GemmNode,
  type Graph,
  type Loc,
  type Node,
  sameLayout,
  type ValueId,
} from "@accelc/ir";
import { derive, type MachineDescription } from "@accelc/machine";
import { blockKey, shapeKey } from "./alike.js";
import { type SearchCounts, searchTilings } from "./best-first.js";
import { convSpace, draftGemm, type GemmDraft, matmulSpace, splitOutputs } from "./gemm.js";
import type { Readers } from "./orders.js";
import { draftPacked, PACKED_LAYOUT, packedWindow } from "./pack.js";
import { settlePacks, type Unpacked } from "./packed-values.js";
import { type ComputeGroup, groupNodes } from "./partition.js";
import { better, type Cost, fragment, pricedCycles, type SearchOptions, ZERO_COST } from "./search.js";
import type { Space } from "./space.js";
import { chooseLayout, spaceShape, vectorSpace } from "./spaces.js";
import { blockTensors, type TensorTable } from "./tensors.js";
import { gemmPart, placed, type Tiling } from "./tile.js";
import { draftVector } from "./vector.js";
import type { VectorDraft } from "./vector-builder.js";

export interface GroupDraft {
  /** What of the group the draft carries out, and the packs that are left for blocks of their own. */
  readonly group: ComputeGroup;
  readonly apart: readonly Unpacked[];
  readonly space: Space;
  readonly gemm: GemmDraft | null;
  readonly vector: VectorDraft;
  /** Undefined where no tile fits. */
  readonly mapping: Mapping | undefined;
}

/** A tiling, the block it makes, what that costs, and how it was found. */
export interface Mapping {
  readonly tiling: Tiling;
  readonly block: ComputeDraft;
  readonly cost: Cost;
  readonly search: SearchCounts;
}

export type ComputeDraft = Omit<ComputeBlock, "id">;

export interface DraftOptions extends SearchOptions {
  /** Packed windows: wherever the array can, nowhere, or, left out, where they are cheaper. */
  readonly pack?: boolean;
  /** Tensors between blocks on chip: wherever they fit, nowhere, or, left out, where that costs less. */
  readonly residency?: boolean;
}

type Unmapped = Omit<GroupDraft, "mapping">;

/** Of the mappings of a block, those that are looked at for one with some property. */
const MOST_ALTERNATIVES = 48;

/** The mapping of a block alike, for this one's tensors. */
function remap(known: Mapping, d: Unmapped, machine: MachineDescription): Mapping | undefined {
  const tiling = placed(known.tiling, d.vector, machine);
  return tiling && { ...known, tiling, block: blockOf(d, tiling) };
}

function blockOf({ group, gemm, vector }: Unmapped, tiling: Tiling): ComputeDraft {
  const nodes = groupNodes(group);
  return {
    kind: "compute",
    name: nodes[nodes.length - 1]!.outputs[0]!,
    locs: distinctLocs(nodes),
    results: vector.stores.map((s) => s.access.tensor),
    dims: tiling.dims,
    order: tiling.order,
    gemm: gemm ? gemmPart(gemm, tiling) : null,
    vector: tiling.vector,
  };
}

function distinctLocs(nodes: readonly Node[]): Loc[] {
  const out: Loc[] = [];
  for (const n of nodes) if (!out.some((l) => l.node === n.loc.node && l.op === n.loc.op)) out.push(n.loc);
  return out;
}

export class Drafter {
  private readonly chosen = new Map<string, Mapping>();
  private readonly played = new Map<string, Cost>();

  constructor(
    private readonly graph: Graph,
    private readonly machine: MachineDescription,
    private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>,
    private readonly outputs: ReadonlySet<ValueId>,
    private readonly readers: Readers,
    private readonly options: DraftOptions,
  ) {}

  /**
   * Reads and writes go to `table`. Where no tile fits that is turned for a store, none is turned. `before`: the cost of the
   * block in front, once the draft has made its copies.
   */
  draft(whole: ComputeGroup, table: TensorTable, before: () => Cost | undefined): GroupDraft {
    const turned = this.attempt(whole, table, before, true);
    const plain = turned.mapping || turned.vector.buffers.every((b) => b.turn === undefined);
    return plain ? turned : this.attempt(whole, table, before, false);
  }

  private attempt(whole: ComputeGroup, table: TensorTable, before: () => Cost | undefined, turns: boolean): GroupDraft {
    const readersOf = (v: ValueId) => this.consumers.get(v) ?? [];
    const { loopLevels } = this.machine.tandem;
    const settled = settlePacks(this.graph, whole, this.space(whole, table), loopLevels, readersOf);
    const { group, space, factor, apart } = settled;
    const inside = new Set(groupNodes(group));
    const left = new Set(settled.sources);
    const stored = (v: ValueId) => this.outputs.has(v) || left.has(v) || readersOf(v).some((n) => !inside.has(n));
    const plain = group.gemm ? this.gemm(group.gemm as GemmNode, table) : null;
    const gemm = plain && factor > 1 ? splitOutputs(plain, factor) : plain;
    const vector = draftVector(group, space, table, stored, { readers: this.readers, turns });
    const unmapped = { group, apart, space: grained(space, vector, table.lanes), gemm, vector };
    return { ...unmapped, mapping: this.map(unmapped, table, this.aheadOf(unmapped, before())) };
  }

  /** The best mapping of those that the search measures. Blocks alike are mapped alike. */
  private map(d: Unmapped, table: TensorTable, ahead: number): Mapping | undefined {
    const key = `${ahead} ${shapeKey(d.space, d.gemm, d.vector, table)}`;
    const known = this.chosen.get(key);
    if (known !== undefined) return remap(known, d, this.machine);
    const { objective = "latency" } = this.options;
    let best: Omit<Mapping, "search"> | undefined;
    let bound = 0;
    const counts = searchTilings({ ...d, machine: this.machine, table, ahead }, this.options, (tiling, least) => {
      const block = blockOf(d, tiling);
      const cost = this.measured(block, table, ahead) ?? { ...least, energy: null, idle: 0 };
      if (!best || better(cost, best.cost, objective)) {
        best = { tiling, block, cost };
        bound = least.cycles;
      }
      return pricedCycles(cost);
    });
    if (!best) return undefined;
    const mapping = {
      ...best,
      search: { ...counts, least: bound, cycles: best.cost.cycles, traffic: best.cost.traffic },
    };
    this.chosen.set(key, mapping);
    return mapping;
  }

  /** Cycles of the block in front in which constants of this one may be loaded, as far as they are of use. */
  private aheadOf({ gemm }: { readonly gemm: object | null }, before: Cost | undefined): number {
    if (gemm === null || before === undefined) return 0;
    const { wbuf, bbuf } = derive(this.machine);
    const { bytesPerCycle, latencyCycles } = this.machine.dram;
    return Math.min(before.idle, 2 * latencyCycles + Math.ceil((wbuf.halfBytes + bbuf.halfBytes) / bytesPerCycle));
  }

  private space(group: ComputeGroup, table: TensorTable): Space {
    const { lanes } = table;
    const { gemm } = group;
    if (gemm?.op === "conv") return convSpace(this.graph, gemm, group.narrowing, this.machine);
    if (gemm?.op === "matmul") return matmulSpace(this.graph, gemm, group.narrowing, lanes);
    if (gemm) throw new CompilerBug("blocks", `${gemm.op} is no GEMM`);
    const shape = spaceShape(this.graph, group);
    const layout = chooseLayout(this.graph, group, shape, table, this.machine.tandem.vmemRows);
    return vectorSpace(this.graph, group, layout, lanes);
  }

  private gemm(n: GemmNode, table: TensorTable): GemmDraft {
    if (n.op === "conv") {
      const stored = table.layoutOf(n.inputs[0]!);
      const tight = stored !== undefined && sameLayout(stored, PACKED_LAYOUT);
      const pack = tight || this.options.pack ? packedWindow(this.graph, n, this.machine) : undefined;
      if (pack) return draftPacked(this.graph, n, table, this.machine, pack);
    }
    return draftGemm(this.graph, n, table, this.machine);
  }

  /** Mappings of a group that fit, in the order of their bounds. */
  mappings(d: GroupDraft, table: TensorTable): readonly ComputeDraft[] {
    const found: ComputeDraft[] = [];
    const options = { budget: MOST_ALTERNATIVES, measure: () => ZERO_COST };
    searchTilings({ ...d, machine: this.machine, table, ahead: 0 }, options, (tiling) => {
      found.push(blockOf(d, tiling));
      return Number.POSITIVE_INFINITY;
    });
    return found;
  }

  /** What a block costs in some way behind another one that costs `before`: blocks alike are played once. */
  variant(block: ComputeDraft, table: TensorTable, before: Cost | undefined): Cost | undefined {
    const ahead = this.aheadOf(block, before);
    const key = `${ahead} ${blockKey(block, table)}`;
    const known = this.played.get(key) ?? this.measured(block, table, ahead);
    if (known) this.played.set(key, known);
    return known;
  }

  /** What a block costs as it is; undefined where nothing is measured. */
  measured(block: Omit<Block, "id">, table: TensorTable, ahead = 0): Cost | undefined {
    if (!this.options.measure) return undefined;
    const { program, constants } = fragment(block, blockTensors(block as Block), table);
    return this.options.measure(program, { constants, ahead });
  }
}

/** The space with its tiles in whole rows of lanes along dimensions that are turned. */
function grained(space: Space, { buffers }: VectorDraft, lanes: number): Space {
  const turned = new Set(buffers.map((b) => b.turn));
  return { ...space, dims: space.dims.map((d, i) => (turned.has(i) ? { ...d, grain: lanes } : d)) };
}

/** What a group stores, for those who read it. */
export function provideStores(vector: VectorDraft, table: TensorTable): void {
  for (const s of vector.stores) table.provide(table.get(s.access.tensor).value, s.access.tensor);
}
