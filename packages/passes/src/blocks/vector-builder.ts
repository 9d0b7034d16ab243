/** Operations over tile buffers under construction: where values are, and how an operation finds its operands. */
import {
  type Access,
  type BufferForm,
  CompilerBug,
  elements,
  type Loc,
  laneLayout,
  type Node,
  type Source,
  type Stage,
  type TensorId,
  type TileOpName,
  type TileStore,
  type ValueId,
  type WindowGeometry,
} from "@accelc/ir";
import { rawImage } from "./images.js";
import { packFactor } from "./operands.js";
import { type Order, type Readers, rowOrders } from "./orders.js";
import { portPairs } from "./ports.js";
import { accessStrides, alignedAxis, type Space, stageSpans } from "./space.js";
import type { TensorTable } from "./tensors.js";
import { turnable, turnedAccess } from "./turns.js";

/** A buffer before placement. `origin`: the accumulators, a load, or an operation's result. */
export interface DraftBuffer {
  readonly form: BufferForm;
  /** Of a turned buffer, the dimension whose steps lie side by side; without it, all of them. */
  readonly turn?: number;
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
  readonly stores: readonly TileStore[];
}

/** Who reads what is stored, and whether the permute engine may turn tiles for them. */
export interface StoreChoice {
  readonly readers: Readers;
  readonly turns: boolean;
}

