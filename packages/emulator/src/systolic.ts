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

export function setFormat(m: Machine, i: Inst<"format">): void {
  for (const format of [i.a, i.w]) if (format !== FORMAT.INT8) throw trap(m, "format", { format });
}
