/** The load of packed windows: runs of kernel rows side by side in IBUF rows. */
import type { PackedWindow } from "@accelc/ir";
import { BUFFER, DIR, PAD_RUN } from "@accelc/isa";
import { emitBound, emitFill } from "./dae.js";
import type { Emitter } from "./emit.js";
import { IDLE_LOOP, type SystolicContext } from "./systolic-context.js";
import { emitBase, emitStride, emitStrides, INNER } from "./systolic-words.js";

type PackedInput = SystolicContext & { readonly pack: PackedWindow };

interface PackedLoop {
  readonly loop: number;
  readonly extent: number;
  /** DRAM bytes and IBUF rows per step; runs of one window have 0 rows between them. */
  readonly bytes: number;
  readonly rows: number;
}

type Key = "n" | "h" | "w" | "kh" | "kw";

const walks = ({ b, g, pack }: PackedInput): readonly (readonly [key: Key, step: Omit<PackedLoop, "loop">])[] => {
  const { batch, h, w } = g.roles;
  const [tn, th, tw] = [batch, h, w].map((d) => b.dims[d]!.before.tile) as [number, number, number];
  const s = g.input.strides;
  return [
    ["n", { extent: tn, bytes: s[batch]!, rows: th * tw * pack.rows }],
    ["h", { extent: th, bytes: s[h]! * g.strides[0], rows: tw * pack.rows }],
    ["w", { extent: tw, bytes: s[w]! * g.strides[1], rows: pack.rows }],
    ["kh", { extent: pack.taps[0], bytes: s[h]! * g.dilations[0], rows: 0 }],
    ["kw", { extent: pack.taps[1], bytes: s[w]! * g.dilations[1], rows: 0 }],
  ];
};

/** Loops of the transfer by what they walk, outermost first; at least one. */
function loopsOf(p: PackedInput): ReadonlyMap<Key, PackedLoop> {
  const all = walks(p);
  const walked = all.filter(([, step]) => step.extent > 1);
  const used = walked.length > 0 ? walked : all.slice(-1);
  const first = p.takeLoops(used.length);
  return new Map(used.map(([key, step], i) => [key, { ...step, loop: first + i }]));
}

interface Axis {
  readonly dim: number;
  readonly low: number;
  readonly high: number;
  readonly outside: boolean;
}

/** Padding in front of an axis, its end in padded steps, and whether some window reaches beyond. */
function axis({ b, g }: PackedInput, dim: number, k: 0 | 1, kernel: number): Axis {
  const d = b.dims[dim]!.before;
  const last = ((b.dims[dim]!.count - 1) * d.step + d.tile - 1) * g.strides[k] + (kernel - 1) * g.dilations[k];
  const [low, high] = [g.lead[k], g.lead[k] + g.size[k]];
  return { dim, low, high, outside: low > 0 || last >= high };
}

/**
 * Bounds in bytes from the first byte of the padded image: of a run within its row, so that a run may lie inside in part;
 * and of a row, which counts the same bytes and the rows before them, for runs of which some byte is inside its row.
 */
function emitBounds(p: PackedInput, loops: ReadonlyMap<Key, PackedLoop>): void {
  const { e, g, b, pack } = p;
  const { batch, h, w } = g.roles;
  const [row, pixel] = [g.input.strides[h]!, g.input.strides[w]!];
  const term = (key: Key, dim?: number) => ({
    inner: loops.get(key)?.loop ?? IDLE_LOOP,
    outer: dim === undefined ? undefined : p.tileLoop.get(dim),
  });
  const across = [{ inner: PAD_RUN, outer: p.tileLoop.get(w) }, term("w"), term("kw")];
  const down = [...across, term("h", h), term("kh")];
  const columns = axis(p, w, 1, pack.taps[1] > 1 ? pack.taps[1] : pack.run / pixel);
  const rows = axis(p, h, 0, pack.taps[0]);
  if (columns.outside) emitBound(e, BUFFER.IBUF, across, { low: columns.low * pixel, high: columns.high * pixel });
  if (rows.outside)
    emitBound(e, BUFFER.IBUF, down, {
      low: rows.low * row + columns.low * pixel,
      high: rows.high * row + columns.low * pixel,
    });
  const d = b.dims[batch]!;
  if (d.tile * d.count > d.extent) emitBound(e, BUFFER.IBUF, [term("n", batch)], { low: 0, high: d.extent });
}

/** How the array walks the windows: outputs in the order of OBUF, the rows of a window as its reduction. */
function emitReads({ e, b, g, pack }: PackedInput): void {
  const { rows } = pack;
  const { batch, h, w } = g.roles;
  const [tn, th, tw] = [batch, h, w].map((d) => b.dims[d]!.before.tile) as [number, number, number];
  emitStrides(e, DIR.RD, BUFFER.IBUF, [
    [INNER.batch, tn > 1 ? th * tw * rows : 0],
    [INNER.ic, 1],
    [INNER.h, tw * rows],
    [INNER.w, rows],
  ]);
}

/** Strides from tile to tile, in DRAM. */
function emitTiles({ e, b, g, tileLoop }: PackedInput): void {
  const { batch, h, w } = g.roles;
  for (const [d, factor] of [
    [batch, 1],
    [h, g.strides[0]],
    [w, g.strides[1]],
  ] as const) {
    const loop = tileLoop.get(d);
    const step = g.input.strides[d]! * factor * b.dims[d]!.before.step;
    if (loop !== undefined) emitStride(e, DIR.LD, BUFFER.IBUF, loop, step);
  }
}

function emitLoops(e: Emitter, loops: Iterable<PackedLoop>): void {
  for (const l of loops) {
    if (l.extent > 1) e.emit({ op: "sa_loop", loop: l.loop, count_minus_1: l.extent - 1 });
    emitStride(e, DIR.LD, BUFFER.IBUF, l.loop, l.bytes);
    if (l.rows !== 0) emitStride(e, DIR.WR, BUFFER.IBUF, l.loop, l.rows);
  }
}

/** @param address DRAM byte address of the padded image */
export function emitPackedInput(c: SystolicContext, pack: PackedWindow, address: number): void {
  const p = { ...c, pack };
  const { e, g } = c;
  const loops = loopsOf(p);
  emitReads(p);
  emitBase(e, BUFFER.IBUF, address);
  emitTiles(p);
  emitLoops(e, loops.values());
  e.emit({ op: "pack", run: pack.run, bank: 0 });
  emitBounds(p, loops);
  if (g.fill !== 0) emitFill(e, BUFFER.IBUF, g.fill);
  const { loop } = [...loops.values()].at(-1)!;
  e.emit({ op: "sa_ld", buffer: BUFFER.IBUF, loop, bytes: pack.run });
}
