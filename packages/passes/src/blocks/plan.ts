/** From the integer graph to the block program: partition, layouts, tilings, placement, DRAM addresses. */
import {
  type Block,
  type BlockProgram,
  consumersOf,
  elements,
  fail,
  type Graph,
  type Layout,
  LINEAR,
  type LookupBlock,
  laneLayout,
  type Node,
  type NodeOf,
  OPS,
  sameLayout,
  sameShape,
  type TensorId,
  type ValueId,
  verifyBlocks,
} from "@accelc/ir";
import { derive, type MachineDescription } from "@accelc/machine";
import type { SearchCounts } from "./best-first.js";
import {
  type ComputeDraft,
  Drafter,
  type DraftOptions,
  type GroupDraft,
  type Mapping,
  naturalLayout,
  provideStores,
} from "./draft.js";
import { type DramPlan, liveRanges, planDram } from "./dram.js";
import type { Decision } from "./explain.js";
import type { GemmDraft } from "./gemm.js";
import { misfit } from "./misfit.js";
import { segmentsOf } from "./movement.js";
import { Readers, rowOrders, type Stored } from "./orders.js";
import { PACKED_LAYOUT } from "./pack.js";
import { packBlocks, reducedAxes } from "./packed-values.js";
import {
  type ComputeGroup,
  type Group,
  groupNodes,
  type MovementGroup,
  partition,
  type Stop,
  splitGroup,
  stopBetween,
  stopsOf,
} from "./partition.js";
import { keepOnChip, type Residency, type Resident } from "./residency.js";
import type { Cost } from "./search.js";
import type { Space } from "./space.js";
import { blockTensors, type CopyDraft, TensorTable } from "./tensors.js";
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

type BlockDraft = ComputeDraft | CopyDraft | Omit<LookupBlock, "id">;

class Planner {
  private readonly blocks: BlockDraft[] = [];
  private readonly costs: (Cost | undefined)[] = [];
  private readonly searches: (SearchCounts | undefined)[] = [];
  private readonly drafts = new Map<BlockDraft, GroupDraft>();
  private readonly table: TensorTable;
  private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>;
  private readonly outputs: ReadonlySet<ValueId>;
  private readonly drafter: Drafter;
  private readonly readers: Readers;
  private readonly leading = new Map<Node, boolean>();
  private readonly stops: Stop[];

  constructor(
    private readonly graph: Graph,
    private readonly machine: MachineDescription,
    private readonly groups: readonly Group[],
    private readonly options: PlanOptions,
  ) {
    this.table = new TensorTable(graph, machine.tandem.lanes, (copy) => this.push(copy));
    this.consumers = consumersOf(graph);
    this.outputs = new Set(graph.outputs.map((o) => o.value));
    this.stops = stopsOf(groups);
    this.readers = new Readers(graph, machine, this.consumers);
    this.drafter = new Drafter(graph, machine, groups, this.consumers, this.outputs, this.readers, options);
  }

  plan(): Plan {
    for (const { value } of this.graph.inputs) {
      const shape = this.shape(value);
      this.table.provide(value, this.ordered(value, shape, this.wanted(value) ?? naturalLayout(shape)));
    }
    for (const g of this.groups) g.kind === "compute" ? this.compute(g) : this.move(g);
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
    return { program, ...dram, costs, searches, decisions: this.drafter.decisions, stops, residencies };
  }

