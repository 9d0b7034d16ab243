/** The SIMD region of a compute block: transfers, loop nests, release of the accumulators. */
import {
  type BlockProgram,
  CompilerBug,
  type ComputeBlock,
  type NextInput,
  type Source,
  type Stage,
  type TileBuffer,
  type TileOp,
} from "@accelc/ir";
import { NS, UNIT } from "@accelc/isa";
import { type DaeDim, emitNextInput, emitTransfer } from "./dae.js";
import type { Emitter } from "./emit.js";
import { NestEmitter } from "./nest.js";
import { emitPermute } from "./permute.js";
import { FOLD, type Pick, SELECT, type SelectionRule } from "./select.js";
import type { NestTables } from "./slots.js";
import { tensorAddress, tensorOf } from "./tensors.js";
import { extentIn, readable, rowStrides, tileOrder } from "./tile-steps.js";
import { storeTurned, turnAlong } from "./turned.js";
import type { Operand, RowOperand, VectorOp } from "./vector-op.js";

class VectorRegion {
  private readonly nests: NestEmitter;
  private readonly waited = new Set<object>();

  constructor(
    private readonly e: Emitter,
    private readonly p: BlockProgram,
    private readonly b: ComputeBlock,
    tables: NestTables,
  ) {
    this.nests = new NestEmitter(e, tables);
  }

  emit(group: number): void {
    const { b, e } = this;
    e.beginRegion(UNIT.SIMD, group);
    for (const w of b.vector.windows) {
      e.emit({ op: "window_base", ns: NS[w.namespace], imm: w.base });
      e.emit({ op: "window_rows", ns: NS[w.namespace], imm: w.rows });
    }
    if (b.vector.next) this.openInput(b.vector.next);
    for (const l of b.vector.loads) this.transfer("ld", l.buffer, l.access, l.fill, l.lead);
    const lastUse = this.lastObufUse();
    b.vector.ops.forEach((op, k) => {
      if (this.waits(op)) this.nests.flush();
      this.operation(op);
      if (k === lastUse) this.release(group);
    });
    this.nests.flush();
    for (const s of b.vector.stores) {
      if (s.laneStride === undefined) this.transfer("st", s.buffer, s.access, 0, []);
      else storeTurned(this.e, this.p, b, s.buffer, s.access, s.laneStride);
    }
    if (b.gemm && lastUse === b.vector.ops.length) this.release(group);
    e.endRegion();
  }

  /** Where vectors of this tile that go to IBUF land. */
  private openInput({ buffer, row, strides, fill }: NextInput): void {
    const { b, p } = this;
    const { stage } = b.vector.buffers[buffer]!;
    const tiles = tileOrder(b).map((d) => ({ count: b.dims[d]!.count, stride: strides[d]! * this.tileStep(stage, d) }));
    emitNextInput(this.e, { row, tiles, fill, rowBytes: p.lanes });
  }

  /** Steps from one tile to the next along a dimension. */
  private tileStep(stage: Stage, d: number): number {
    const dim = this.b.dims[d]!;
    return stage === "before" ? dim.before.step : dim.tile;
  }

  /** Whether `op` waits for transfers that nothing before it waited for: what is ahead of it need not wait. */
  private waits(op: TileOp): boolean {
    const { buffers, loads, stores, windows } = this.b.vector;
    const touched = [op.dst, ...op.sources.flatMap((s) => ("buffer" in s ? [s.buffer] : []))];
    // Rows of a window are of another tile's transfer only two tiles on.
    const meets = (i: number, j: number): boolean => {
      const [x, y] = [buffers[i]!, buffers[j]!];
      const apart = x.namespace !== y.namespace || x.row + x.rows <= y.row || y.row + y.rows <= x.row;
      return !apart && !windows.some((w) => w.namespace === x.namespace);
    };
    const open = [
      ...loads.filter((l) => touched.some((i) => meets(i, l.buffer))),
      ...stores.filter((s) => meets(op.dst, s.buffer)),
    ].filter((t) => !this.waited.has(t));
    for (const t of open) this.waited.add(t);
    return open.length > 0;
  }

