/** Loads of a systolic region: tiles of a tensor in DRAM into consecutive rows of a buffer. */
import { DIR, PAD_RUN } from "@accelc/isa";
import { type Bound, emitBound, emitFill } from "./dae.js";
import { shapeTransfer, type TransferDim, type TransferLoop, type TransferShape } from "./runs.js";
import { IDLE_LOOP, type SystolicContext, type TileKey, type TileStep, tileSteps } from "./systolic-context.js";
import { emitBase, emitStride } from "./systolic-words.js";

/** A request counts bytes per bank in 16 bits. */
const MOST_PER_BANK = 0xffff;

export interface SystolicDim {
  readonly extent: number;
  /** DRAM bytes per step. */
  readonly stride: number;
  readonly bound?: Bound;
  /** Tile loops that move it, with the DRAM bytes per tile. */
  readonly tiles: readonly TileStep[];
}

export interface SystolicLoad {
  readonly buffer: number;
  /** DRAM byte address of step 0; may lie in front of the tensor where bounds cut it off. */
  readonly address: number;
  /** DRAM bytes of a row, and of one bank of it. */
  readonly rowBytes: number;
  readonly perBank: number;
  /** Outermost first as they lie on chip. */
  readonly dims: readonly SystolicDim[];
  /** The byte that steps outside their bounds read as. */
  readonly fill: number;
}

/** A dimension as tiles walk it: `size` steps behind `lead` steps of padding, `extent` of them in a tile. */
export interface WalkedDim {
  readonly extent: number;
  readonly stride: number;
  readonly lead: number;
  readonly size: number;
  /** Steps from tile to tile. */
  readonly walks: readonly { readonly key: TileKey; readonly count: number; readonly step: number }[];
}

/** Bounded where some tile reaches outside. */
export function walkedDim(c: SystolicContext, { extent, stride, lead, size, walks }: WalkedDim): SystolicDim {
  const end = walks.reduce((sum, { count, step }) => sum + (count - 1) * step, extent);
  return {
    extent,
    stride,
    ...(lead > 0 || end > lead + size ? { bound: { low: lead, high: lead + size } } : {}),
    tiles: walks.flatMap(({ key, step }) => tileSteps(c, key, stride * step)),
  };
}

/** A dimension whose tiles lie side by side. */
export function tiledDim(
  c: SystolicContext,
  key: TileKey,
  { extent, tile, count }: { readonly extent: number; readonly tile: number; readonly count: number },
  stride: number,
): SystolicDim {
  return walkedDim(c, { extent: tile, stride, lead: 0, size: extent, walks: [{ key, count, step: tile }] });
}

function shapeOf({ dims, rowBytes, perBank }: SystolicLoad): TransferShape {
  const shaped = dims.map(
    (d, key): TransferDim => ({ extent: d.extent, stride: d.stride, bounded: d.bound !== undefined, key }),
  );
  return shapeTransfer(shaped, rowBytes, Math.floor(MOST_PER_BANK / perBank));
}

function emitLoops({ e }: SystolicContext, buffer: number, first: number, loops: readonly TransferLoop[]): void {
  loops.forEach((l, i) => {
    if (l.extent > 1) e.emit({ op: "sa_loop", loop: first + i, count_minus_1: l.extent - 1 });
    emitStride(e, DIR.LD, buffer, first + i, l.stride);
    if (l.rows !== 0) emitStride(e, DIR.WR, buffer, first + i, l.rows);
  });
}

function emitBounds({ e }: SystolicContext, { buffer, dims }: SystolicLoad, first: number, shape: TransferShape): void {
  dims.forEach((d, key) => {
    if (!d.bound) return;
    const inner = shape.runKey === key ? PAD_RUN : first + shape.loops.findIndex((l) => l.key === key);
    const [tile, ...more] = d.tiles;
    const terms = [{ inner, outer: tile?.loop }, ...more.map((t) => ({ inner: IDLE_LOOP, outer: t.loop }))];
    emitBound(e, buffer, terms, d.bound);
  });
}

export function emitLoad(c: SystolicContext, load: SystolicLoad): void {
  const { e } = c;
  const { buffer } = load;
  const shape = shapeOf(load);
  const loops = shape.loops.length > 0 ? shape.loops : [{ extent: 1, stride: 0, rows: 0, key: -1 }];
  const first = c.takeLoops(loops.length);
  emitBase(e, buffer, load.address);
  for (const d of load.dims) for (const t of d.tiles) emitStride(e, DIR.LD, buffer, t.loop, t.stride);
  emitLoops(c, buffer, first, loops);
  emitBounds(c, load, first, shape);
  if (load.fill !== 0) emitFill(e, buffer, load.fill);
  e.emit({ op: "sa_ld", buffer, loop: first + loops.length - 1, bytes: shape.runRows * load.perBank });
}
