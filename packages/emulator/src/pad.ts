import type { Inst } from "@accelc/isa";
import { addPadDim, type Padding, setLimit } from "./bounds.js";
import { setHalf } from "./dae.js";
import { pendingConfig } from "./dae-state.js";
import type { Machine } from "./state.js";

type PadOp = Extract<Inst["op"], `pad_${string}`>;

/** Systolic targets are buffers and keep their bounds for the region; SIMD targets are descriptors, sealed by START. */
function paddingOf(m: Machine, target: number): Padding | undefined {
  if (m.unit === "systolic") return m.systolic.padding[target & 3];
  return m.tile === 0 ? pendingConfig(m.dae, target).padding : undefined;
}

export function configurePad(m: Machine, i: Inst<PadOp>): void {
  const padding = paddingOf(m, i.target);
  if (padding === undefined) return;
  if (i.op === "pad_dim") addPadDim(m, padding, i);
  else if (i.op === "pad_fill") padding.fill = setHalf(padding.fill, 0, i.imm);
  else if (i.op === "pad_fill_hi") padding.fill = setHalf(padding.fill, 1, i.imm);
  else setLimit(m, padding, i.op, i.imm);
}