  private release(group: number): void {
    this.nests.flush();
    this.e.emit({ op: "sync_end", unit: UNIT.SIMD, buf: 1, group });
  }

  /** The last operation that touches OBUF; the number of operations where a store still reads it. */
  private lastObufUse(): number {
    if (!this.b.gemm) return -1;
    const { buffers, ops, stores } = this.b.vector;
    const inObuf = (id: number) => buffers[id]!.namespace === "OBUF";
    if (stores.some((s) => inObuf(s.buffer))) return ops.length;
    return ops.reduce(
      (last, op, k) => (inObuf(op.dst) || op.sources.some((s) => "buffer" in s && inObuf(s.buffer)) ? k : last),
      -1,
    );
  }

  private transfer(
    direction: "ld" | "st",
    buffer: number,
    access: { readonly tensor: number; readonly offset: number; readonly strides: readonly number[] },
    fill: number,
    lead: readonly number[],
  ): void {
    const { b, p } = this;
    const buf = b.vector.buffers[buffer]!;
    const t = tensorOf(p, access.tensor);
    const order = buf.once ? [] : tileOrder(b);
    const step = (d: number) => this.tileStep(buf.stage, d);
    const dims: DaeDim[] = [];
    b.dims.forEach((d, i) => {
      if (!buf.spans[i]) return;
      const extent = extentIn(b, buf.stage, i);
      const size = buf.stage === "before" ? d.before.extent : d.extent;
      const front = lead[i] ?? 0;
      const ragged = front > 0 || (d.count - 1) * step(i) + extent > size + front;
      const tile = order.indexOf(i);
      dims.push({
        extent,
        stride: access.strides[i]!,
        ...(ragged ? { bound: { low: front, high: front + size } } : {}),
        ...(tile >= 0 ? { tile } : {}),
      });
    });
    emitTransfer(this.e, {
      direction,
      namespace: readable(buf),
      row: buf.row,
      bits: t.bits,
      lanes: p.lanes,
      address: tensorAddress(p, access.tensor) + access.offset,
      dims,
      tiles: order.map((d) => ({ count: b.dims[d]!.count, stride: access.strides[d]! * step(d) })),
      fill,
    });
  }

  private operand(s: Source): Operand {
    if ("immediate" in s) return s;
    const b = this.b.vector.buffers[s.buffer]!;
    const { next } = this.b.vector;
    const strides = b.id === next?.buffer ? next.strides : b.form === "packed" ? [1] : rowStrides(this.b, b);
    return { namespace: b.namespace, row: b.row, strides };
  }

  private operation(op: TileOp): void {
    const extents = this.b.dims.map((_, i) => extentIn(this.b, op.stage, i));
    const across = op.op === "turnLanes" || op.op === "foldRows" || op.op === "spreadLanes";
    if (!op.window && !across) {
      const { form, rows } = this.b.vector.buffers[op.dst]!;
      this.lanes(op, SELECT[op.op], form === "packed" ? [rows] : extents);
      return;
    }
    this.nests.flush();
    this.e.at(op.loc);
    if (op.window) this.window(op, extents);
    else this.acrossLanes(op);
  }

  private lanes(op: TileOp, rule: SelectionRule | undefined, extents: readonly number[]): void {
    if (!rule) throw new CompilerBug("codegen", `no instructions for ${op.op}`);
    const selection = rule(op.attrs);
    const { loc } = op;
    const dst = this.operand({ buffer: op.dst });
    const pick = (x: Pick): Operand => (x === "dst" ? dst : typeof x === "number" ? this.operand(op.sources[x]!) : x);
    if (selection.start !== undefined) {
      const from = pick(selection.start);
      if (!sameRows(from, dst)) this.nests.later(extents, { op: "move", dst, src1: from, loc });
    }
    for (const s of selection.words) {
      const word: VectorOp = {
        op: s.op,
        dst,
        src1: pick(s.src1),
        ...(s.src2 === undefined ? {} : { src2: pick(s.src2) }),
        ...(s.shift === undefined ? {} : { shift: s.shift }),
        loc,
      };
      this.nests.later(extents, word);
    }
  }

