/** From the integer graph to the block program: partition, layouts, tilings, placement, DRAM addresses. */
import {
  type Block,
  type BlockProgram,
  consumersOf,
  fail,
  type Graph,
  type NodeOf,
  type TensorId,
  verifyBlocks,
} from "@accelc/ir";
import { derive, type MachineDescription } from "@accelc/machine";
import type { SearchCounts } from "./best-first.js";
import { Drafter, type DraftOptions, type GroupDraft, type Mapping, provideStores } from "./draft.js";
import { type DramPlan, liveRanges, planDram } from "./dram.js";
import type { Decision } from "./explain.js";
import type { GemmDraft } from "./gemm.js";
import { misfit } from "./misfit.js";
import { Readers } from "./orders.js";
import { packBlocks } from "./packed-values.js";
import {
  type ComputeGroup,
  type Group,
  groupNodes,
  partition,
  type Stop,
  splitGroup,
  stopBetween,
  stopsOf,
} from "./partition.js";
import { Mover } from "./plan-movement.js";
import { naturalLayout, Preferences } from "./preferences.js";
import { keepOnChip, type Residency, type Resident } from "./residency.js";
import type { Cost } from "./search.js";
import type { Space } from "./space.js";
import { blockTensors, type Draft, TensorTable } from "./tensors.js";
import { Trials } from "./trials.js";
import type { VectorDraft } from "./vector-builder.js";

export interface PlanOptions extends DraftOptions {
  readonly fuse?: boolean;
}

export interface Plan extends Omit<DramPlan, "storages"> {
  readonly program: BlockProgram;
  /** What each block was found to cost by itself; undefined for a block that only moves data, unless measured. */
  readonly costs: readonly (Cost | undefined)[];
  /** How the mapping of each block was found; undefined for a block that only moves data. */
  readonly searches: readonly (SearchCounts | undefined)[];
  readonly decisions: readonly Decision[];
  /** Nodes that are not fused with what they read, and why. */
  readonly stops: readonly Stop[];
  /** What became of the input of every GEMM; empty where nothing was to stay on chip. */
  readonly residencies: readonly Residency[];
}

/** DRAM below this address is never used, so that a stray zero address traps. */
const DRAM_BASE = 0x1_0000;

class Planner {
  private readonly blocks: Draft<Block>[] = [];
  private readonly costs: (Cost | undefined)[] = [];
  private readonly searches: (SearchCounts | undefined)[] = [];
  private readonly drafts = new Map<Draft<Block>, GroupDraft>();
  private readonly table: TensorTable;
  private readonly drafter: Drafter;
  private readonly trials: Trials;
  private readonly preferences: Preferences;
  private readonly mover: Mover;
  private readonly stops: Stop[];

  constructor(
    private readonly graph: Graph,
    private readonly machine: MachineDescription,
    private readonly groups: readonly Group[],
    private readonly options: PlanOptions,
  ) {
    this.table = new TensorTable(graph, machine.tandem.lanes, (block) => this.push(block));
    this.stops = stopsOf(groups);
    const consumers = consumersOf(graph);
    const outputs = new Set(graph.outputs.map((o) => o.value));
    const readers = new Readers(graph, machine, consumers);
    this.drafter = new Drafter(graph, machine, consumers, outputs, readers, options);
    this.trials = new Trials(graph, machine, groups, consumers, this.drafter, options);
    this.preferences = new Preferences(graph, consumers, (n) => this.trials.packed(n));
    this.mover = new Mover(graph, this.table, readers, this.preferences);
  }

