/** In which layouts the readers of a value would find it. */
import {
  elements,
  type Graph,
  type Layout,
  laneLayout,
  type Node,
  type NodeOf,
  OPS,
  sameShape,
  type ValueId,
} from "@accelc/ir";
import { PACKED_LAYOUT } from "./pack.js";
import { reducedAxes } from "./packed-values.js";

/** Channels in lanes for images, the last axis for matrices and vectors. */
export const naturalLayout = (shape: readonly number[]): Layout =>
  laneLayout(shape.length >= 3 ? 1 : Math.max(0, shape.length - 1));

export class Preferences {
  private readonly leading = new Map<Node, boolean>();

  /** `packed`: whether a convolution should find its input stored for packed windows. */
  constructor(
    private readonly graph: Graph,
    private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>,
    private readonly packed: (n: NodeOf<"conv">) => boolean,
  ) {}

  /** The layout that the first user with a preference would read `value` in. */
  wanted(value: ValueId): Layout | undefined {
    for (const n of this.consumers.get(value) ?? []) {
      if (this.leadsToPacked(n, value)) return PACKED_LAYOUT;
      if (n.op === "pack") {
        const [lane] = this.lanesOf(n);
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

  /** Axes that the readers of what `n` packs want in lanes. */
  lanesOf(n: NodeOf<"pack">): readonly number[] {
    const [value] = n.outputs as [ValueId];
    return reducedAxes(this.graph, value, this.consumers.get(value) ?? []);
  }

  /** Whether a convolution of packed windows reads `value`, or what single operations with immediates make of it. */
  private leadsToPacked(n: Node, value: ValueId): boolean {
    if (n.op === "conv") return n.inputs[0] === value && this.packed(n);
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

  private shape(value: ValueId): readonly number[] {
    return this.graph.values.get(value)!.type.shape;
  }
}
