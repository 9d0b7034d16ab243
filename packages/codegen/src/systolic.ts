/** The systolic region of a compute block: loops, strides and transfers of the GEMM unit. */
import type { BlockProgram, ComputeBlock, GemmPart, ResidentInput } from "@accelc/ir";
import { BUFFER, DIR, PAD_RUN, REDUCTION, SA_LOOPS, UNIT } from "@accelc/isa";
import { type Bound, emitBound, emitFill } from "./dae.js";
import type { Emitter } from "./emit.js";
import { emitPackedInput } from "./packed-input.js";
import { shapeTransfer, type TransferDim } from "./runs.js";
import { channelLoops, emitFormat } from "./systolic-format.js";
import { emitBase, emitStride, INNER } from "./systolic-words.js";
import { tensorAddress } from "./tensors.js";
import { tileOrder } from "./tile-steps.js";

/** A transfer loop that no transfer uses: stands for "no inner step" in a bound with a second tile loop. */
const IDLE_LOOP = SA_LOOPS.LAST_TRANSFER;
/** A request counts bytes per bank in 16 bits. */
const MOST_PER_BANK = 0xffff;

/** What a tile loop walks: a dimension of the block, or a part of the reduction. */
type TileKey = number | keyof typeof OUTER;
const OUTER = { ic: REDUCTION.OUTER_IC, kh: REDUCTION.OUTER_KH, kw: REDUCTION.OUTER_KW } as const;

interface SystolicDim {
  readonly extent: number;
  readonly stride: number;
  readonly bound?: Bound;
  /** Tile loops that move it, with the DRAM bytes per tile. */
  readonly tiles: readonly { readonly loop: number; readonly stride: number }[];
}

class SystolicRegion {
  private nextTransfer: number = SA_LOOPS.FIRST_TRANSFER;
  private readonly g: GemmPart;
  /** Tile loop id of each block dimension, and of the reductions. */
  private readonly tileLoop = new Map<TileKey, number>();

  constructor(
    private readonly e: Emitter,
    private readonly p: BlockProgram,
    private readonly b: ComputeBlock,
    g: GemmPart,
  ) {
    this.g = g;
    for (const [i, d] of tileOrder(b).entries()) this.tileLoop.set(d, i);
    if (g.ic.count > 1) this.tileLoop.set("ic", this.tileLoop.size);
    if (g.kh.count > 1) this.tileLoop.set("kh", this.tileLoop.size);
    if (g.kw.count > 1) this.tileLoop.set("kw", this.tileLoop.size);
  }

  emit(group: number): void {
    this.e.beginRegion(UNIT.SYSTOLIC, group);
    emitFormat(this.e, this.g.operands);
    this.tileLoops();
    this.innerLoops();
    this.input();
    this.weights();
    this.bias();
    this.e.endRegion();
  }

  private tileLoops(): void {
    for (const [key, loop] of this.tileLoop) {
      const count = (typeof key === "number" ? this.b.dims[key]! : this.g[key]).count;
      this.e.emit({ op: "sa_loop", loop, count_minus_1: count - 1 });
      if (typeof key !== "number") this.e.emit({ op: "sa_reduction", loop, kind: OUTER[key] });
    }
  }

  private extent(role: keyof GemmPart["roles"]): number {
    return this.b.dims[this.g.roles[role]]!.before.tile;
  }

  /** Blocks of output lanes in a step of oc. The loop of the batch, of which a tile then holds one, walks them. */
  private parts(): number {
    return this.b.dims[this.g.roles.part]?.extent ?? 1;
  }

  /** Rows of one input tile along height and width. */
  private window(): readonly [number, number] {
    const { g } = this;
    return [
      (this.extent("h") - 1) * g.strides[0] + (g.kh.tile - 1) * g.dilations[0] + 1,
      (this.extent("w") - 1) * g.strides[1] + (g.kw.tile - 1) * g.dilations[1] + 1,
    ];
  }

