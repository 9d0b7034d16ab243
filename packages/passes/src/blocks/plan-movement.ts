/** Movement that is no part of a compute group: a view where nothing has to move, else copies or a look-up. */
import {
  elements,
  fail,
  type Graph,
  type Layout,
  LINEAR,
  laneLayout,
  type Node,
  type NodeOf,
  sameLayout,
  sameShape,
  type TensorId,
  type ValueId,
} from "@accelc/ir";
import { segmentsOf } from "./movement.js";
import { type Readers, rowOrders, type Stored } from "./orders.js";
import type { MovementGroup } from "./partition.js";
import { naturalLayout, type Preferences } from "./preferences.js";
import type { TensorTable } from "./tensors.js";

export class Mover {
  constructor(
    private readonly graph: Graph,
    private readonly table: TensorTable,
    private readonly readers: Readers,
    private readonly preferences: Preferences,
  ) {}

  /** A tensor for `value`, or what a movement makes of it, under `liked` unless its readers find more under another layout. */
  ordered(value: ValueId, shape: readonly number[], liked: Layout): TensorId {
    const { lane } = liked;
    if (lane === null || !sameShape(shape, this.shape(value))) return this.table.result(value, liked, shape);
    const { lanes } = this.table;
    const all = function* () {
      yield* rowOrders(shape, lane, lanes);
      for (const other of shape.keys()) if (other !== lane) yield* rowOrders(shape, other, lanes);
    };
    const [order] = this.readers.choose(value, all(), 1);
    return this.table.ordered(value, order!);
  }

  /** Makes the result of a movement readable, by a view or by blocks that the table emits. Error CG1002. */
  move(group: MovementGroup): void {
    const n = group.node;
    const [from, to] = [n.inputs[0]!, n.outputs[0]!];
    const shape = this.shape(to);
    const liked = this.preferences.wanted(to) ?? naturalLayout(shape);
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
    const layout = this.preferences.wanted(to) ?? this.carried(n, out);
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
    this.table.emit({
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

  private shape(value: ValueId): readonly number[] {
    return this.graph.values.get(value)!.type.shape;
  }
}
