/**
 * The slow oracle: every processing element, every stage of the Tandem pipeline and every DRAM burst, cycle by cycle. It
 * shares with the fast simulator what words mean (configuration, runs of a transfer), and no duration, no closed form and
 * no schedule. For small machines and programs.
 */

import { simdTiles } from "../../block.js";
import { type LoadedProgram, load, type MachineSource } from "../../program.js";
import type { Machine } from "../../state.js";
import type { Block } from "../../structure.js";
import { configurationMachine } from "../simulate.js";
import { ArraySide } from "./array-side.js";
import { Memory } from "./memory.js";
import { TandemSide } from "./tandem-side.js";
import { readWords } from "./words.js";

function stepBlock(m: Machine, p: LoadedProgram, block: Block): number {
  const { insts } = p.structure;
  m.block = block.index;
  m.fused = block.systolic !== undefined;
  const memory = new Memory(p.machine);
  const { systolic, simd } = block;
  const array = systolic && new ArraySide(m, insts, systolic, simd !== undefined, memory);
  const tiles = array?.sets ?? (simd === undefined ? 0 : simdTiles(m, insts, simd));
  const tandem = simd && new TandemSide(m, readWords(m, insts, simd), tiles, memory, array);
  for (let cycle = 0; ; cycle++) {
    for (let moved = true; moved; ) {
      moved = array?.decide() ?? false;
      moved = (tandem?.decide() ?? false) || moved;
      moved = memory.accept() || moved;
    }
    if (!memory.busy && !array?.busy && !tandem?.busy) {
      if (tandem?.finished === false) throw new Error(`block ${block.index} came to a stop`);
      return cycle;
    }
    array?.tick();
    tandem?.tick();
    memory.tick();
  }
}

/** Cycles of every block, stepped one by one. */
export function stepCycles(program: Uint8Array | LoadedProgram, machine?: MachineSource): readonly number[] {
  const p = program instanceof Uint8Array ? load(program, machine) : program;
  const m = configurationMachine(p);
  return p.structure.blocks.map((b) => stepBlock(m, p, b));
}
