/**
 * Tandem loop nests. Iterators, immediates and the datatype configuration are state that words set; what a region has
 * already set is not set again, and a region starts knowing nothing, because every tile runs it from the top.
 */
import { CompilerBug } from "@accelc/ir";
import { type ComputeOp, type Inst, NS } from "@accelc/isa";
import { type Emitter, high, low } from "./emit.js";

/** Rows of a namespace, walked by one stride per loop. */
export interface RowOperand {
  readonly namespace: "OBUF" | "IBUF" | "VMEM1" | "VMEM2";
  readonly row: number;
  readonly strides: readonly number[];
}

export type Operand = RowOperand | { readonly immediate: number };

export interface VectorOp {
  readonly op: ComputeOp;
  readonly dst: Operand;
  readonly src1: Operand;
  readonly src2?: Operand;
  /** Right shift of a multiplication, saturating; absent where the operation has none. */
  readonly shift?: number;
}

/** A table of slots in which values are found again, the least recently used one replaced. */
class Slots {
  private readonly slotOf = new Map<string, number>();
  private readonly pinned = new Set<number>();

  constructor(private readonly size: number) {}

  release(): void {
    this.pinned.clear();
  }

  /** The slot of `key` and whether it must be set first. */
  take(key: string): { readonly slot: number; readonly fresh: boolean } {
    const have = this.slotOf.get(key);
    if (have !== undefined) {
      this.slotOf.delete(key);
      this.slotOf.set(key, have);
      this.pinned.add(have);
      return { slot: have, fresh: false };
    }
    const slot = this.slotOf.size < this.size ? this.slotOf.size : this.evict();
    this.slotOf.set(key, slot);
    this.pinned.add(slot);
    return { slot, fresh: true };
  }

  private evict(): number {
    for (const [key, slot] of this.slotOf)
      if (!this.pinned.has(slot)) {
        this.slotOf.delete(key);
        return slot;
      }
    throw new CompilerBug("codegen", `one nest needs more than ${this.size} slots`);
  }
}

/** Operations that wait to be emitted as one body: all over the same loops. */
interface Pending {
  readonly extents: readonly number[];
  readonly ops: VectorOp[];
}

/** Longest body: beyond it the words of a nest are mostly bindings, and little is left to save. */
const MOST_JOINED = 16;

export interface NestLimits {
  readonly levels: number;
  readonly iterators: number;
  readonly immSlots: number;
}

export class NestEmitter {
  private readonly iterators = new Map<number, Slots>();
  private readonly immediates: Slots;
  private shift: number | undefined;
  private pending: Pending | undefined;

  constructor(
    private readonly e: Emitter,
    private readonly limits: NestLimits,
  ) {
    this.immediates = new Slots(limits.immSlots);
  }

  /**
   * Emits `op` once per iteration of the loops, later: operations over the same loops that follow become one body with it
   * where every iteration then finds what it would have found. `flush` before any other word.
   */
  later(extents: readonly number[], op: VectorOp): void {
    const { pending } = this;
    const same = pending?.extents.every((x, i) => x === extents[i]) && pending.extents.length === extents.length;
    if (pending && same && this.joins(pending, op)) {
      pending.ops.push(op);
      return;
    }
    this.flush();
    this.pending = { extents, ops: [op] };
  }

  flush(): void {
    const { pending } = this;
    this.pending = undefined;
    if (pending) this.emit(pending.extents, pending.ops);
  }

  private joins({ extents, ops }: Pending, op: VectorOp): boolean {
    const all = [...ops, op];
    const shifts = new Set(all.flatMap((o) => (o.shift === undefined ? [] : [o.shift])));
    if (all.length > MOST_JOINED || shifts.size > 1 || !this.fits(extents, all)) return false;
    // An operation that the loops cannot be merged for would cost the others a binding per level.
    const levels = [ops, [op], all].map((list) => coalesce(extents, list).loops.length);
    if (levels.some((n) => n !== levels[0])) return false;
    return ops.every((o) => independent(extents, o, op));
  }

  /** Whether one nest has slots for every operand. */
  private fits(extents: readonly number[], ops: readonly VectorOp[]): boolean {
    const { levels, iterators, immSlots } = this.limits;
    const depth = Math.min(levels, Math.max(1, extents.filter((x) => x > 1).length));
    const walks = new Map<string, Set<string>>();
    for (const o of ops.flatMap(operandsOf)) {
      const [kind, key] = "immediate" in o ? ["IMM", String(o.immediate)] : [o.namespace, `${o.row} ${o.strides}`];
      walks.set(kind, (walks.get(kind) ?? new Set()).add(key));
    }
    return [...walks].every(([kind, keys]) =>
      kind === "IMM" ? keys.size <= immSlots : keys.size * depth <= iterators,
    );
  }

  /** Emits `ops`, each once per iteration of the loops, in order within an iteration. */
  nest(extents: readonly number[], ops: readonly VectorOp[]): void {
    this.flush();
    this.emit(extents, ops);
  }

