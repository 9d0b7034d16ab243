/** The load of packed windows: runs of kernel rows side by side in IBUF rows. */
import type { ComputeBlock, GemmPart, PackedWindow } from "@accelc/ir";
import { BUFFER, DIR, PAD_RUN } from "@accelc/isa";
import { emitBound, emitFill } from "./dae.js";
import type { Emitter } from "./emit.js";
import { emitBase, emitStride, INNER } from "./systolic-words.js";

export interface PackedInput {
  readonly b: ComputeBlock;
  readonly g: GemmPart;
  readonly pack: PackedWindow;
  /** Transfer loops from here on are free. */
  readonly firstLoop: number;
  /** A transfer loop that no transfer uses: stands for "no inner step" in a bound. */
  readonly idleLoop: number;
  readonly tileLoop: (dim: number) => number | undefined;
}

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
  return new Map(used.map(([key, step], i) => [key, { ...step, loop: p.firstLoop + i }]));
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
function emitBounds(e: Emitter, p: PackedInput, loops: ReadonlyMap<Key, PackedLoop>): void {
  const { g, b, pack } = p;
  const { batch, h, w } = g.roles;
  const [row, pixel] = [g.input.strides[h]!, g.input.strides[w]!];
  const term = (key: Key, dim?: number) => ({
    inner: loops.get(key)?.loop ?? p.idleLoop,
    outer: dim === undefined ? undefined : p.tileLoop(dim),
  });
  const across = [{ inner: PAD_RUN, outer: p.tileLoop(w) }, term("w"), term("kw")];
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
function emitReads(e: Emitter, p: PackedInput): void {
  const { rows } = p.pack;
  const { batch, h, w } = p.g.roles;
  const [tn, th, tw] = [batch, h, w].map((d) => p.b.dims[d]!.before.tile) as [number, number, number];
  const strides = [
    [INNER.batch, tn > 1 ? th * tw * rows : 0],
    [INNER.ic, 1],
    [INNER.h, tw * rows],
    [INNER.w, rows],
  ] as const;
  for (const [loop, step] of strides) emitStride(e, DIR.RD, BUFFER.IBUF, loop, step);
}

/**
 * @param address DRAM byte address of the padded image
 * @returns how many transfer loops it took
 */
export function emitPackedInput(e: Emitter, p: PackedInput, address: number): number {
  const { b, g, pack } = p;
  const loops = loopsOf(p);
  emitReads(e, p);
  emitBase(e, BUFFER.IBUF, address);
  const { batch, h, w } = g.roles;
  for (const [d, factor] of [
    [batch, 1],
    [h, g.strides[0]],
    [w, g.strides[1]],
  ] as const) {
    const loop = p.tileLoop(d);
    const step = g.input.strides[d]! * factor * b.dims[d]!.before.step;
    if (loop !== undefined) emitStride(e, DIR.LD, BUFFER.IBUF, loop, step);
  }
  for (const l of loops.values()) {
    if (l.extent > 1) e.emit({ op: "sa_loop", loop: l.loop, count_minus_1: l.extent - 1 });
    emitStride(e, DIR.LD, BUFFER.IBUF, l.loop, l.bytes);
    if (l.rows !== 0) emitStride(e, DIR.WR, BUFFER.IBUF, l.loop, l.rows);
  }
  e.emit({ op: "pack", run: pack.run, bank: 0 });
  emitBounds(e, p, loops);
  if (g.fill !== 0) emitFill(e, BUFFER.IBUF, g.fill);
  e.emit({ op: "sa_ld", buffer: BUFFER.IBUF, loop: p.firstLoop + loops.size - 1, bytes: pack.run });
  return loops.size;
}
