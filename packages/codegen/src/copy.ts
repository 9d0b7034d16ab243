/** SIMD regions that move data: load runs, rearrange words where runs differ, store runs. */
import type { BlockProgram, CopyBlock } from "@accelc/ir";
import { NS, UNIT } from "@accelc/isa";
import { type CopyPlan, planCopy, type SidePlan } from "./copy-plan.js";
import { emitElements } from "./dae.js";
import type { Emitter } from "./emit.js";
import { NestEmitter } from "./nest.js";
import { emitPermute } from "./permute.js";
import type { NestTables } from "./slots.js";
import { tensorAddress } from "./tensors.js";

/** One region per box; `end` is called behind each but the last. */
export function emitCopy(e: Emitter, p: BlockProgram, b: CopyBlock, tables: NestTables, end: () => void): void {
  const rows = Math.max(1, Math.floor(tables.machine.tandem.vmemRows / 2));
  const limits = { lanes: p.lanes, rows, run: Math.floor((0xffff * 8) / b.bits) };
  const box = { src: b.src?.offset ?? 0, dst: b.dst.offset, loops: b.loops };
  const plans = planCopy(box, limits, b.src === null);
  plans.forEach((plan, i) => {
    emitPlan(e, p, b, plan, tables);
    if (i < plans.length - 1) end();
  });
}

function emitPlan(e: Emitter, p: BlockProgram, b: CopyBlock, plan: CopyPlan, tables: NestTables): void {
  const bytes = b.bits / 8;
  const { loops } = plan.box;
  const digits = loops.flatMap((l, i) => (l.extent > plan.inside[i]! ? [i] : []));
  const tiles = (side: "src" | "dst") =>
    digits.map((i) => ({
      count: loops[i]!.extent / plan.inside[i]!,
      stride: loops[i]![side] * plan.inside[i]! * bytes,
    }));
  const runs = (side: SidePlan, name: "src" | "dst") =>
    side.outer.map((i) => ({ extent: plan.inside[i]!, stride: loops[i]![name] * bytes }));
  const out = plan.permute ? "VMEM2" : "VMEM1";
  e.beginRegion(UNIT.SIMD, b.id % 32);
  if (digits.length > 0) {
    if (b.src) window(e, "VMEM1", plan.src.rows);
    if (plan.permute) window(e, "VMEM2", plan.dst.rows);
  }
  if (b.src)
    emitElements(e, {
      direction: "ld",
      namespace: "VMEM1",
      row: 0,
      bits: b.bits,
      address: tensorAddress(p, b.src.tensor) + plan.box.src * bytes,
      run: plan.src.run,
      loops: runs(plan.src, "src"),
      tiles: tiles("src"),
    });
  else {
    const nests = new NestEmitter(e, tables);
    nests.nest(
      [plan.dst.rows],
      [{ op: "move", dst: { namespace: "VMEM1", row: 0, strides: [1] }, src1: { immediate: b.fill } }],
    );
  }
  if (plan.permute)
    emitPermute(
      e,
      plan.inside,
      { namespace: "VMEM1", base: 0, strides: plan.src.words },
      { namespace: "VMEM2", base: 0, strides: plan.dst.words },
    );
  emitElements(e, {
    direction: "st",
    namespace: out,
    row: 0,
    bits: b.bits,
    address: tensorAddress(p, b.dst.tensor) + plan.box.dst * bytes,
    run: plan.dst.run,
    loops: runs(plan.dst, "dst"),
    tiles: tiles("dst"),
  });
  e.endRegion();
}

function window(e: Emitter, namespace: "VMEM1" | "VMEM2", rows: number): void {
  e.emit({ op: "window_base", ns: NS[namespace], imm: 0 });
  e.emit({ op: "window_rows", ns: NS[namespace], imm: rows });
}
