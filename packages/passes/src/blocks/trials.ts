/** Choices between two ways to lay out or cut what a GEMM is part of: both are drafted, and the cheaper one is taken. */
import { type Graph, type Layout, type Loc, laneLayout, type Node, type NodeOf, type ValueId } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { type Drafter, type DraftOptions, provideStores } from "./draft.js";
import type { Decision } from "./explain.js";
import { packFactor } from "./operands.js";
import { PACKED_LAYOUT, packedWindow } from "./pack.js";
import { packedFrom, reducedAxes } from "./packed-values.js";
import { type ComputeGroup, type Group, groupNodes } from "./partition.js";
import { naturalLayout } from "./preferences.js";
import { addCosts, better, type Cost, ZERO_COST } from "./search.js";
import { TensorTable } from "./tensors.js";

export class Trials {
  private readonly packing = new Map<Node, boolean>();
  readonly decisions: Decision[] = [];

  constructor(
    private readonly graph: Graph,
    private readonly machine: MachineDescription,
    private readonly groups: readonly Group[],
    private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>,
    private readonly drafter: Drafter,
    private readonly options: DraftOptions,
  ) {}

  /** Whether `n` should find its input stored for packed windows: trials of both ways, on tensors of their own. */
  packed(n: NodeOf<"conv">): boolean {
    const known = this.packing.get(n);
    if (known !== undefined) return known;
    const group = this.groups.find((g): g is ComputeGroup => g.kind === "compute" && g.gemm === n);
    const legal = group !== undefined && packedWindow(this.graph, n, this.machine) !== undefined;
    const cheaper = () => {
      const [packed, plain] = [PACKED_LAYOUT, laneLayout(1)].map((layout) =>
        this.trial([group!], (v) => (v === n.inputs[0] ? layout : naturalLayout(this.shape(v)))),
      );
      return this.decide(n.loc, "packed windows", [plain, packed], ["plain", "packed"]);
    };
    const packed = legal && (this.options.pack ?? cheaper());
    this.packing.set(n, packed);
    return packed;
  }

  /** Whether `parts` one after another cost less than `group` in one piece. */
  cheaperApart(group: ComputeGroup, parts: readonly ComputeGroup[], table: TensorTable): boolean {
    const layout = (v: ValueId) => table.layoutOf(v) ?? naturalLayout(this.shape(v));
    const [whole, pieces] = [[group], parts].map((groups) => this.trial(groups, layout));
    return this.decide(groupNodes(group)[0]!.loc, "one block or two", [whole, pieces], ["one", "two"]);
  }

  /** The cost of groups, and of the copies they ask for, on tensors of their own; undefined where one does not fit. */
  private trial(groups: readonly ComputeGroup[], layout: (operand: ValueId) => Layout): Cost | undefined {
    let cost = ZERO_COST;
    const table = new TensorTable(this.graph, this.machine.tandem.lanes, (block) => {
      cost = addCosts(cost, this.drafter.measured(block, table) ?? ZERO_COST);
    });
    const nodes = groups.flatMap(groupNodes);
    const inside = new Set(nodes.flatMap((m) => m.outputs));
    for (const i of new Set(nodes.flatMap((m) => m.inputs)))
      if (!inside.has(i) && !this.graph.values.get(i)!.data) this.provideOperand(i, layout, table);
    for (const g of groups) {
      const { vector, mapping } = this.drafter.draft(g, table, () => cost);
      if (!mapping) return undefined;
      cost = addCosts(cost, mapping.cost);
      provideStores(vector, table);
    }
    return cost;
  }

  private provideOperand(value: ValueId, layout: (operand: ValueId) => Layout, table: TensorTable): void {
    const codes = packedFrom(this.graph, value);
    table.store(codes ?? value, layout(codes ?? value));
    if (codes === undefined) return;
    const factor = packFactor(this.graph.values.get(value)!.type.dtype);
    for (const lane of reducedAxes(this.graph, value, this.consumers.get(value) ?? []))
      table.store(value, laneLayout(lane, factor));
  }

  /** Whether the second way is the better one, on record. */
  private decide(
    loc: Loc,
    question: Decision["question"],
    [first, second]: readonly (Cost | undefined)[],
    [one, other]: readonly [string, string],
  ): boolean {
    const taken = second !== undefined && (!first || better(second, first, this.options.objective ?? "latency"));
    const ways = [
      { name: one, cost: first },
      { name: other, cost: second },
    ];
    this.decisions.push({ node: loc.node, question, ways, taken: taken ? other : one });
    return taken;
  }

  private shape(v: ValueId): readonly number[] {
    return this.graph.values.get(v)!.type.shape;
  }
}