  plan(): Plan {
    for (const { value } of this.graph.inputs) {
      const { shape } = this.graph.values.get(value)!.type;
      const liked = this.preferences.wanted(value) ?? naturalLayout(shape);
      this.table.provide(value, this.mover.ordered(value, shape, liked));
    }
    for (const g of this.groups) g.kind === "compute" ? this.compute(g) : this.mover.move(g);
    const inputs = this.graph.inputs.map((p) => ({
      name: p.name,
      tensor: this.table.main(p.value),
      elementType: p.elementType,
    }));
    const outputs = this.graph.outputs.map((p) => ({
      name: p.name,
      tensor: this.table.main(p.value),
      elementType: p.elementType,
    }));
    const kept = this.residency(outputs.map((o) => o.tensor));
    const blocks = kept.blocks.map((b, id): Block => ({ ...b, id }));
    const ends = (ports: readonly { readonly tensor: TensorId }[]) => ports.map((p) => p.tensor);
    const live = liveRanges(this.table.tensors, blocks.map(blockTensors), ends(inputs), ends(outputs));
    const { storages, ...dram } = planDram(this.table.spaces, live, DRAM_BASE, 2 ** this.machine.dram.addressBits);
    const tensors = this.table.tensors.filter((t) => live.has(t.storage));
    const program: BlockProgram = { lanes: this.machine.tandem.lanes, tensors, storages, blocks, inputs, outputs };
    verifyBlocks(program, this.machine.tandem.vmemRows, "blocks");
    const { costs, residencies } = kept;
    const { searches, stops } = this;
    return { program, ...dram, costs, searches, decisions: this.trials.decisions, stops, residencies };
  }

  private push(block: Draft<Block>, mapping?: Mapping): void {
    this.blocks.push(block);
    this.costs.push(mapping ? mapping.cost : this.drafter.measured(block, this.table));
    this.searches.push(mapping?.search);
  }

  private residency(outputs: readonly TensorId[]): Resident {
    const { measure, residency, objective = "latency" } = this.options;
    const { blocks, costs, table } = this;
    if (residency === false || (!measure && !residency)) return { blocks, costs, residencies: [] };
    return keepOnChip(blocks, costs, {
      table,
      outputs,
      halfRows: derive(this.machine).ibuf.halfRows,
      rowBytes: this.machine.array.rows,
      objective,
      always: residency ?? false,
      measured: (block, before) => this.drafter.variant(block, table, before),
      alternatives: (i) => {
        const draft = this.drafts.get(blocks[i]!);
        return draft ? this.drafter.mappings(draft, table) : [];
      },
    });
  }

  private compute(whole: ComputeGroup): void {
    const packs = whole.steps.flatMap(({ node }) => (node.op === "pack" ? [node] : []));
    if (packs.length === groupNodes(whole).length) {
      for (const n of packs) this.pack(n, this.preferences.lanesOf(n));
      return;
    }
    const parts = whole.gemm && whole.narrowing && packs.length === 0 ? splitGroup(whole) : undefined;
    if (parts && this.trials.cheaperApart(whole, parts, this.table)) {
      this.parts(parts, "two blocks take fewer cycles");
      return;
    }
    const draft = this.drafter.draft(whole, this.table, () => this.costs.at(-1));
    const { group, apart, space, gemm, vector, mapping } = draft;
    if (!mapping && packs.length > 0) {
      this.compute({ ...whole, steps: whole.steps.filter(({ node }) => node.op !== "pack") });
      for (const n of packs) this.pack(n, this.preferences.lanesOf(n));
      return;
    }
    if (!mapping) {
      this.split(group, space, gemm, vector);
      return;
    }
    provideStores(vector, this.table);
    this.push(mapping.block, mapping);
    this.drafts.set(mapping.block, draft);
    for (const { node, lanes } of apart) this.pack(node, lanes);
  }

  private parts(parts: readonly [ComputeGroup, ComputeGroup], reason: string): void {
    this.stops.push(stopBetween(parts, reason));
    for (const p of parts) this.compute(p);
  }

  private pack(n: NodeOf<"pack">, lanes: readonly number[]): void {
    for (const lane of lanes) for (const b of packBlocks(n, lane, this.table, this.machine)) this.push(b);
  }

  /** What does not fit as one group may fit as two; a single node that does not is the user's to hear of. */
  private split(group: ComputeGroup, space: Space, gemm: GemmDraft | null, vector: VectorDraft): void {
    const parts = splitGroup(group);
    if (parts) {
      this.parts(parts, "no tile of both fits the scratchpads");
      return;
    }
    const { loc } = groupNodes(group)[0]!;
    const { arithmetic, hint } = misfit(space, gemm, vector, this.machine);
    fail("CG1001", loc, { op: loc.op, machine: this.machine.name, arithmetic }, hint);
  }
}

/** Plans a verified integer graph for a machine. Errors CG1001, CG1002, CG1003. */
export function planBlocks(graph: Graph, machine: MachineDescription, options: PlanOptions = {}): Plan {
  return new Planner(graph, machine, partition(graph, { fuse: options.fuse ?? true }), options).plan();
}
