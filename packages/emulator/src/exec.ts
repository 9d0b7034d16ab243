import { type Inst, OPS, type Op } from "@accelc/isa";
import { configureDatatype, configureIterator, setImm, setIndex, setInst, setIter } from "./config.js";
import { configureDae, startDae } from "./dae.js";
import { configurePad } from "./pad.js";
import { configurePermute, startPermute } from "./permute.js";
import { type Machine, trap } from "./state.js";
import { endRegion, setWindow, startRegion } from "./sync.js";
import {
  configureLoop,
  markReduction,
  registerLoad,
  registerStore,
  setBaseAddress,
  setFormat,
  setLoopStride,
  setPack,
  setWeightBias,
} from "./systolic.js";
import { executeVector, type VectorOp } from "./vector.js";

const never = (m: Machine, i: Inst): never => {
  throw trap(m, "unsupported", { op: i.op, reason: "instructions are one stream in execution order" });
};

type Exec = { readonly [M in Op]: (m: Machine, i: Inst<M>) => void };

/** The effect of every word that is not a vector instruction. */
const CONTROL: Omit<Exec, VectorOp> = {
  config_fxp32: configureDatatype,
  config_fxp16: configureDatatype,
  config_fxp8: configureDatatype,
  config_fp32: configureDatatype,
  config_fp16: configureDatatype,
  ld_config_base_addr: configureDae,
  ld_config_base_loop_iter: configureDae,
  ld_config_base_loop_stride: configureDae,
  ld_config_tile_loop_iter: configureDae,
  ld_config_tile_loop_stride: configureDae,
  ld_start: startDae,
  ld_config_tile_addr: configureDae,
  ld_index: configureDae,
  ld_index_count: configureDae,
  ld_index_count_hi: configureDae,
  st_config_base_addr: configureDae,
  st_config_base_loop_iter: configureDae,
  st_config_base_loop_stride: configureDae,
  st_config_tile_loop_iter: configureDae,
  st_config_tile_loop_stride: configureDae,
  st_start: startDae,
  st_config_tile_addr: configureDae,
  iter_base_signext: configureIterator,
  iter_base_low: configureIterator,
  iter_base_high: configureIterator,
  iter_base_zerofill: configureIterator,
  iter_stride_signext: configureIterator,
  iter_stride_low: configureIterator,
  iter_stride_high: configureIterator,
  iter_stride_zerofill: configureIterator,
  set_imm_low: setImm,
  set_imm_high: setImm,
  imm_signext: setImm,
  set_index: setIndex,
  set_iter: setIter,
  set_inst: setInst,
  perm_set_base_addr: configurePermute,
  perm_set_base_addr_high: configurePermute,
  perm_set_loop_iter: configurePermute,
  perm_set_loop_stride: configurePermute,
  perm_set_loop_stride_high: configurePermute,
  perm_start: startPermute,
  sa_loop: configureLoop,
  sa_reduction: markReduction,
  sa_set_loop_stride: setLoopStride,
  sa_set_base_addr: setBaseAddress,
  sa_set_imem_addr: never,
  sa_ld: registerLoad,
  sa_st: registerStore,
  sa_ld_imem: never,
  sa_st_imem: never,
  sync_start: startRegion,
  sync_end: endRegion,
  block_end: () => {},
  format: setFormat,
  format_weight_bias: setWeightBias,
  window_base: setWindow,
  window_rows: setWindow,
  pack: setPack,
  pad_dim: configurePad,
  pad_low: configurePad,
  pad_low_hi: configurePad,
  pad_high: configurePad,
  pad_high_hi: configurePad,
  pad_fill: configurePad,
  pad_fill_hi: configurePad,
};

/** Which operations issue on the lanes. */
const IS_VECTOR: ReadonlySet<Op> = new Set(OPS.filter((op) => !(op in CONTROL)));

export const isVector = (i: Inst): i is Inst<VectorOp> => IS_VECTOR.has(i.op);

/** Executes one word. While a nest collects its body only vector instructions may come. */
export function execute(m: Machine, i: Inst): void {
  if (isVector(i)) {
    executeVector(m, i);
    return;
  }
  if (m.nest.size > 0 && i.op !== "sync_end") {
    throw trap(m, "nestLevels", { reason: `${i.op} stands in the body of a nest` });
  }
  m.stats.configWords += 1;
  const run = CONTROL[i.op as Exclude<Op, VectorOp>] as (m: Machine, i: Inst) => void;
  run(m, i);
}
