/** The DRAM tensors of a program under construction, and the copies between layouts that their users ask for. */
import {
  asLanes,
  type Block,
  type ComputeBlock,
  type CopyBlock,
  type Data,
  type DramTensor,
  DTYPE_BITS,
  type Graph,
  isRowMajor,
  type Layout,
  LINEAR,
  type Loc,
  laneLayout,
  type Node,
  physicalElements,
  rowSteps,
  sameBytes,
  sameLayout,
  sameShape,
  type TensorId,
  type ValueId,
} from "@accelc/ir";
import { copyBoxes } from "./copy-loops.js";
import { constantImage, packed } from "./images.js";
import { type AxisMap, viewsThrough } from "./movement.js";
import type { OperandForm } from "./operands.js";
import { inWeightOrder, type Order, type Spare, type Stored } from "./orders.js";
import { weightCell } from "./weights.js";

/** Storage before it has an address. */
export interface Space {
  readonly id: number;
  readonly bytes: number;
  /** Rows that nobody's elements lie in. */
  readonly spare?: Spare;
  /** The image of a constant, made where the program needs it. */
  readonly data?: () => Uint8Array;
}

export type Draft<T> = T extends unknown ? Omit<T, "id"> : never;
export type CopyDraft = Draft<CopyBlock>;

/** Every tensor a block reads or writes. */
export const blockTensors = (b: Draft<Block>): TensorId[] => [...blockReads(b), ...blockWrites(b)];

export function blockReads(b: Draft<Block>): TensorId[] {
  if (b.kind === "copy") return b.src ? [b.src.tensor] : [];
  if (b.kind === "lookup") return [b.table, b.indices];
  const g = b.gemm;
  return [
    ...(g ? [...(g.resident ? [] : [g.input.tensor]), g.weights.tensor, ...(g.bias === null ? [] : [g.bias])] : []),
    ...b.vector.loads.map((l) => l.access.tensor),
  ];
}

export function blockWrites(b: Draft<Block>): TensorId[] {
  if (b.kind === "compute") return b.vector.stores.map((s) => s.access.tensor);
  return [b.kind === "copy" ? b.dst.tensor : b.dst];
}

/** Where a tensor begins: a storage, and elements behind its start. */
export type Place = Pick<DramTensor, "storage" | "offset">;

/** A right operand in weight order: elements from one index of each leading axis, and from one block of columns, to the next. */
export interface WeightTensor {
  readonly tensor: TensorId;
  readonly batch: readonly number[];
  readonly columns: number;
}

export class TensorTable {
  readonly tensors: DramTensor[] = [];
  readonly spaces: Space[] = [];
  private readonly stored = new Map<ValueId, TensorId[]>();
  private readonly expanded = new Map<string, TensorId>();
  private readonly zeroed = new Set<TensorId>();

  /** `emit` receives copies and what packs codes, which must run before whatever asked for them. */
  constructor(
    readonly graph: Graph,
    readonly lanes: number,
    readonly emit: (block: CopyDraft | Draft<ComputeBlock>) => void,
  ) {}

  get(id: TensorId): DramTensor {
    return this.tensors[id]!;
  }

  space(bytes: number, data?: Uint8Array | (() => Uint8Array), spare?: Spare): number {
    const id = this.spaces.length;
    const made = data instanceof Uint8Array ? () => data : data;
    this.spaces.push({ id, bytes, ...(made ? { data: made } : {}), ...(spare ? { spare } : {}) });
    return id;
  }

  /** A tensor with what is known of its storage. */
  private storedAs(id: TensorId): Stored {
    const t = this.get(id);
    const { spare } = this.spaces[t.storage]!;
    return { shape: t.shape, layout: t.layout, offset: t.offset, ...(spare ? { spare } : {}) };
  }

  /** Every way `value` lies in DRAM. */
  ways(value: ValueId): readonly Stored[] {
    this.main(value);
    return this.stored.get(value)!.map((id) => this.storedAs(id));
  }

  /** The tensor made for `key` before, or a new one: for images that several nodes share. */
  once(key: string, make: () => TensorId): TensorId {
    const hit = this.expanded.get(key);
    if (hit !== undefined) return hit;
    const id = make();
    this.expanded.set(key, id);
    return id;
  }

