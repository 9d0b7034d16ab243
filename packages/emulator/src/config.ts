import type { Inst } from "@accelc/isa";
import { immSlot, iteratorIndex } from "./operands.js";
import { type DatatypeKind, type Machine, trap } from "./state.js";

const signExtend16 = (imm: number): number => (imm << 16) >> 16;
const withLow = (value: number, imm: number): number => (value & ~0xffff) | imm;
const withHigh = (value: number, imm: number): number => (value & 0xffff) | (imm << 16);

type IteratorOp = Extract<Inst["op"], `iter_${string}`>;

/** How each word combines the register's old value with its immediate. */
const COMBINE: { readonly [M in IteratorOp | ImmOp]: (value: number, imm: number) => number } = {
  iter_base_signext: (_, imm) => signExtend16(imm),
  iter_base_low: withLow,
  iter_base_high: withHigh,
  iter_base_zerofill: (_, imm) => imm,
  iter_stride_signext: (_, imm) => signExtend16(imm),
  iter_stride_low: withLow,
  iter_stride_high: withHigh,
  iter_stride_zerofill: (_, imm) => imm,
  set_imm_low: withLow,
  set_imm_high: withHigh,
  imm_signext: (_, imm) => signExtend16(imm),
};

export function configureIterator(m: Machine, i: Inst<IteratorOp>): void {
  const registers = i.op.startsWith("iter_base") ? m.iteratorBase : m.iteratorStride;
  const at = iteratorIndex(m, i.ns, i.ix);
  registers[at] = COMBINE[i.op](registers[at], i.imm);
}

type ImmOp = "set_imm_low" | "set_imm_high" | "imm_signext";

export function setImm(m: Machine, i: Inst<ImmOp>): void {
  const slot = immSlot(m, i.slot);
  m.imm.cells[slot] = COMBINE[i.op](m.imm.cells[slot], i.imm);
  m.imm.written[slot] = 1;
}

type DatatypeOp = Extract<Inst["op"], `config_${string}`>;

const KINDS: { readonly [M in DatatypeOp]: { readonly kind: DatatypeKind; readonly width: number } } = {
  config_fxp32: { kind: "fxp32", width: 32 },
  config_fxp16: { kind: "fxp16", width: 16 },
  config_fxp8: { kind: "fxp8", width: 8 },
  config_fp32: { kind: "fp32", width: 32 },
  config_fp16: { kind: "fp16", width: 16 },
};

/** f = max(0, width − 1 − integer bits) for each operand; MUL shifts by f1 + f2 − fd. */
export function configureDatatype(m: Machine, i: Inst<DatatypeOp>): void {
  const { kind, width } = KINDS[i.op];
  const fraction = (integerBits: number) => Math.max(0, width - 1 - integerBits);
  const shift = fraction(i.src1_bits) + fraction(i.src2_bits) - fraction(i.dst_bits);
  const ends = { srcFraction: fraction(i.src1_bits), dstFraction: fraction(i.dst_bits) };
  Object.assign(m.datatype, { kind, wrap: false, shift, ...ends });
}

/** Opens a level of the nest; bindings of an earlier opening are dropped. */
export function setIter(m: Machine, i: Inst<"set_iter">): void {
  const limit = m.description.tandem.loopLevels;
  if (i.loop >= limit) throw trap(m, "loopRange", { loop: i.loop, limit });
  if (i.count === 0) throw trap(m, "nestLevels", { reason: `level ${i.loop} has trip count 0` });
  const level = { count: i.count, bindings: [] };
  m.nest.open = level;
  const { levels } = m.nest;
  while (levels.length < i.loop) levels.push(undefined);
  levels[i.loop] = level;
}

export function setIndex(m: Machine, i: Inst<"set_index">): void {
  if (m.nest.open === undefined) throw trap(m, "nestLevels", { reason: "set_index before any set_iter" });
  m.nest.open.bindings.push(i);
}

export function setInst(m: Machine, i: Inst<"set_inst">): void {
  const { levels } = m.nest;
  if (levels.length === 0) throw trap(m, "nestLevels", { reason: "no level was opened" });
  if (i.count === 0) throw trap(m, "nestLevels", { reason: "a body of no instructions" });
  if ((i.nested === 1) !== levels.length > 1) {
    throw trap(m, "nestLevels", { reason: `nested is ${i.nested} for ${levels.length} levels` });
  }
  m.nest.size = i.count;
}
