/**
 * Tandem loop nests. Iterators and immediates are state that words set, and that stays (`slots.ts`); the datatype
 * configuration is reset at the start of every region. What is already set is not set again.
 */
import { CompilerBug } from "@accelc/ir";
import { NS } from "@accelc/isa";
import { nestCycles } from "@accelc/machine";
import { type Emitter, high, low } from "./emit.js";
import { iteratorOf, type NestTables, type Slots } from "./slots.js";
import {
  coalesce,
  computeWord,
  independent,
  keyAt,
  type Operand,
  operandsOf,
  type VectorOp,
  withShift,
} from "./vector-op.js";

/** Operations that wait to be emitted as one body: all over the same loops. */
interface Pending {
  readonly extents: readonly number[];
  readonly ops: readonly VectorOp[];
}

/** Longest body that operations are joined to. */
const MOST_JOINED = 16;

/** Words that set up the loops of a body, and what it wants to find in tables. */
interface NestShape {
  readonly words: number;
  readonly keys: ReadonlyMap<Slots, ReadonlySet<string>>;
}

/** The nests of one region, from behind its START to its end. */
export class NestEmitter {
  private shift: number | undefined;
  private pending: Pending | undefined;

  constructor(
    private readonly e: Emitter,
    private readonly tables: NestTables,
  ) {
    for (const s of tables.all()) s.beginRegion();
  }