  private bitsOf(value: ValueId): number {
    return DTYPE_BITS[this.graph.values.get(value)!.type.dtype];
  }

  /** A new tensor for `value`; without `place`, in space of its own. */
  add(value: ValueId, shape: readonly number[], layout: Layout, bits: number, place?: Place): TensorId {
    const id = this.tensors.length;
    const bytes = (physicalElements(shape, layout, this.lanes) * bits) / 8;
    const { storage, offset } = place ?? { storage: this.space(bytes), offset: 0 };
    this.tensors.push({ id, value, shape, layout, bits, storage, offset });
    return id;
  }

  /** Registers a tensor as a way to read `value`. */
  provide(value: ValueId, tensor: TensorId): void {
    const list = this.stored.get(value);
    if (list) list.push(tensor);
    else this.stored.set(value, [tensor]);
  }

  /** A tensor for `value` as a whole, which nobody finds before it is provided. */
  result(value: ValueId, layout: Layout, shape = this.graph.values.get(value)!.type.shape): TensorId {
    return this.add(value, shape, layout, this.bitsOf(value));
  }

  /** The same in an order of rows that readers ask for. */
  ordered(value: ValueId, { layout, elements, spare }: Order): TensorId {
    const bits = this.bitsOf(value);
    const storage = this.space((elements * bits) / 8, undefined, spare);
    return this.add(value, this.graph.values.get(value)!.type.shape, layout, bits, { storage, offset: 0 });
  }

  store(value: ValueId, layout: Layout): TensorId {
    const id = this.result(value, layout);
    this.provide(value, id);
    return id;
  }

  /** The first tensor that was stored for `value`: the one its producer wrote. Constants become images on demand. */
  main(value: ValueId): TensorId {
    const list = this.stored.get(value);
    if (list) return list[0]!;
    const v = this.graph.values.get(value)!;
    if (!v.data) throw new Error(`value ${value} was never stored`);
    const id = this.constant(value, v.type.shape, v.data, LINEAR, DTYPE_BITS[v.type.dtype]);
    this.provide(value, id);
    return id;
  }

  layoutOf(value: ValueId): Layout | undefined {
    const list = this.stored.get(value);
    return list && this.tensors[list[0]!]!.layout;
  }

  /** A constant written out under a layout; each axis of extent 1 of the lane kind fills all lanes. */
  constant(value: ValueId, shape: readonly number[], data: Data, layout: Layout, bits: number): TensorId {
    const image = constantImage(shape, data, layout, this.lanes, bits);
    return this.add(value, shape, layout, bits, { storage: this.space(image.length, image), offset: 0 });
  }

  /**
   * A tensor holding `value` under `layout`, its rows in any order: by a free alias, or a copy where it is not stored so.
   */
  read(value: ValueId, layout: Layout, loc: Loc): TensorId {
    const main = this.get(this.main(value));
    const { data, type } = this.graph.values.get(value)!;
    const { shape } = type;
    const rows = layout.lane !== null && !layout.inner;
    const fits = ({ layout: l, shape: s }: DramTensor) =>
      sameShape(s, shape) &&
      (sameLayout(l, layout) || (rows && l.lane === layout.lane && l.factor === layout.factor && !l.inner));
    const all = this.stored.get(value)!.map((id) => this.get(id));
    const hit = all.find(fits);
    if (hit !== undefined) return hit.id;
    const alias = data ? undefined : all.find((t) => sameBytes(t.shape, t.layout, shape, layout, this.lanes));
    const id = data
      ? this.constant(value, shape, data, layout, main.bits)
      : alias
        ? this.add(value, shape, layout, main.bits, alias)
        : this.copyTo(value, main, layout, loc);
    this.provide(value, id);
    return id;
  }

  private copyTo(value: ValueId, from: DramTensor, layout: Layout, loc: Loc): TensorId {
    const id = this.add(value, from.shape, layout, from.bits);
    const axes = from.shape.map(
      (size, i): AxisMap => ({ from: i, start: 0, indices: Int32Array.from({ length: size }, (_, k) => k) }),
    );
    this.copy(from, this.get(id), axes, 0, loc);
    return id;
  }