export class VectorBuilder {
  readonly buffers: DraftBuffer[] = [];
  readonly loads: DraftLoad[] = [];
  readonly ops: DraftOp[] = [];
  readonly stores: TileStore[] = [];
  private readonly internal = new Map<ValueId, number>();
  private readonly packed = new Map<ValueId, number>();
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
    turn?: number,
  ): number {
    const id = this.buffers.length;
    this.buffers.push({ id, label, stage, spans, origin, form, ...(turn === undefined ? {} : { turn }) });
    return id;
  }

  define(value: ValueId, stage: Stage, origin: DraftBuffer["origin"]): number {
    const id = this.buffer(value, stage, stageSpans(this.space, stage), origin);
    this.internal.set(value, id);
    return id;
  }

  bufferOf(value: ValueId, loc: Loc): number {
    const b = this.internal.get(value) ?? this.spread(value, loc);
    if (b === undefined) throw new CompilerBug("blocks", `${value} has no buffer in its block`);
    return b;
  }

  /** A value of one element per step, side by side in few rows. */
  definePacked(value: ValueId): number {
    const id = this.buffer(`${value} packed`, "after", stageSpans(this.space, "after"), "result", "packed");
    this.packed.set(value, id);
    return id;
  }

  /** Where all operands are packed or immediates, those operands: the operation may work on packed rows. */
  packedSources(n: Node): readonly Source[] | undefined {
    const sources = n.inputs.map((value): Source | undefined => {
      const buffer = this.packed.get(value);
      return buffer === undefined ? this.immediateOf(value) : { buffer };
    });
    const known = sources.filter((s) => s !== undefined);
    return known.length === sources.length && known.some((s) => "buffer" in s) ? known : undefined;
  }

  /** The rows of a packed value, each holding its element in all lanes: made where somebody reads them. */
  private spread(value: ValueId, loc: Loc): number | undefined {
    const packed = this.packed.get(value);
    if (packed === undefined) return undefined;
    const dst = this.define(value, "after", "result");
    this.ops.push({ op: "spreadLanes", attrs: {}, stage: "after", sources: [{ buffer: packed }], dst, loc });
    return dst;
  }

  private immediateOf(value: ValueId): Source | undefined {
    const v = this.table.graph.values.get(value)!;
    return v.data && elements(v.type.shape) === 1 ? { immediate: Number(v.data[0]!) } : undefined;
  }

  /** Where an operation of `stage` finds `value`: a buffer of this block, an immediate, or a tensor loaded from DRAM. */
  source(value: ValueId, stage: Stage, loc: Loc, lead: readonly number[], fill: number): Source {
    const own = this.internal.get(value) ?? this.spread(value, loc);
    if (own !== undefined) return { buffer: own };
    const immediate = this.immediateOf(value);
    if (immediate) return immediate;
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
  separateImmediates(n: Node, stage: Stage, sources: readonly Source[], form: BufferForm = "rows"): readonly Source[] {
    const out = [...sources];
    for (const [x, y] of portPairs({ op: n.op, sources })) {
      if (x === "dst" || y === "dst" || !("immediate" in out[x]!) || !("immediate" in out[y]!)) continue;
      if (out[x]!.immediate === out[y]!.immediate) continue;
      const dst = this.buffer("immediate", stage, stageSpans(this.space, stage), "result", form);
      this.ops.push({ op: "identity", attrs: {}, stage, sources: [out[y]!], dst, loc: n.loc });
      out[y] = { buffer: dst };
    }
    return out;
  }

  /** `value` lies where `source` does: nothing is computed. */
  same(value: ValueId, source: ValueId, loc: Loc): void {
    this.internal.set(value, this.bufferOf(source, loc));
  }

  /** One row, loaded once: -1 in the first `valid` lanes, 0 in the others. */
  laneMask(valid: number, loc: Loc): Source {
    const key = `lane mask ${valid}`;
    const hit = this.external.get(key);
    if (hit !== undefined) return { buffer: hit };
    const { lanes } = this.table;
    const row = Int32Array.from({ length: lanes }, (_, i) => (i < valid ? -1 : 0));
    const tensor = this.table.add(`${loc.node} ${key}`, [lanes], laneLayout(0), 32, {
      storage: this.table.space(4 * lanes, rawImage(row)),
      offset: 0,
    });
    const none = this.space.dims.map(() => false);
    const buffer = this.buffer(key, "before", none, "load");
    const strides = this.space.dims.map(() => 0);
    this.loads.push({ buffer, access: { tensor, offset: 0, strides }, fill: 0, lead: [] });
    this.external.set(key, buffer);
    return { buffer };
  }

  /** Stores `value` in the order of rows in which its readers find most, and where one does not do for all, in two. */
  store(value: ValueId, loc: Loc, choice: StoreChoice): void {
    const { graph, lanes } = this.table;
    const { shape, dtype } = graph.values.get(value)!.type;
    const factor = packFactor(dtype);
    const { lane } = this.space.layout;
    const buffer = this.bufferOf(value, loc);
    if (lane === null || factor > 1 || lane >= shape.length) {
      this.storeRows(buffer, this.table.result(value, { ...this.space.layout, factor }));
      return;
    }
    const turns = !choice.turns ? [] : turnable(this.space, shape, this.buffers[buffer]!, lanes);
    const orders = function* (): Generator<Order & { readonly turn?: number }> {
      yield* rowOrders(shape, lane, lanes);
      for (const turn of turns) for (const o of rowOrders(shape, turn.axis, lanes)) yield { ...o, turn: turn.dim };
    };
    for (const o of choice.readers.choose(value, orders(), 2)) {
      const tensor = this.table.ordered(value, o);
      if (o.turn === undefined) this.storeRows(buffer, tensor);
      else this.storeTurned(buffer, tensor, o.turn, loc);
    }
  }

  private storeRows(buffer: number, tensor: TensorId): void {
    const t = this.table.get(tensor);
    const strides = accessStrides(this.space, t.shape, t, this.table.lanes);
    this.stores.push({ buffer, access: { tensor, offset: 0, strides } });
  }

  /** Stores a tile with the steps of dimension `turn` in lanes. */
  private storeTurned(source: number, tensor: TensorId, turn: number, loc: Loc): void {
    const { label, stage, spans } = this.buffers[source]!;
    const dst = this.buffer(`${label} turned`, stage, spans, "result", "turned", turn);
    this.ops.push({ op: "turnLanes", attrs: {}, stage, sources: [{ buffer: source }], dst, loc });
    const t = this.table.get(tensor);
    this.stores.push({ buffer: dst, ...turnedAccess(this.space, t, this.table.lanes) });
  }
}