  /**
   * Emits `op` once per iteration of the loops, later: operations that follow become one body with it where the loops are the
   * same, every iteration then finds what it would have found, and it takes no more cycles. `flush` before any other word.
   */
  later(extents: readonly number[], op: VectorOp): void {
    const joined = this.pending && this.joined(this.pending, { extents, ops: [op] });
    if (joined) {
      this.pending = joined;
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

  private joined(a: Pending, b: Pending): Pending | undefined {
    const { extents } = a;
    const same = extents.length === b.extents.length && extents.every((x, i) => x === b.extents[i]);
    if (!same || a.ops.length + b.ops.length > MOST_JOINED) return undefined;
    if (!a.ops.every((x) => b.ops.every((y) => independent(extents, x, y)))) return undefined;
    const ops = this.oneShift([...a.ops, ...b.ops]);
    if (!ops) return undefined;
    const both = this.shapeOf(extents, ops);
    if (![...both.keys].every(([slots, keys]) => slots.fits(keys))) return undefined;
    const [first, second] = [this.shapeOf(extents, a.ops), this.shapeOf(extents, b.ops)];
    const together = both.words + this.settingWords([both]) + this.depth(ops);
    const apart =
      first.words + second.words + this.settingWords([first, second]) + this.depth(a.ops) + this.depth(b.ops);
    return together <= apart ? { extents, ops } : undefined;
  }

  /** Cycles from the last issue of a body to the next word. */
  private depth(ops: readonly VectorOp[]): number {
    return nestCycles(
      this.tables.machine,
      ops.map((o) => o.op),
      0,
    );
  }

  /** The same operations with one shift for all multiplications, preferably the one in force. */
  private oneShift(ops: readonly VectorOp[]): readonly VectorOp[] | undefined {
    const shifts = new Set(ops.flatMap((o) => (o.shift === undefined ? [] : [o.shift])));
    if (shifts.size === 0) return ops;
    if (this.shift !== undefined) shifts.add(this.shift);
    const order = [...shifts].sort((a, b) => Number(b === this.shift) - Number(a === this.shift));
    for (const shift of order) {
      const scaled = ops.map((o) => withShift(o, shift));
      if (scaled.every((o) => o !== undefined)) return scaled;
    }
    return undefined;
  }

  private shapeOf(extents: readonly number[], ops: readonly VectorOp[]): NestShape {
    const { loops, keep } = coalesce(extents, ops);
    const keys = new Map<Slots, Set<string>>();
    const want = (slots: Slots, key: string) => keys.set(slots, (keys.get(slots) ?? new Set()).add(key));
    for (const o of ops.flatMap(operandsOf))
      if ("immediate" in o) want(this.tables.immediates, String(o.immediate));
      else
        keep.forEach((loop, level) => {
          want(this.tables.iteratorsOf(NS[o.namespace]), keyAt(o, loop, level === keep.length - 1));
        });
    return { words: loops.length * (1 + ops.length) + 1, keys };
  }

  /** Words that set what is not there, of nests one after another. */
  private settingWords(shapes: readonly NestShape[]): number {
    const wanted = new Map<Slots, Set<string>>();
    for (const { keys } of shapes)
      for (const [slots, list] of keys) wanted.set(slots, new Set([...(wanted.get(slots) ?? []), ...list]));
    let words = 0;
    for (const [slots, list] of wanted)
      for (const key of list)
        if (!slots.has(key))
          words += slots === this.tables.immediates ? immWords(Number(key)) : iteratorWords(key, list);
    return words;
  }

  /** Emits `ops`, each once per iteration of the loops, in order within an iteration. */
  nest(extents: readonly number[], ops: readonly VectorOp[]): void {
    this.flush();
    this.emit(extents, ops);
  }

  private emit(extents: readonly number[], given: readonly VectorOp[]): void {
    const ops = this.oneShift(given) ?? given;
    const { loops, keep } = coalesce(extents, ops);
    if (loops.length > this.tables.levels)
      throw new CompilerBug("codegen", `a nest of ${loops.length} levels; the machine has ${this.tables.levels}`);
    this.at(ops[0]!);
    for (const op of ops) this.configure(op);
    for (const s of this.tables.all()) s.beginNest();
    // Innermost first: outer levels then find its strides.
    const levels = keep
      .map((loop, level) => [loop, level === keep.length - 1] as const)
      .toReversed()
      .map(([loop, innermost]) => ops.map((op) => this.bind(op, loop, innermost)))
      .toReversed();
    loops.forEach((count, level) => {
      this.e.emit({ op: "set_iter", loop: level, count });
      for (const b of levels[level]!) this.e.emit({ op: "set_index", ...b });
    });
    this.e.emit({ op: "set_inst", nested: loops.length > 1 ? 1 : 0, count: ops.length });
    for (const op of ops) {
      this.at(op);
      this.e.emit(computeWord(op));
    }
  }

  private at(op: VectorOp): void {
    if (op.loc) this.e.at(op.loc);
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
      return { ns, ix: this.iterator(ns, keyAt(o, loop, innermost)) };
    };
    const [d, a, b] = [one(op.dst), one(op.src1), one(op.src2)];
    return { dst_ns: d.ns, dst_ix: d.ix, src1_ns: a.ns, src1_ix: a.ix, src2_ns: b.ns, src2_ix: b.ix };
  }

  private iterator(ns: number, key: string): number {
    const { slot, fresh } = this.tables.iteratorsOf(ns).take(key);
    if (fresh) {
      const { base, stride } = iteratorOf(key);
      if (base !== undefined) this.e.emit({ op: "iter_base_signext", ns, ix: slot, imm: low(base) });
      this.e.emit({ op: "iter_stride_signext", ns, ix: slot, imm: low(stride) });
    }
    return slot;
  }

  private immediate(value: number): number {
    const { slot, fresh } = this.tables.immediates.take(String(value));
    if (fresh) {
      if (isShort(value)) this.e.emit({ op: "imm_signext", slot, imm: low(value) });
      else {
        this.e.emit({ op: "set_imm_low", slot, imm: low(value) });
        this.e.emit({ op: "set_imm_high", slot, imm: high(value) });
      }
    }
    return slot;
  }
}

/** What one word sets. */
const isShort = (value: number): boolean => value >= -0x8000 && value <= 0x7fff;
const immWords = (value: number): number => (isShort(value) ? 1 : 2);

/** An outer level wants a stride alone, and finds those of the innermost level set. */
function iteratorWords(key: string, beside: ReadonlySet<string>): number {
  const { base, stride } = iteratorOf(key);
  if (base !== undefined) return 2;
  return [...beside].some((k) => k !== key && iteratorOf(k).stride === stride) ? 0 : 1;
}