  private push(block: BlockDraft, mapping?: Mapping): void {
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

  private shape(value: ValueId): readonly number[] {
    return this.graph.values.get(value)!.type.shape;
  }

  /** The layout that the first user with a preference would read `value` in. */
  private wanted(value: ValueId): Layout | undefined {
    for (const n of this.consumers.get(value) ?? []) {
      if (this.leadsToPacked(n, value)) return PACKED_LAYOUT;
      if (n.op === "pack") {
        const [lane] = this.wantedLanes(n);
        if (lane !== undefined) return laneLayout(lane);
      }
      if (n.op === "conv" || n.op === "iwindow") return laneLayout(1);
      if (n.op === "matmul") return laneLayout(this.shape(value).length - 1);
      if (n.op === "reshape") {
        const further = this.wanted(n.outputs[0]!);
        if (further?.lane === this.shape(n.outputs[0]!).length - 1) return laneLayout(this.shape(value).length - 1);
      }
    }
    return undefined;
  }

  /** Whether a convolution of packed windows reads `value`, or what single operations with immediates make of it. */
  private leadsToPacked(n: Node, value: ValueId): boolean {
    if (n.op === "conv") return n.inputs[0] === value && this.drafter.packed(n);
    const known = this.leading.get(n);
    if (known !== undefined) return known;
    const { values } = this.graph;
    const out = n.outputs[0]!;
    const immediate = (v: ValueId) => values.get(v)!.data !== undefined && elements(this.shape(v)) === 1;
    const flat =
      OPS[n.op].kind === "elementwise" &&
      sameShape(this.shape(out), this.shape(value)) &&
      n.inputs.every((v) => v === value || immediate(v));
    const leads = flat && (this.consumers.get(out) ?? []).some((reader) => this.leadsToPacked(reader, out));
    this.leading.set(n, leads);
    return leads;
  }

  private compute(whole: ComputeGroup): void {
    const packs = whole.steps.flatMap(({ node }) => (node.op === "pack" ? [node] : []));
    if (packs.length === groupNodes(whole).length) {
      for (const n of packs) this.pack(n, this.wantedLanes(n));
      return;
    }
    const parts = whole.gemm && whole.narrowing && packs.length === 0 ? splitGroup(whole) : undefined;
    if (parts && this.drafter.cheaperApart(whole, parts, this.table)) {
      this.parts(parts, "two blocks take fewer cycles");
      return;
    }
    const draft = this.drafter.draft(whole, this.table, () => this.costs.at(-1));
    const { group, apart, space, gemm, vector, mapping } = draft;
    if (!mapping && packs.length > 0) {
      this.compute({ ...whole, steps: whole.steps.filter(({ node }) => node.op !== "pack") });
      for (const n of packs) this.pack(n, this.wantedLanes(n));
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

  private wantedLanes(n: NodeOf<"pack">): readonly number[] {
    const [value] = n.outputs as [ValueId];
    return reducedAxes(this.graph, value, this.consumers.get(value) ?? []);
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

  /** A tensor for `value`, or what a movement makes of it, under `liked` unless its readers find more under another layout. */
  private ordered(value: ValueId, shape: readonly number[], liked: Layout): TensorId {
    const { lane } = liked;
    if (lane === null || !sameShape(shape, this.shape(value))) return this.table.result(value, liked, shape);
    const { lanes } = this.machine.tandem;
    const all = function* () {
      yield* rowOrders(shape, lane, lanes);
      for (const other of shape.keys()) if (other !== lane) yield* rowOrders(shape, other, lanes);
    };
    const [order] = this.readers.choose(value, all(), 1);
    return this.table.ordered(value, order!);
  }

  private move(group: MovementGroup): void {
    const n = group.node;
    const [from, to] = [n.inputs[0]!, n.outputs[0]!];
    const shape = this.shape(to);
    const liked = this.wanted(to) ?? naturalLayout(shape);
    const first = (w: Stored) => (sameLayout(w.layout, liked) ? 0 : 1);
    if (
      this.table.see(n, (ways) =>
        this.readers.rank(
          to,
          [...ways].sort((a, b) => first(a) - first(b)),
        ),
      )
    )
      return;
    if (n.op === "reshape") {
      const rows = this.table.get(this.table.read(from, LINEAR, n.loc));
      this.table.provide(to, this.table.add(to, shape, LINEAR, rows.bits, rows));
      return;
    }
    if (n.op === "gather" && this.graph.values.get(n.inputs[1]!)!.data === undefined) {
      this.lookup(n);
      return;
    }
    const { out, segments } = segmentsOf(this.graph, n);
    const layout = this.wanted(to) ?? this.carried(n, out);
    const direct = out.length === shape.length;
    const bits = this.table.get(this.table.main(from)).bits;
    const target = this.ordered(to, out, direct ? layout : LINEAR);
    segments.forEach((s, i) => {
      const source = s.input === null ? null : this.table.get(this.table.main(n.inputs[s.input]!));
      this.table.copy(source, this.table.get(target), s.axes, s.fill, n.loc, i === segments.length - 1);
    });
    const whole = this.table.get(target);
    this.table.provide(to, direct ? target : this.table.add(to, shape, LINEAR, bits, whole));
  }

  /** A gather whose indices are computed: rows of a linear table, along the first axis that is longer than 1. */
  private lookup(n: NodeOf<"gather">): void {
    const [from, list] = n.inputs as [ValueId, ValueId];
    const shape = this.shape(from);
    const { axis } = n.attrs;
    const type = this.graph.values.get(list)!.type;
    if (elements(shape.slice(0, axis)) !== 1 || type.dtype !== "int32")
      fail(
        "CG1002",
        n.loc,
        { op: n.loc.op, reason: `indices of type ${type.dtype} along axis ${axis} of [${shape.join(",")}]` },
        "gather int32 indices along the first axis",
      );
    const table = this.table.get(this.table.read(from, LINEAR, n.loc));
    const indices = this.table.read(list, LINEAR, n.loc);
    const to = n.outputs[0]!;
    const dst = this.table.store(to, LINEAR);
    this.push({
      kind: "lookup",
      name: to,
      locs: [n.loc],
      results: [dst],
      bits: table.bits,
      table: table.id,
      indices,
      dst,
      tableRows: shape[axis]!,
      rowElements: elements(shape.slice(axis + 1)),
      count: elements(this.shape(list)),
    });
  }

  /** The input's lane axis followed through the movement, where whole rows survive it. */
  private carried(n: Node, out: readonly number[]): Layout {
    const { lane } = this.table.get(this.table.main(n.inputs[0]!)).layout;
    if (lane === null) return LINEAR;
    const moved =
      n.op === "transpose" ? n.attrs.perm.indexOf(lane) : lane + out.length - this.shape(n.inputs[0]!).length;
    return moved >= 0 && moved < out.length ? laneLayout(moved) : naturalLayout(out);
  }
}

/** Plans a verified integer graph for a machine. Errors CG1001, CG1002, CG1003. */
export function planBlocks(graph: Graph, machine: MachineDescription, options: PlanOptions = {}): Plan {
  return new Planner(graph, machine, partition(graph, { fuse: options.fuse ?? true }), options).plan();
}