  /**
   * `value` seen with `rank` axes (leading ones added) and its extent-1 axis `lane` repeated to `extent`, under the lane
   * layout of that axis.
   */
  expandLane(value: ValueId, rank: number, lane: number, extent: number, loc: Loc): TensorId {
    const key = `${value} ${rank} ${lane} ${extent}`;
    const hit = this.expanded.get(key);
    if (hit !== undefined) return hit;
    const from = this.get(this.main(value));
    const lead = rank - from.shape.length;
    const wide = Array.from({ length: rank }, (_, i) => (i === lane ? extent : i < lead ? 1 : from.shape[i - lead]!));
    const id = this.add(value, wide, laneLayout(lane), from.bits);
    const axes = wide.map((size, i): AxisMap => {
      const indices = Int32Array.from({ length: size }, (_, k) => (i === lane ? 0 : k));
      return { from: i < lead ? null : i - lead, start: 0, indices };
    });
    this.copy(from, this.get(id), axes, 0, loc, false);
    this.expanded.set(key, id);
    return id;
  }

  /**
   * The right operand of a product of two activations, [.., K, N], in weight order: where it is stored so, as it lies, else
   * copied to [.., N block, K, lanes]. Rows up to a whole block of K are zeros, so that a block of the weight buffer is
   * contiguous. For packed operands these are their codes ahead of packing, neighbours along K side by side.
   */
  weightForm(value: ValueId, loc: Loc, form: OperandForm): WeightTensor {
    const { data } = this.graph.values.get(value)!;
    const direct = data || form.factor > 1 ? undefined : this.inOrder(value, loc, form);
    if (direct) return direct;
    const tensor = this.once(`${value} weights ${form.factor}`, () => this.weightCopy(value, loc, form));
    const { shape, layout } = this.get(tensor);
    const steps = rowSteps(shape, layout, this.lanes);
    return { tensor, batch: steps.slice(0, -2), columns: steps.at(-2)! };
  }

  private inOrder(value: ValueId, loc: Loc, form: OperandForm): WeightTensor | undefined {
    const all = this.ways(value);
    const at = all.findIndex((w) => inWeightOrder(w, form.block, this.lanes));
    if (at < 0) return undefined;
    const { shape } = all[at]!;
    const lane = shape.length - 1;
    const t = this.get(this.stored.get(value)![at]!);
    const layout = asLanes(t, lane, 1, this.lanes)!;
    const tensor = sameLayout(layout, t.layout) ? t.id : this.add(value, shape, layout, t.bits, t);
    if (shape.at(-2)! % form.block !== 0) this.zeroSpare(tensor, loc);
    const steps = rowSteps(shape, layout, this.lanes);
    return { tensor, batch: steps.slice(0, -2), columns: steps.at(-1)! };
  }

  /** Writes zeros into the spare rows behind those of the reduced axis, wherever else the tensor reaches; once. */
  private zeroSpare(id: TensorId, loc: Loc): void {
    const { value, shape, layout, bits, storage } = this.get(id);
    if (this.zeroed.has(id)) return;
    this.zeroed.add(id);
    const { lanes } = this;
    const { valid, room } = this.spaces[storage]!.spare!;
    const steps = rowSteps(shape, layout, lanes);
    const others = shape.flatMap((n, axis) => {
      const extent = axis === shape.length - 1 ? Math.ceil(n / lanes) : n;
      return axis === shape.length - 2 || extent === 1 ? [] : [{ extent, src: 0, dst: steps[axis]! }];
    });
    const loops = [...others, { extent: (room - valid) * lanes, src: 0, dst: 1 }];
    const dst = { tensor: id, offset: valid * lanes };
    this.emit({ kind: "copy", name: `${value} spare`, locs: [loc], results: [], bits, src: null, dst, loops, fill: 0 });
  }

