/** The DRAM tensors of a program under construction, and the copies between layouts that their users ask for. */
import {
  type Block,
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
  sameBytes,
  sameLayout,
  sameShape,
  type TensorId,
  type ValueId,
} from "@accelc/ir";
import { copyBoxes } from "./copy-loops.js";
import { constantImage } from "./images.js";
import { type AxisMap, viewsThrough } from "./movement.js";
import type { Order, Spare, Stored } from "./orders.js";

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

export class TensorTable {
  readonly tensors: DramTensor[] = [];
  readonly spaces: Space[] = [];
  private readonly stored = new Map<ValueId, TensorId[]>();
  private readonly expanded = new Map<string, TensorId>();

  /** `emit` receives copies, look-ups and what packs codes, which must run before whatever asked for them. */
  constructor(
    readonly graph: Graph,
    readonly lanes: number,
    readonly emit: (block: Draft<Block>) => void,
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
  storedAs(id: TensorId): Stored {
    const t = this.get(id);
    const { spare } = this.spaces[t.storage]!;
    return { shape: t.shape, layout: t.layout, offset: t.offset, ...(spare ? { spare } : {}) };
  }

  /** Every tensor that holds `value`, the main one first. */
  tensorsOf(value: ValueId): readonly TensorId[] {
    this.main(value);
    return this.stored.get(value)!;
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
    const { shape } = this.graph.values.get(to)!.type;
    const found: TensorId[] = [];
    for (const id of this.tensorsOf(from)) {
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
