/** The Tandem side of a compute group as operations over tile buffers, before tiling and placement. */
import {
  type Access,
  type BufferForm,
  CompilerBug,
  elements,
  type Loc,
  laneLayout,
  type Node,
  type NodeOf,
  type Source,
  type Stage,
  type TensorId,
  type TileOpName,
  type ValueId,
  type WindowGeometry,
} from "@accelc/ir";
import { rawImage } from "./images.js";
import { packFactor } from "./operands.js";
import { type ComputeGroup, groupNodes, type Step } from "./partition.js";
import { portPairs } from "./ports.js";
import { accessStrides, alignedAxis, type Space, stageSpans } from "./space.js";
import type { TensorTable } from "./tensors.js";

/** A buffer before placement. `origin`: the accumulators, a load, or an operation's result. */
export interface DraftBuffer {
  readonly form: BufferForm;
  readonly id: number;
  readonly label: string;
  readonly stage: Stage;
  readonly spans: readonly boolean[];
  readonly origin: "accumulators" | "load" | "result";
}

export interface DraftOp {
  readonly op: TileOpName;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly stage: Stage;
  readonly sources: readonly Source[];
  readonly dst: number;
  readonly window?: WindowGeometry;
  /** The result must not take over an operand's rows. */
  readonly apart?: boolean;
  readonly loc: Loc;
}

export interface DraftLoad {
  readonly buffer: number;
  readonly access: Access;
  readonly fill: number;
  readonly lead: readonly number[];
}

export interface VectorDraft {
  readonly buffers: readonly DraftBuffer[];
  readonly loads: readonly DraftLoad[];
  readonly ops: readonly DraftOp[];
  readonly stores: readonly { readonly buffer: number; readonly access: Access }[];
}

class Builder {
  readonly buffers: DraftBuffer[] = [];
  readonly loads: DraftLoad[] = [];
  readonly ops: DraftOp[] = [];
  readonly stores: { buffer: number; access: Access }[] = [];
  private readonly internal = new Map<ValueId, number>();
  private readonly external = new Map<string, number>();

  constructor(
    private readonly space: Space,
    private readonly table: TensorTable,
  ) {}

  buffer(
    label: string,
    stage: Stage,
    spans: readonly boolean[],
    origin: DraftBuffer["origin"],
    form: BufferForm = "rows",
  ): number {
    const id = this.buffers.length;
    this.buffers.push({ id, label, stage, spans, origin, form });
    return id;
  }

  define(value: ValueId, stage: Stage, origin: DraftBuffer["origin"]): number {
    const id = this.buffer(value, stage, stageSpans(this.space, stage), origin);
    this.internal.set(value, id);
    return id;
  }

  bufferOf(value: ValueId): number {
    const b = this.internal.get(value);
    if (b === undefined) throw new CompilerBug("blocks", `${value} has no buffer in its block`);
    return b;
  }

  /** Where an operation of `stage` finds `value`: a buffer of this block, an immediate, or a tensor loaded from DRAM. */
  source(value: ValueId, stage: Stage, loc: Loc, lead: readonly number[], fill: number): Source {
    const own = this.internal.get(value);
    if (own !== undefined) return { buffer: own };
    const v = this.table.graph.values.get(value)!;
    if (v.data && elements(v.type.shape) === 1) return { immediate: Number(v.data[0]!) };
    const key = `${value} ${stage} ${lead.join()} ${fill}`;
    const hit = this.external.get(key);
    if (hit !== undefined) return { buffer: hit };
    const tensor = this.operandTensor(value, loc);
    const t = this.table.get(tensor);
    const spans = stageSpans(this.space, stage);
    const steps = accessStrides(this.space, t.shape, t, this.table.lanes).map((s, i) => (spans[i] ? s : 0));
    const buffer = this.buffer(
      value,
      stage,
      steps.map((s) => s !== 0),
      "load",
    );
    const offset = -steps.reduce((sum, s, i) => sum + s * (lead[i] ?? 0), 0);
    this.loads.push({ buffer, access: { tensor, offset, strides: steps }, fill, lead });
    this.external.set(key, buffer);
    return { buffer };
  }

