/** SIMD regions that copy rows of a table by a list of row numbers. */
import { type BlockProgram, fail, type LookupBlock } from "@accelc/ir";
import { NS, UNIT } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { emitElements } from "./dae.js";
import { type Emitter, high, low } from "./emit.js";
import { largestDivisor } from "./runs.js";
import { tensorAddress } from "./tensors.js";

export function emitLookup(e: Emitter, p: BlockProgram, b: LookupBlock, machine: MachineDescription): void {
  if (b.bits > 32) {
    const reason = `rows of ${b.bits}-bit elements by computed indices`;
    fail("CG1002", b.locs[0]!, { op: b.locs[0]!.op, reason }, "gather elements of 32 bits or fewer");
  }
  const bytes = b.bits / 8;
  const rows = Math.max(1, Math.floor(machine.tandem.vmemRows / 2));
  const run = largestDivisor(b.rowElements, Math.min(rows * p.lanes, Math.floor(0xffff / bytes)));
  const entries = largestDivisor(b.count, Math.floor(rows / Math.ceil(run / p.lanes)));
  const parts = b.rowElements / run;
  const tiles = (entry: number, part: number) =>
    [
      { count: b.count / entries, stride: entry },
      { count: parts, stride: part },
    ].filter((t) => b.count > entries || parts > 1 || t.count > 1);
  e.beginRegion(UNIT.SIMD, b.id % 32);
  const address = (id: number) => tensorAddress(p, id);
  emitElements(e, {
    direction: "ld",
    namespace: "VMEM2",
    row: 0,
    bits: 32,
    address: address(b.indices),
    run: entries,
    loops: [],
    tiles: tiles(4 * entries, 0),
  });
  e.emit({ op: "ld_index", ns: NS.VMEM1, loop: 0, imm: 0 });
  e.emit({ op: "ld_index_count", ns: NS.VMEM1, imm: low(b.tableRows) });
  e.emit({ op: "ld_index_count_hi", ns: NS.VMEM1, imm: high(b.tableRows) });
  const rowBytes = b.rowElements * bytes;
  const side = {
    namespace: "VMEM1" as const,
    row: 0,
    bits: b.bits,
    run,
    loops: [{ extent: entries, stride: rowBytes }],
  };
  emitElements(e, { ...side, direction: "ld", address: address(b.table), tiles: tiles(0, run * bytes) });
  emitElements(e, { ...side, direction: "st", address: address(b.dst), tiles: tiles(entries * rowBytes, run * bytes) });
  e.endRegion();
}
