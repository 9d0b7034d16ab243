/** Transfers of the data access engine: one descriptor per load or store of a SIMD region. */
import { type Inst, NS, PAD_RUN } from "@accelc/isa";
import { type Emitter, high, low } from "./emit.js";
import { shapeTransfer, type TransferDim } from "./runs.js";

export type ScratchNamespace = "OBUF" | "VMEM1" | "VMEM2";

/** Steps of one dimension that touch memory: low <= outer step * per-tile steps + inner step < high. */
export interface Bound {
  readonly low: number;
  readonly high: number;
}

export interface DaeDim {
  readonly extent: number;
  /** DRAM bytes per step inside a tile. */
  readonly stride: number;
  readonly bound?: Bound;
  /** Index into `tiles` of the loop that moves this dimension from tile to tile. */
  readonly tile?: number;
}

export interface DaeTransfer {
  readonly direction: "ld" | "st";
  readonly namespace: ScratchNamespace;
  readonly row: number;
  readonly bits: number;
  readonly lanes: number;
  /** DRAM byte address of step 0; may lie in front of the tensor where bounds cut it off. */
  readonly address: number;
  /** Dimensions inside a tile, outermost first, dense on chip. */
  readonly dims: readonly DaeDim[];
  /** Tile loops, outermost first; empty for a transfer done once. */
  readonly tiles: readonly { readonly count: number; readonly stride: number }[];
  readonly fill: number;
}

const MOST_BYTES = 0xffff;

export function emitTransfer(e: Emitter, t: DaeTransfer): void {
  const ns = NS[t.namespace];
  const rowBytes = (t.lanes * t.bits) / 8;
  const dims = t.dims.map(
    (d, key): TransferDim => ({ extent: d.extent, stride: d.stride, bounded: d.bound !== undefined, key }),
  );
  const shape = shapeTransfer(dims, rowBytes, Math.floor(MOST_BYTES / rowBytes));
  const p = t.direction;
  emitWalk(e, { ...t, loops: shape.loops });
  const target = ns + (p === "st" ? 4 : 0);
  t.dims.forEach((d, key) => {
    if (!d.bound) return;
    const inner = shape.runKey === key ? PAD_RUN : shape.loops.findIndex((l) => l.key === key);
    const outer = d.tile === undefined || t.tiles.length === 0 ? undefined : d.tile;
    emitBound(e, target, [{ inner, outer }], d.bound);
  });
  if (t.fill !== 0) emitFill(e, target, t.fill);
  e.emit({ op: `${p}_start`, ns, bits_minus_1: t.bits - 1, bytes: shape.runRows * rowBytes });
}

/** Addresses and loops of a transfer, in DRAM and on chip: what every descriptor begins with. */
type Walk = Pick<ElementTransfer, "direction" | "row" | "address" | "loops" | "tiles"> & {
  readonly namespace: ScratchNamespace;
};

function emitWalk(e: Emitter, t: Walk): void {
  const ns = NS[t.namespace];
  const p = t.direction;
  e.emit({ op: `${p}_config_base_addr`, half: 0, ns, imm: low(t.address) });
  e.emit({ op: `${p}_config_base_addr`, half: 1, ns, imm: high(t.address) });
  t.tiles.forEach((loop, id) => {
    e.emit({ op: `${p}_config_base_loop_iter`, ns, loop: id, count_minus_1: loop.count - 1 });
    emitStride(e, `${p}_config_base_loop_stride`, ns, id, loop.stride);
  });
  t.loops.forEach((loop, id) => {
    e.emit({ op: `${p}_config_tile_loop_iter`, ns, loop: id, count_minus_1: loop.extent - 1 });
    emitStride(e, `${p}_config_tile_loop_stride`, ns, id, loop.stride);
  });
  e.emit({ op: `${p}_config_tile_addr`, ns, imm: t.row });
}

/** Rows of IBUF by tile: `stride` counts rows. */
export interface NextInputWords {
  readonly row: number;
  readonly tiles: readonly { readonly count: number; readonly stride: number }[];
  readonly fill: number;
  readonly rowBytes: number;
}

/** ST of IBUF: from here on vectors that go to IBUF write the next block's input. */
export function emitNextInput(e: Emitter, { row, tiles, fill, rowBytes }: NextInputWords): void {
  const ns = NS.IBUF;
  tiles.forEach(({ count, stride }, loop) => {
    e.emit({ op: "st_config_base_loop_iter", ns, loop, count_minus_1: count - 1 });
    emitStride(e, "st_config_base_loop_stride", ns, loop, stride);
  });
  e.emit({ op: "st_config_tile_addr", ns, imm: row });
  if (fill !== 0) e.emit({ op: "pad_fill", target: ns + 4, imm: low(fill) });
  e.emit({ op: "st_start", ns, bits_minus_1: 7, bytes: rowBytes });
}

type StrideOp =
  | "ld_config_base_loop_stride"
  | "st_config_base_loop_stride"
  | "ld_config_tile_loop_stride"
  | "st_config_tile_loop_stride";

function emitStride(e: Emitter, op: StrideOp, ns: number, loop: number, stride: number): void {
  e.emit({ op, half: 0, ns, loop, imm: low(stride) });
  if (high(stride) !== 0) e.emit({ op, half: 1, ns, loop, imm: high(stride) });
}

export function emitBound(
  e: Emitter,
  target: number,
  terms: readonly { readonly inner: number; readonly outer: number | undefined }[],
  bound: Bound,
): void {
  for (const { inner, outer } of terms)
    e.emit({ op: "pad_dim", target, inner, has_outer: outer === undefined ? 0 : 1, outer: outer ?? 0 });
  e.emit({ op: "pad_low", target, imm: low(bound.low) });
  if (high(bound.low) !== 0) e.emit({ op: "pad_low_hi", target, imm: high(bound.low) });
  e.emit({ op: "pad_high", target, imm: low(bound.high) });
  e.emit({ op: "pad_high_hi", target, imm: high(bound.high) });
}

export function emitFill(e: Emitter, target: number, fill: number): void {
  e.emit({ op: "pad_fill", target, imm: low(fill) });
  e.emit({ op: "pad_fill_hi", target, imm: high(fill) });
}

/** Element runs: DRAM runs of any length, each on rows of its own. `run` in elements, loops outermost first. */
export interface ElementTransfer {
  readonly direction: "ld" | "st";
  readonly namespace: "VMEM1" | "VMEM2";
  readonly row: number;
  readonly bits: number;
  readonly address: number;
  readonly run: number;
  readonly loops: readonly { readonly extent: number; readonly stride: number }[];
  readonly tiles: readonly { readonly count: number; readonly stride: number }[];
}

export function emitElements(e: Emitter, t: ElementTransfer): void {
  emitWalk(e, t);
  e.emit({
    op: `${t.direction}_start`,
    ns: NS[t.namespace],
    bits_minus_1: t.bits - 1,
    bytes: (t.run * t.bits) / 8,
  } satisfies Inst);
}