  private innerLoops(): void {
    const { e, g } = this;
    const { passes } = g.operands;
    const channels = channelLoops(g);
    const lent = passes > 1;
    const trips: readonly (readonly [number, number])[] = [
      [INNER.oc, this.extent("oc")],
      ...(lent ? [] : [[INNER.batch, g.roles.part < 0 ? this.extent("batch") : this.parts()] as const]),
      ...channels.map(({ loop, trips }) => [loop, trips] as const),
      [INNER.kh, g.kh.tile],
      [INNER.kw, g.kw.tile],
      [INNER.h, this.extent("h")],
      [INNER.w, this.extent("w")],
    ];
    for (const [loop, count] of trips) if (count > 1) e.emit({ op: "sa_loop", loop, count_minus_1: count - 1 });
    for (const { loop } of channels) e.emit({ op: "sa_reduction", loop, kind: REDUCTION.INNER_IC });
    e.emit({ op: "sa_reduction", loop: INNER.kh, kind: REDUCTION.INNER_KH });
    e.emit({ op: "sa_reduction", loop: INNER.kw, kind: REDUCTION.INNER_KW });
    const taps = g.kh.tile * g.kw.tile;
    this.chip(DIR.RD, BUFFER.WBUF, [
      [INNER.oc, this.parts() * g.ic.tile * passes * taps],
      ...(g.roles.part < 0 ? [] : [[INNER.batch, g.ic.tile * taps] as const]),
      ...channels.map(({ loop, inside }) => [loop, inside * taps] as const),
      [INNER.kh, g.kw.tile],
      [INNER.kw, 1],
    ]);
    this.chip(DIR.RD, BUFFER.BBUF, [
      [INNER.oc, this.parts()],
      ...(g.roles.part < 0 ? [] : [[INNER.batch, 1] as const]),
    ]);
    const { oc, h, w } = g.roles;
    const batch = g.roles.part < 0 ? g.roles.batch : g.roles.part;
    const batchLoop = lent ? undefined : INNER.batch;
    let rows = 1;
    const out: [number, number][] = [];
    for (let i = this.b.dims.length - 1; i >= 0; i--) {
      const loop = i === batch ? batchLoop : i === oc ? INNER.oc : i === h ? INNER.h : i === w ? INNER.w : undefined;
      if (loop !== undefined) out.push([loop, rows]);
      rows *= this.b.dims[i]!.before.tile;
    }
    this.chip(DIR.WR, BUFFER.OBUF, out);
  }

  private chip(dir: number, buffer: number, strides: readonly (readonly [number, number])[]): void {
    for (const [loop, rows] of strides) emitStride(this.e, dir, buffer, loop, rows);
  }

  /** Tile loop and DRAM step of a block dimension, where it has several tiles. */
  private moves(key: TileKey, stride: number): { loop: number; stride: number }[] {
    const loop = this.tileLoop.get(key);
    return loop === undefined || stride === 0 ? [] : [{ loop, stride }];
  }

  /** One load: dimensions outermost first as they lie on chip. `rowBytes`: DRAM bytes of a row, `perBank` of one bank. */
  private load(
    buffer: number,
    address: number,
    rowBytes: number,
    perBank: number,
    dims: readonly SystolicDim[],
    fill: number,
  ): number[] {
    const { e } = this;
    const shaped = dims.map(
      (d, key): TransferDim => ({ extent: d.extent, stride: d.stride, bounded: d.bound !== undefined, key }),
    );
    const shape = shapeTransfer(shaped, rowBytes, Math.floor(MOST_PER_BANK / perBank));
    emitBase(e, buffer, address);
    for (const d of dims) for (const t of d.tiles) emitStride(this.e, DIR.LD, buffer, t.loop, t.stride);
    const loops = shape.loops.length > 0 ? shape.loops : [{ extent: 1, stride: 0, rows: 0, key: -1 }];
    const first = this.nextTransfer;
    this.nextTransfer += loops.length;
    loops.forEach((l, i) => {
      if (l.extent > 1) e.emit({ op: "sa_loop", loop: first + i, count_minus_1: l.extent - 1 });
      emitStride(this.e, DIR.LD, buffer, first + i, l.stride);
      if (l.rows !== 0) emitStride(this.e, DIR.WR, buffer, first + i, l.rows);
    });
    dims.forEach((d, key) => {
      if (!d.bound) return;
      const inner = shape.runKey === key ? PAD_RUN : first + shape.loops.findIndex((l) => l.key === key);
      const [tile, ...more] = d.tiles;
      const terms = [{ inner, outer: tile?.loop }, ...more.map((t) => ({ inner: IDLE_LOOP, outer: t.loop }))];
      emitBound(e, buffer, terms, d.bound);
    });
    if (fill !== 0) emitFill(e, buffer, fill);
    e.emit({ op: "sa_ld", buffer, loop: first + loops.length - 1, bytes: shape.runRows * perBank });
    return shape.loops.map((l) => l.key);
  }

