/** A group made ready for tiling: its space, both units' sides, and the choice between ways to map it. */
import {
  CompilerBug,
  type Graph,
  type Layout,
  laneLayout,
  type Node,
  type NodeOf,
  sameLayout,
  type ValueId,
} from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { convSpace, draftGemm, type GemmDraft, matmulSpace } from "./gemm.js";
import { draftPacked, PACKED_LAYOUT, packedWindow } from "./pack.js";
import { type ComputeGroup, type Group, groupNodes } from "./partition.js";
import type { Space } from "./space.js";
import { chooseLayout, spaceShape, vectorSpace } from "./spaces.js";
import { TensorTable } from "./tensors.js";
import { chooseTiling, type Tiling } from "./tile.js";
import { draftVector, type VectorDraft } from "./vector.js";

export interface GroupDraft {
  readonly space: Space;
  readonly gemm: GemmDraft | null;
  readonly vector: VectorDraft;
  /** Undefined where no tile fits. */
  readonly tiling: Tiling | undefined;
}

export interface DraftOptions {
  /** Packed windows: wherever the array can, nowhere, or, left out, where they are cheaper. */
  readonly pack?: boolean;
}

/** Channels in lanes for images, the last axis for matrices and vectors. */
export const naturalLayout = (shape: readonly number[]): Layout =>
  laneLayout(shape.length >= 3 ? 1 : Math.max(0, shape.length - 1));

export class Drafter {
  private readonly packing = new Map<Node, boolean>();

  constructor(
    private readonly graph: Graph,
    private readonly machine: MachineDescription,
    private readonly groups: readonly Group[],
    private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>,
    private readonly outputs: ReadonlySet<ValueId>,
    private readonly options: DraftOptions,
  ) {}

  private shape(v: ValueId): readonly number[] {
    return this.graph.values.get(v)!.type.shape;
  }

  /** Reads and writes go to `table`. */
  draft(group: ComputeGroup, table: TensorTable): GroupDraft {
    const inside = new Set(groupNodes(group));
    const stored = (v: ValueId) => this.outputs.has(v) || (this.consumers.get(v) ?? []).some((n) => !inside.has(n));
    const space = this.space(group, table);
    const gemm = group.gemm ? this.gemm(group.gemm as NodeOf<"conv"> | NodeOf<"matmul">, table) : null;
    const vector = draftVector(group, space, table, stored);
    return { space, gemm, vector, tiling: chooseTiling(space, gemm, vector, this.machine) };
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

  private gemm(n: NodeOf<"conv"> | NodeOf<"matmul">, table: TensorTable): GemmDraft {
    if (n.op === "conv") {
      const stored = table.layoutOf(n.inputs[0]!);
      const tight = stored !== undefined && sameLayout(stored, PACKED_LAYOUT);
      const pack = tight || this.options.pack ? packedWindow(this.graph, n, table.lanes) : undefined;
      if (pack) return draftPacked(this.graph, n, table, this.machine, pack);
    }
    return draftGemm(this.graph, n, table, this.machine);
  }

  /** Whether `n` should find its input stored for packed windows: trials of both ways, on tensors of their own. */
  packed(n: NodeOf<"conv">): boolean {
    const known = this.packing.get(n);
    if (known !== undefined) return known;
    const group = this.groups.find((g): g is ComputeGroup => g.kind === "compute" && g.gemm === n);
    const legal = group !== undefined && packedWindow(this.graph, n, this.machine.tandem.lanes) !== undefined;
    const cheaper = () => this.trial(group!, n, PACKED_LAYOUT) < this.trial(group!, n, laneLayout(1));
    const packed = legal && (this.options.pack ?? cheaper());
    this.packing.set(n, packed);
    return packed;
  }

  /** Cycles of a group whose convolution finds its input under `layout`, everything else as it comes. */
  private trial(group: ComputeGroup, n: NodeOf<"conv">, layout: Layout): number {
    const table = new TensorTable(this.graph, this.machine.tandem.lanes, () => {});
    const nodes = groupNodes(group);
    const inside = new Set(nodes.flatMap((m) => m.outputs));
    const operands = new Set(nodes.flatMap((m) => m.inputs));
    for (const i of operands)
      if (!inside.has(i) && !this.graph.values.get(i)!.data)
        table.store(i, i === n.inputs[0] ? layout : naturalLayout(this.shape(i)));
    return this.draft(group, table).tiling?.cycles ?? Number.POSITIVE_INFINITY;
  }
}