  private weightCopy(value: ValueId, loc: Loc, form: OperandForm): TensorId {
    const v = this.graph.values.get(value)!;
    if (v.data) return this.constantWeights(value, v.type.shape, v.data, form);
    const from = this.get(this.main(value));
    const { shape } = v.type;
    const [k, n] = shape.slice(-2) as [number, number];
    const batch = shape.slice(0, -2);
    const padded = Math.ceil(k / form.block) * form.block;
    const inner = form.factor > 1 ? { inner: { axis: batch.length + 1, extent: form.factor } } : {};
    const id = this.add(value, [...batch, n, padded], { ...laneLayout(batch.length), ...inner }, from.bits);
    const whole = (size: number, from: number, start = 0): AxisMap => ({
      from,
      start,
      indices: Int32Array.from({ length: size }, (_, i) => i),
    });
    const lead = batch.map((size, i) => whole(size, i));
    const rank = shape.length;
    const source = sameShape(from.shape, shape) ? from : this.get(this.read(value, LINEAR, loc));
    this.copy(source, this.get(id), [...lead, whole(n, rank - 1), whole(k, rank - 2)], 0, loc, false);
    if (padded > k)
      this.copy(null, this.get(id), [...lead, whole(n, rank - 1), whole(padded - k, rank - 2, k)], 0, loc, false);
    return id;
  }

  /** The same order for a constant, written out at compile time. */
  private constantWeights(value: ValueId, shape: readonly number[], data: Data, form: OperandForm): TensorId {
    const { lanes } = this;
    const [k, n] = shape.slice(-2) as [number, number];
    const batch = shape.slice(0, -2);
    const padded = Math.ceil(k / form.block) * form.block;
    const wide = Math.ceil(n / lanes) * lanes;
    const image = new (form.bits === 16 ? Int16Array : Int8Array)((data.length / (k * n)) * padded * wide);
    for (let i = 0; i < data.length; i++) {
      const [plane, row, column] = [Math.floor(i / (k * n)), Math.floor(i / n) % k, i % n];
      const block = (plane * wide + Math.floor(column / lanes) * lanes) * padded;
      image[block + weightCell(row, column % lanes, lanes, form)] = Number(data[i]!);
    }
    const bytes = packed(image, form.bits);
    const place = { storage: this.space(bytes.length, bytes), offset: 0 };
    return this.add(value, [...batch, n, padded], laneLayout(batch.length), form.bits, place);
  }

  /** Emits the copies of one segment; `from` null writes `fill`. 64-bit elements move as two 32-bit words; the last copy `completes` the tensor. */
  copy(
    from: DramTensor | null,
    to: DramTensor,
    axes: readonly AxisMap[],
    fill: number,
    loc: Loc,
    completes = true,
  ): void {
    const words = Math.max(1, to.bits / 32);
    const bits = to.bits / words;
    const boxes = copyBoxes(from, to, axes, this.lanes);
    boxes.forEach((b, i) => {
      const loops = b.loops.map((l) => ({ extent: l.extent, src: l.src * words, dst: l.dst * words }));
      this.emit({
        kind: "copy",
        name: `${to.value}${boxes.length > 1 ? `.${i}` : ""}`,
        locs: [loc],
        results: completes && i === boxes.length - 1 ? [to.id] : [],
        bits,
        src: from ? { tensor: from.id, offset: b.src * words } : null,
        dst: { tensor: to.id, offset: b.dst * words },
        loops: words > 1 ? [...loops, { extent: words, src: 1, dst: 1 }] : loops,
        fill,
      });
    });
  }

  /** Makes the result of `n` readable as its input lies, where nothing has to move. `rank` orders the ways it may lie. */
  see(n: Node, rank: (ways: readonly Stored[]) => readonly Stored[]): boolean {
    const [from, to] = [n.inputs[0]!, n.outputs[0]!];
    this.main(from);
    const { shape } = this.graph.values.get(to)!.type;
    const found: TensorId[] = [];
    for (const id of this.stored.get(from)!) {
      const t = this.get(id);
      const [view] = rank(viewsThrough(n, this.storedAs(id), shape, this.lanes));
      if (view) found.push(this.add(to, shape, view.layout, t.bits, { storage: t.storage, offset: view.offset }));
    }
    for (const id of found) this.provide(to, id);
    return found.length > 0;
  }

  /** Row-major tensors may be read as linear whatever their layout says. */
  isLinear(t: DramTensor): boolean {
    return isRowMajor(t.shape, t.layout, this.lanes);
  }
}