  /** DRAM address of the first byte of the padded input. */
  private inputAddress(): number {
    const { g } = this;
    const [h, w] = [g.input.strides[g.roles.h]!, g.input.strides[g.roles.w]!];
    return tensorAddress(this.p, g.input.tensor) + g.input.offset - g.lead[0] * h - g.lead[1] * w;
  }

  private input(): void {
    const { g, b } = this;
    if (g.pack) {
      const tileLoop = (d: number) => this.tileLoop.get(d);
      const packed = { b, g, pack: g.pack, firstLoop: this.nextTransfer, idleLoop: IDLE_LOOP, tileLoop };
      this.nextTransfer += emitPackedInput(this.e, packed, this.inputAddress());
      return;
    }
    if (g.resident) {
      this.residentInput(g.resident);
      return;
    }
    const { batch, group, h, w } = g.roles;
    const [ih, iw] = this.window();
    const s = g.input.strides;
    const dimOf = (
      key: number | "ic",
      extent: number,
      stride: number,
      count: number,
      step: number,
      size: number,
      lead = 0,
      extra: { loop: number; stride: number }[] = [],
      reach = 0,
    ) => {
      const ragged = lead > 0 || (count - 1) * step + reach + extent > size + lead;
      return {
        extent,
        stride,
        ...(ragged ? { bound: { low: lead, high: lead + size } } : {}),
        tiles: [...this.moves(key, stride * step), ...extra],
      };
    };
    const khStep = g.kh.tile * g.dilations[0];
    const kwStep = g.kw.tile * g.dilations[1];
    const [db, dh, dw] = [b.dims[batch]!, b.dims[h]!, b.dims[w]!];
    const dims = [
      { role: "n", dim: dimOf(batch, db.before.tile, s[batch]!, db.count, db.before.step, db.before.extent) },
      { role: "ic", dim: { ...dimOf("ic", g.ic.tile, g.ic.stride, g.ic.count, g.ic.tile, g.ic.extent) } },
      {
        role: "h",
        dim: dimOf(
          h,
          ih,
          s[h]!,
          dh.count,
          dh.before.step * g.strides[0],
          g.size[0],
          g.lead[0],
          this.moves("kh", s[h]! * khStep),
          (g.kh.count - 1) * khStep,
        ),
      },
      {
        role: "w",
        dim: dimOf(
          w,
          iw,
          s[w]!,
          dw.count,
          dw.before.step * g.strides[1],
          g.size[1],
          g.lead[1],
          this.moves("kw", s[w]! * kwStep),
          (g.kw.count - 1) * kwStep,
        ),
      },
      { role: "pass", dim: { extent: g.operands.passes, stride: this.p.lanes, tiles: [] } },
    ].sort(
      (x, y) =>
        (y.dim.extent > 1 ? y.dim.stride : Number.MAX_SAFE_INTEGER) -
        (x.dim.extent > 1 ? x.dim.stride : Number.MAX_SAFE_INTEGER),
    );
    const rowsPerStep = new Map<string, number>();
    let rows = 1;
    for (const d of [...dims].reverse()) {
      rowsPerStep.set(d.role, rows);
      rows *= d.dim.extent;
    }
    const step = (role: string, extent: number, factor: number): number =>
      extent > 1 ? rowsPerStep.get(role)! * factor : 0;
    const { passes } = g.operands;
    this.chip(DIR.RD, BUFFER.IBUF, [
      ...(passes > 1
        ? ([
            [INNER.batch, step("ic", g.ic.tile, 1)],
            [INNER.ic, step("pass", passes, 1)],
          ] as const)
        : ([
            [INNER.batch, step("n", db.before.tile, 1)],
            [INNER.ic, step("ic", g.ic.tile, 1)],
          ] as const)),
      [INNER.kh, step("h", ih, g.dilations[0])],
      [INNER.kw, step("w", iw, g.dilations[1])],
      [INNER.h, step("h", ih, g.strides[0])],
      [INNER.w, step("w", iw, g.strides[1])],
    ]);
    for (const t of this.moves(group, s[group]!)) emitStride(this.e, DIR.LD, BUFFER.IBUF, t.loop, t.stride);
    this.load(
      BUFFER.IBUF,
      this.inputAddress(),
      this.p.lanes,
      1,
      dims.map((d) => d.dim),
      g.fill,
    );
  }