  /**
   * First tap by a move, every other folded in: kernel loops outermost, so that no instruction waits for the one before.
   * Taps beyond the first of the innermost kernel axis that has several make one nest, and so on outward.
   */
  private window(op: TileOp, extents: readonly number[]): void {
    const w = op.window!;
    const kind = FOLD[op.attrs.kind as string]!;
    const src = this.operand(op.sources[0]!);
    const dst = this.operand({ buffer: op.dst });
    if ("immediate" in src || "immediate" in dst) throw new CompilerBug("codegen", "a window over an immediate");
    if (op.sources[1]) this.neutralize(op, src, this.operand(op.sources[1]));
    const step = src.strides.map((s, i) => s * w.strides[i]!);
    const tap = src.strides.map((s, i) => s * w.dilations[i]!);
    this.nests.nest(extents, [{ op: "move", dst, src1: { ...src, strides: step } }]);
    const axes = w.kernel.flatMap((k, i) => (k > 1 ? [i] : []));
    axes.reverse().forEach((axis, n) => {
      const inner = axes.slice(0, n);
      const loops = [w.kernel[axis]! - 1, ...inner.map((i) => w.kernel[i]!)];
      const walk = { ...src, row: src.row + tap[axis]!, strides: [tap[axis]!, ...inner.map((i) => tap[i]!), ...step] };
      const into = { ...dst, strides: [...loops.map(() => 0), ...dst.strides] };
      this.nests.nest([...loops, ...extents], [{ op: kind, dst: into, src1: into, src2: walk }]);
    });
  }

  /** Writes the neutral element into the spare lanes of the lane axis' last block, which hold nothing of value. */
  private neutralize(op: TileOp, src: RowOperand, mask: Operand): void {
    const dim = op.attrs.laneDim as number;
    const last = { ...src, row: src.row + src.strides[dim]! * (op.window!.kernel[dim]! - 1) };
    const extents = this.b.dims.map((_, i) => (i === dim ? 1 : extentIn(this.b, "before", i)));
    this.nests.nest(extents, [
      { op: "cond_move_false", dst: last, src1: { immediate: op.attrs.neutral as number }, src2: mask },
    ]);
  }

  /** A reduction across lanes: lanes become rows, rows are folded, the results are spread over all lanes. */
  private acrossLanes(op: TileOp): void {
    const { lanes } = this.p;
    const bufferAt = (s: Source) => {
      if ("immediate" in s) throw new CompilerBug("codegen", `${op.op} of an immediate`);
      return this.b.vector.buffers[s.buffer]!;
    };
    const src = bufferAt(op.sources[0]!);
    const dst = bufferAt({ buffer: op.dst });
    const walk = (b: TileBuffer, strides: readonly number[]) => ({
      namespace: readable(b),
      base: b.row * lanes,
      strides,
    });
    if (dst.turn !== undefined) turnAlong(this.e, this.b, lanes, src, dst, dst.turn);
    else if (op.op === "turnLanes") {
      const packed = dst.rows / lanes;
      emitPermute(this.e, [lanes, src.rows], walk(src, [1, lanes]), walk(dst, [packed * lanes, 1]));
    } else if (op.op === "spreadLanes")
      emitPermute(this.e, [dst.rows, lanes], walk(src, [1, 0]), walk(dst, [lanes, 1]));
    else {
      const packed = dst.rows;
      const rows = (b: TileBuffer, strides: readonly number[], from = 0): RowOperand => ({
        namespace: b.namespace,
        row: b.row + from,
        strides,
      });
      this.nests.nest([packed], [{ op: "move", dst: rows(dst, [1]), src1: rows(src, [1]) }]);
      const into = rows(dst, [0, 1]);
      const fold = FOLD[op.attrs.kind as string]!;
      this.nests.nest([lanes - 1, packed], [{ op: fold, dst: into, src1: into, src2: rows(src, [packed, 1], packed) }]);
    }
  }
}

const sameRows = (a: Operand, b: Operand): boolean =>
  !("immediate" in a) && !("immediate" in b) && a.namespace === b.namespace && a.row === b.row;

export function emitVectorRegion(e: Emitter, p: BlockProgram, b: ComputeBlock, tables: NestTables): void {
  new VectorRegion(e, p, b, tables).emit(b.id % 32);
}