  private emit(extents: readonly number[], ops: readonly VectorOp[]): void {
    for (const op of ops) this.configure(op);
    const { loops, keep } = coalesce(extents, ops);
    if (loops.length > this.limits.levels)
      throw new CompilerBug("codegen", `a nest of ${loops.length} levels; the machine has ${this.limits.levels}`);
    this.immediates.release();
    for (const s of this.iterators.values()) s.release();
    const levels = loops.map((_, level) => ops.map((op) => this.bind(op, keep[level]!, level === loops.length - 1)));
    loops.forEach((count, level) => {
      this.e.emit({ op: "set_iter", loop: level, count });
      for (const b of levels[level]!) this.e.emit({ op: "set_index", ...b });
    });
    this.e.emit({ op: "set_inst", nested: loops.length > 1 ? 1 : 0, count: ops.length });
    for (const op of ops) this.e.emit(computeWord(op));
  }

  /** MUL saturates round(a * b / 2^shift) once a datatype configuration is in force: shift = f1 + f2 - fd. */
  private configure(op: VectorOp): void {
    if (op.shift === undefined || op.shift === this.shift) return;
    const f1 = Math.min(31, op.shift);
    this.e.emit({ op: "config_fxp32", dst_bits: 31, src1_bits: 31 - f1, src2_bits: 31 - (op.shift - f1) });
    this.shift = op.shift;
  }

  private bind(op: VectorOp, loop: number, innermost: boolean) {
    const one = (o: Operand | undefined): { ns: number; ix: number } => {
      if (!o) return { ns: 0, ix: 0 };
      if ("immediate" in o) return { ns: NS.IMM, ix: this.immediate(o.immediate) };
      const ns = NS[o.namespace];
      return { ns, ix: this.iterator(ns, innermost ? o.row : 0, o.strides[loop] ?? 0) };
    };
    const [d, a, b] = [one(op.dst), one(op.src1), one(op.src2)];
    return { dst_ns: d.ns, dst_ix: d.ix, src1_ns: a.ns, src1_ix: a.ix, src2_ns: b.ns, src2_ix: b.ix };
  }

  private iterator(ns: number, base: number, stride: number): number {
    let slots = this.iterators.get(ns);
    if (!slots) {
      slots = new Slots(this.limits.iterators);
      this.iterators.set(ns, slots);
    }
    const { slot, fresh } = slots.take(`${base},${stride}`);
    if (fresh) {
      this.e.emit({ op: "iter_base_signext", ns, ix: slot, imm: low(base) });
      this.e.emit({ op: "iter_stride_signext", ns, ix: slot, imm: low(stride) });
    }
    return slot;
  }

  private immediate(value: number): number {
    const { slot, fresh } = this.immediates.take(String(value));
    if (fresh) {
      if (value >= -0x8000 && value <= 0x7fff) this.e.emit({ op: "imm_signext", slot, imm: low(value) });
      else {
        this.e.emit({ op: "set_imm_low", slot, imm: low(value) });
        this.e.emit({ op: "set_imm_high", slot, imm: high(value) });
      }
    }
    return slot;
  }
}

const operandsOf = (op: VectorOp): readonly Operand[] => [op.dst, op.src1, ...(op.src2 ? [op.src2] : [])];

/**
 * Whether two operations may take turns, iteration by iteration, instead of one running through before the other: what one
 * writes, the other touches in the same iteration or not at all.
 */
function independent(extents: readonly number[], a: VectorOp, b: VectorOp): boolean {
  const apart = (written: Operand, other: Operand): boolean => {
    if ("immediate" in written || "immediate" in other || written.namespace !== other.namespace) return true;
    const moved = extents.flatMap((x, i) => (x > 1 ? [i] : []));
    const end = (o: RowOperand) => o.row + moved.reduce((n, i) => n + (extents[i]! - 1) * (o.strides[i] ?? 0), 0) + 1;
    if (written.row >= end(other) || other.row >= end(written)) return true;
    const together = moved.every((i) => (written.strides[i] ?? 0) === (other.strides[i] ?? 0) && written.strides[i]);
    return written.row === other.row && together;
  };
  return operandsOf(b).every((o) => apart(a.dst, o)) && operandsOf(a).every((o) => apart(b.dst, o));
}

/** Drops loops of one trip and joins neighbours that every operand walks as one; `keep` maps levels to original loops. */
function coalesce(
  extents: readonly number[],
  ops: readonly VectorOp[],
): { readonly loops: number[]; readonly keep: number[] } {
  const operands = ops.flatMap(operandsOf);
  const loops: number[] = [];
  const keep: number[] = [];
  for (let i = extents.length - 1; i >= 0; i--) {
    if (extents[i] === 1) continue;
    const inner = keep[0];
    const joins =
      inner !== undefined &&
      loops[0]! * extents[i]! <= 0xffff &&
      operands.every((o) => "immediate" in o || (o.strides[i] ?? 0) === (o.strides[inner] ?? 0) * loops[0]!);
    if (joins) loops[0]! *= extents[i]!;
    else {
      loops.unshift(extents[i]!);
      keep.unshift(i);
    }
  }
  return loops.length > 0 ? { loops, keep } : { loops: [1], keep: [-1] };
}

function computeWord(op: VectorOp) {
  const ns = (o: Operand | undefined) => (o === undefined ? 0 : "immediate" in o ? NS.IMM : NS[o.namespace]);
  const word = {
    op: op.op,
    dst_ns: ns(op.dst),
    dst_ix: 0,
    src1_ns: ns(op.src1),
    src1_ix: 0,
    src2_ns: ns(op.src2),
    src2_ix: 0,
  };
  return word as Inst<ComputeOp>;
}
