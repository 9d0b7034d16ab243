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

/** By format the name of its rate in the machine description. */
const RATES = ["int8", "int4", "int2", "hfp8", "hfp8", "fp16"] as const;
const isFp8 = (format: number): boolean => format === FORMAT.HFP8 || format === FORMAT.FP8_BWD;

/** The array multiplies two operands of one format, or any two 8-bit floats. */
export function setFormat(m: Machine, { a, w, bias, chunk_log2 }: Inst<"format">): void {
  const bad = (reason: string) => trap(m, "format", { a, w, reason });
  if (a !== w && !(isFp8(a) && isFp8(w))) throw bad("the array has no such pair");
  const rate = RATES[a];
  if (m.description.array.formats[rate] === 0) throw bad(`machine ${m.description.name} has no ${rate} operands`);
  const multiple = a === FORMAT.FP16 ? 4 : isFp8(a) ? 2 : 1;
  if (m.rows % multiple !== 0) throw bad(`${m.rows} array rows are not a multiple of ${multiple}`);
  m.systolic.format = { a, w, biasA: bias, biasW: bias, chunk: 2 ** chunk_log2 };
}

export function setWeightBias(m: Machine, { bias }: Inst<"format_weight_bias">): void {
  m.systolic.format = { ...m.systolic.format, biasW: bias };
}
