import type { Inst } from "@accelc/isa";
import { resetDae } from "./dae.js";
import { clearNest, clearPermute, type Machine, resetDatatype, trap } from "./state.js";
import { createSystolic } from "./systolic-state.js";

const SIMD = 1;

/** START EXEC: a systolic region begins without configuration, a SIMD region with the datatype of a new machine. */
export function startRegion(m: Machine, i: Inst<"sync_start">): void {
  if (i.unit !== SIMD) {
    m.systolic = createSystolic();
    return;
  }
  resetDatatype(m);
  clearNest(m);
  clearPermute(m);
  m.nextInput = undefined;
  if (m.tile !== 0) return;
  resetDae(m);
  m.window.rows.fill(0);
  m.window.base.fill(0);
}

/** END BUF returns OBUF to the array; END EXEC ends the region and returns it too. */
export function endRegion(m: Machine, i: Inst<"sync_end">): void {
  if (i.unit === SIMD) m.obufOwned = false;
  if (i.buf === 0 && m.nest.size > 0) {
    const missing = m.nest.size - m.nest.body.length;
    throw trap(m, "nestLevels", { reason: `the region ends ${missing} instructions before the body does` });
  }
}

/** WINDOW words act at tile 0 only. */
export function setWindow(m: Machine, i: Inst<"window_base" | "window_rows">): void {
  if (m.tile !== 0) return;
  const field = i.op === "window_base" ? m.window.base : m.window.rows;
  field[i.ns] = i.imm;
}
