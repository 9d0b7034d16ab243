/** The Tandem side of a compute group as operations over tile buffers, before tiling and placement. */
import type { Node, NodeOf, Source, TileOpName, ValueId, WindowGeometry } from "@accelc/ir";
import { type ComputeGroup, groupNodes, type Step } from "./partition.js";
import { type Space, stageSpans } from "./space.js";
import type { TensorTable } from "./tensors.js";
import { type StoreChoice, VectorBuilder, type VectorDraft } from "./vector-builder.js";

/** Lanes of the last block that hold elements of the lane axis; 0 where all do. */
function raggedLanes(space: Space, lanes: number): number {
  const { lane } = space.layout;
  return lane === null || lane >= space.before.length ? 0 : space.before[lane]! % lanes;
}

/** What a spare lane holds in a reduction: what changes no result. */
const NEUTRAL = { sum: 0, max: -(2 ** 31), min: 2 ** 31 - 1 } as const;

class GroupDrafter {
  private readonly window: WindowGeometry;

  constructor(
    private readonly b: VectorBuilder,
    private readonly space: Space,
    private readonly table: TensorTable,
  ) {
    this.window = {
      kernel: space.dims.map((d) => d.kernel),
      strides: space.dims.map((d) => d.stride),
      dilations: space.dims.map((d) => d.dilation),
    };
  }

  step({ node: n, stage }: Step): void {
    const none = this.space.dims.map(() => 0);
    if (n.op === "iwindow") this.slide(n);
    else if (n.op === "ireduce") this.reduce(n);
    else if (n.op === "pack") this.b.same(n.outputs[0]!, n.inputs[0]!, n.loc);
    else {
      const packed = stage === "after" ? this.b.packedSources(n) : undefined;
      const sources = packed ?? n.inputs.map((i) => this.b.source(i, stage, n.loc, none, 0));
      const separate = this.b.separateImmediates(n, stage, sources, packed ? "packed" : "rows");
      const dst = packed ? this.b.definePacked(n.outputs[0]!) : this.b.define(n.outputs[0]!, stage, "result");
      this.b.ops.push({ op: n.op, attrs: this.attrs(n), stage, sources: separate, dst, loc: n.loc });
    }
  }

  /** What instructions need to know of a node: its attributes; of FP8 operands the format. */
  private attrs(n: Node): Readonly<Record<string, unknown>> {
    if (n.op !== "fromFp8") return { ...n.attrs };
    const { dtype, exponentBias } = this.table.graph.values.get(n.inputs[0]!)!.type;
    return { format: dtype, bias: exponentBias };
  }

  private slide(n: NodeOf<"iwindow">): void {
    const lead = this.space.dims.map((d) => d.lead);
    const sources = [this.b.source(n.inputs[0]!, "before", n.loc, lead, n.attrs.fill)];
    const dst = this.b.define(n.outputs[0]!, "after", "result");
    this.b.ops.push({
      op: "iwindow",
      attrs: { kind: n.attrs.kind },
      stage: "after",
      sources,
      dst,
      window: this.window,
      loc: n.loc,
    });
  }

  /**
   * Rows are folded first. Where the lanes are reduced too, the partial results are turned so that lanes become rows, and
   * folded again: one element per step, side by side. What is computed from such values alone stays so; where one meets a
   * row, it is spread over all lanes.
   */
  private reduce(n: NodeOf<"ireduce">): void {
    const { b, space, window } = this;
    const { lane } = space.layout;
    const x = b.source(
      n.inputs[0]!,
      "before",
      n.loc,
      space.dims.map(() => 0),
      0,
    );
    const across =
      lane !== null && lane < space.before.length && n.attrs.axes.includes(lane) && space.before[lane]! > 1;
    const { kind } = n.attrs;
    const push = (
      op: TileOpName,
      sources: readonly Source[],
      dst: number,
      extra: { window?: WindowGeometry; attrs?: Record<string, unknown> } = {},
    ) =>
      b.ops.push({
        op,
        attrs: { kind, ...extra.attrs },
        stage: "after",
        sources,
        dst,
        loc: n.loc,
        ...(extra.window ? { window } : {}),
      });
    if (!across) {
      push("iwindow", [x], b.define(n.outputs[0]!, "after", "result"), { window });
      return;
    }
    const spans = stageSpans(space, "after");
    const ragged = raggedLanes(space, this.table.lanes);
    const partial = b.buffer(`${n.outputs[0]} by lane`, "after", spans, "result");
    const mask = ragged > 0 ? [b.laneMask(ragged, n.loc)] : [];
    const laneDim = space.dims.findIndex((d) => d.axis === lane);
    push("iwindow", [x, ...mask], partial, { window, attrs: ragged > 0 ? { laneDim, neutral: NEUTRAL[kind] } : {} });
    const turned = b.buffer(`${n.outputs[0]} turned`, "after", spans, "result", "turned");
    push("turnLanes", [{ buffer: partial }], turned);
    push("foldRows", [{ buffer: turned }], b.definePacked(n.outputs[0]!));
  }
}

/** Builds the vector part of a group; `stored` are the values that must reach DRAM. */
export function draftVector(
  group: ComputeGroup,
  space: Space,
  table: TensorTable,
  stored: (value: ValueId) => boolean,
  stores: StoreChoice,
): VectorDraft {
  const b = new VectorBuilder(space, table);
  if (group.gemm) b.define(group.gemm.outputs[0]!, "before", "accumulators");
  const drafter = new GroupDrafter(b, space, table);
  for (const s of group.steps) drafter.step(s);
  for (const n of groupNodes(group)) if (stored(n.outputs[0]!)) b.store(n.outputs[0]!, n.loc, stores);
  return { buffers: b.buffers, loads: b.loads, ops: b.ops, stores: b.stores };
}
