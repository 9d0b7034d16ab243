import { BUFFER, FORMAT, type Inst } from "@accelc/isa";
import { setHalf } from "./dae.js";
import { type Machine, trap } from "./state.js";
import { FIRST_TRANSFER, LOOPS, strideIndex } from "./systolic-state.js";

const checkLoop = (m: Machine, loop: number): number => {
  if (loop >= LOOPS) throw trap(m, "loopRange", { loop, limit: LOOPS });
  return loop;
};

export function configureLoop(m: Machine, i: Inst<"sa_loop">): void {
  m.systolic.counts[checkLoop(m, i.loop)] = i.count_minus_1 + 1;
}

export function markReduction(m: Machine, i: Inst<"sa_reduction">): void {
  if (i.loop >= FIRST_TRANSFER) throw trap(m, "reduction", { reason: `loop ${i.loop} belongs to transfers` });
  m.systolic.reduction[i.loop] = 1;
}

export function setLoopStride(m: Machine, i: Inst<"sa_set_loop_stride">): void {
  const at = strideIndex(i.dir, i.buffer, checkLoop(m, i.loop));
  m.systolic.stride[at] = setHalf(m.systolic.stride[at], i.half, i.imm);
  m.systolic.strideSet[at] = 1;
}

export function setBaseAddress(m: Machine, i: Inst<"sa_set_base_addr">): void {
  m.systolic.base[i.buffer] = setHalf(m.systolic.base[i.buffer], i.half, i.imm);
}

export function registerLoad(m: Machine, i: Inst<"sa_ld">): void {
  if (i.buffer === BUFFER.OBUF) throw trap(m, "namespace", { what: "a systolic load", name: "OBUF" });
  if (m.systolic.loads[i.buffer] !== undefined) {
    throw trap(m, "transfer", { what: i.op, reason: "the region loads this buffer twice" });
  }
  m.systolic.loads[i.buffer] = { address: m.address, loop: checkLoop(m, i.loop), bytes: i.bytes };
}

export function registerStore(m: Machine, i: Inst<"sa_st">): void {
  if (i.buffer !== BUFFER.OBUF) throw trap(m, "transfer", { what: i.op, reason: "only OBUF is stored" });
  if (m.systolic.store !== undefined) {
    throw trap(m, "transfer", { what: i.op, reason: "the region stores this buffer twice" });
  }
  m.systolic.store = { address: m.address, loop: checkLoop(m, i.loop), bytes: i.bytes };
}

export function setPack(m: Machine, i: Inst<"pack">): void {
  if (i.run === 0) throw trap(m, "transfer", { what: i.op, reason: "runs of no bytes" });
  m.systolic.pack = { run: i.run, bank: i.bank };
}

/** Rates of integer formats in the machine description; the array multiplies two operands of one of them. */
const INTEGER_RATES: { readonly [format: number]: "int8" | "int4" | "int2" } = {
  [FORMAT.INT8]: "int8",
  [FORMAT.INT4]: "int4",
  [FORMAT.INT2]: "int2",
};

export function setFormat(m: Machine, i: Inst<"format">): void {
  const [rate, other] = [INTEGER_RATES[i.a], INTEGER_RATES[i.w]];
  const bad = (reason: string) => trap(m, "format", { a: i.a, w: i.w, reason });
  if (rate === undefined || other === undefined) throw bad("not implemented by this engine");
  if (rate !== other) throw bad("the array has no such pair");
  if (m.description.array.formats[rate] === 0) throw bad(`machine ${m.description.name} has no ${rate} operands`);
  m.systolic.format = { a: i.a, w: i.w, bias: i.bias, chunk: 2 ** i.chunk_log2 };
}