  /** Nothing to load: the whole input lies in IBUF, and tiles step through it. */
  private residentInput({ row, steps }: ResidentInput): void {
    const { g, b } = this;
    const { batch, group, h, w } = g.roles;
    if (row !== 0) emitBase(this.e, BUFFER.IBUF, row);
    this.chip(DIR.RD, BUFFER.IBUF, [
      [INNER.batch, g.roles.part < 0 ? steps.batch : 0],
      [INNER.ic, steps.ic],
      [INNER.kh, g.dilations[0] * steps.h],
      [INNER.kw, g.dilations[1] * steps.w],
      [INNER.h, g.strides[0] * steps.h],
      [INNER.w, g.strides[1] * steps.w],
    ]);
    const perTile = (d: number) => b.dims[d]!.before.step;
    const tiles: readonly (readonly [number | keyof typeof OUTER, number])[] = [
      [batch, perTile(batch) * steps.batch],
      [group, perTile(group) * steps.group],
      [h, perTile(h) * g.strides[0] * steps.h],
      [w, perTile(w) * g.strides[1] * steps.w],
      ["ic", g.ic.tile * steps.ic],
      ["kh", g.kh.tile * g.dilations[0] * steps.h],
      ["kw", g.kw.tile * g.dilations[1] * steps.w],
    ];
    for (const [key, rows] of tiles)
      for (const t of this.moves(key, rows)) emitStride(this.e, DIR.RD, BUFFER.IBUF, t.loop, t.stride);
  }

  private weights(): void {
    const { g } = this;
    const { oc } = g.roles;
    const block = this.p.lanes * this.p.lanes;
    const pass = g.kh.extent * g.kw.extent * block;
    const s = g.weights.strides;
    const dim = (
      key: TileKey,
      d: { readonly extent: number; readonly tile: number; readonly count: number },
      stride: number,
    ) => ({
      extent: d.tile,
      stride,
      ...(d.tile * d.count > d.extent ? { bound: { low: 0, high: d.extent } } : {}),
      tiles: this.moves(key, stride * d.tile),
    });
    s.forEach((stride, i) => {
      if (i !== oc) for (const t of this.moves(i, stride)) emitStride(this.e, DIR.LD, BUFFER.WBUF, t.loop, t.stride);
    });
    const dims = [
      dim(oc, this.ocDim(), s[oc]!),
      ...(g.roles.part < 0 ? [] : [{ extent: this.parts(), stride: s[g.roles.part]!, tiles: [] }]),
      dim("ic", g.ic, pass * g.operands.passes),
      { extent: g.operands.passes, stride: pass, tiles: [] },
      dim("kh", g.kh, g.kw.extent * block),
      dim("kw", g.kw, block),
    ];
    this.load(BUFFER.WBUF, tensorAddress(this.p, g.weights.tensor) + g.weights.offset, block, 1, dims, 0);
  }

  /** Output blocks as the array walks them: ahead of what a reduction makes of them. */
  private ocDim() {
    const d = this.b.dims[this.g.roles.oc]!;
    return { extent: d.before.extent, tile: d.before.tile, count: d.count };
  }

  private bias(): void {
    const { g } = this;
    if (g.bias === null) return;
    const { group, oc } = g.roles;
    const d = this.ocDim();
    const row = 4 * this.p.lanes;
    const step = row * this.parts();
    for (const t of this.moves(group, d.extent * step)) emitStride(this.e, DIR.LD, BUFFER.BBUF, t.loop, t.stride);
    const bound = d.tile * d.count > d.extent ? { bound: { low: 0, high: d.extent } } : {};
    this.load(
      BUFFER.BBUF,
      tensorAddress(this.p, g.bias),
      row,
      4,
      [
        { extent: d.tile, stride: step, ...bound, tiles: this.moves(oc, step * d.tile) },
        { extent: this.parts(), stride: row, tiles: [] },
      ],
      0,
    );
  }
}

export function emitSystolicRegion(e: Emitter, p: BlockProgram, b: ComputeBlock, g: GemmPart): void {
  new SystolicRegion(e, p, b, g).emit(b.id % 32);
}