  /** The tensor to load `value` from: in the space's layout, its lane axis as wide as the space's. */
  private operandTensor(value: ValueId, loc: Loc): TensorId {
    const { layout, before } = this.space;
    if (layout.lane === null) return this.table.read(value, layout, loc);
    const { data, type } = this.table.graph.values.get(value)!;
    const { shape } = type;
    const rank = before.length;
    const lane = alignedAxis(shape, rank, layout.lane);
    const wide = before[layout.lane] ?? 1;
    const narrow = lane < 0 || (wide > 1 && shape[lane] === 1);
    if (!narrow) return this.table.read(value, laneLayout(lane), loc);
    if (!data) return this.table.expandLane(value, rank, layout.lane, wide, loc);
    const padded = [...Array<number>(rank - shape.length).fill(1), ...shape];
    return this.table.constant(value, padded, data, layout, this.table.get(this.table.main(value)).bits);
  }

  /** The immediates are one namespace too: of two read together, the second goes to rows of its own. */
  separateImmediates(n: Node, stage: Stage, sources: readonly Source[]): readonly Source[] {
    const out = [...sources];
    for (const [x, y] of portPairs({ op: n.op, sources })) {
      if (x === "dst" || y === "dst" || !("immediate" in out[x]!) || !("immediate" in out[y]!)) continue;
      if (out[x]!.immediate === out[y]!.immediate) continue;
      const dst = this.buffer("immediate", stage, stageSpans(this.space, stage), "result");
      this.ops.push({ op: "identity", attrs: {}, stage, sources: [out[y]!], dst, loc: n.loc });
      out[y] = { buffer: dst };
    }
    return out;
  }

  /** `value` lies where `source` does: nothing is computed. */
  same(value: ValueId, source: ValueId): void {
    this.internal.set(value, this.bufferOf(source));
  }

  /** One row, loaded once: -1 in the first `valid` lanes, 0 in the others. */
  laneMask(valid: number, loc: Loc): Source {
    const key = `lane mask ${valid}`;
    const hit = this.external.get(key);
    if (hit !== undefined) return { buffer: hit };
    const { lanes } = this.table;
    const row = Int32Array.from({ length: lanes }, (_, i) => (i < valid ? -1 : 0));
    const tensor = this.table.add(
      `${loc.node} ${key}`,
      [lanes],
      laneLayout(0),
      32,
      this.table.space(4 * lanes, rawImage(row)),
    );
    const none = this.space.dims.map(() => false);
    const buffer = this.buffer(key, "before", none, "load");
    const strides = this.space.dims.map(() => 0);
    this.loads.push({ buffer, access: { tensor, offset: 0, strides }, fill: 0, lead: [] });
    this.external.set(key, buffer);
    return { buffer };
  }

  store(value: ValueId): void {
    const factor = packFactor(this.table.graph.values.get(value)!.type.dtype);
    const tensor = this.table.result(value, { ...this.space.layout, factor });
    const t = this.table.get(tensor);
    this.stores.push({
      buffer: this.bufferOf(value),
      access: { tensor, offset: 0, strides: accessStrides(this.space, t.shape, t, this.table.lanes) },
    });
  }
}

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
    private readonly b: Builder,
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
    else if (n.op === "pack") this.b.same(n.outputs[0]!, n.inputs[0]!);
    else {
      const sources = n.inputs.map((i) => this.b.source(i, stage, n.loc, none, 0));
      const separate = this.b.separateImmediates(n, stage, sources);
      const dst = this.b.define(n.outputs[0]!, stage, "result");
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
   * Rows are folded first. Where the lanes are reduced too, the partial results are turned so that lanes become rows,
   * folded again, and spread over all lanes.
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
    const packed = b.buffer(`${n.outputs[0]} packed`, "after", spans, "result", "packed");
    push("foldRows", [{ buffer: turned }], packed);
    push("spreadLanes", [{ buffer: packed }], b.define(n.outputs[0]!, "after", "result"));
  }
}

/** Builds the vector part of a group; `stored` are the values that must reach DRAM. */
export function draftVector(
  group: ComputeGroup,
  space: Space,
  table: TensorTable,
  stored: (value: ValueId) => boolean,
): VectorDraft {
  const b = new Builder(space, table);
  if (group.gemm) b.define(group.gemm.outputs[0]!, "before", "accumulators");
  const drafter = new GroupDrafter(b, space, table);
  for (const s of group.steps) drafter.step(s);
  for (const n of groupNodes(group)) if (stored(n.outputs[0]!)) b.store(n.outputs[0]!);
  return { buffers: b.buffers, loads: b.loads, ops: b.ops, stores: b.stores };
}
