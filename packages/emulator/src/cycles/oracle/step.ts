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
import { ArraySide, type Halves } from "./array-side.js";
import { Memory } from "./memory.js";
import { TandemSide } from "./tandem-side.js";
import { readWords } from "./words.js";

interface Sides {
  readonly index: number;
  readonly array: ArraySide | undefined;
  readonly tandem: TandemSide | undefined;
}

/** Reads a block's words. */
function sidesOf(m: Machine, p: LoadedProgram, block: Block, memory: Memory, halves: Halves, before?: Sides): Sides {
  const { insts } = p.structure;
  const { index, systolic, simd } = block;
  m.block = index;
  m.fused = systolic !== undefined;
  const array =
    systolic && new ArraySide(m, insts, systolic, simd !== undefined, memory, halves, before?.array ?? undefined);
  const tiles = array?.sets ?? (simd === undefined ? 0 : simdTiles(m, insts, simd));
  const tandem = simd && new TandemSide(m, readWords(m, insts, simd), tiles, memory, array);
  return { index, array, tandem };
}

/** Steps a block from the end of the one before to its own; `next` may fetch constants meanwhile. */
function stepBlock(block: Sides, next: Sides | undefined, memory: Memory, constant: Constant): number {
  const { index, array, tandem } = block;
  memory.turn();
  for (let cycle = 0; ; cycle++) {
    for (let moved = true; moved; ) {
      moved = array?.decide() ?? false;
      moved = (tandem?.decide() ?? false) || moved;
      moved = memory.accept() || moved;
      if (moved || !memory.idle) continue;
      const over = !array?.busy && !tandem?.busy;
      moved = !over && (next?.array?.prefetch(constant) ?? false);
    }
    if (!memory.holds(index) && !array?.busy && !tandem?.busy) {
      if (array?.finished === false || tandem?.finished === false) throw new Error(`block ${index} came to a stop`);
      return cycle;
    }
    array?.tick();
    tandem?.tick();
    memory.tick();
  }
}

type Constant = (from: number, to: number) => boolean;

/** Cycles of every block, stepped one by one. */
export function stepCycles(program: Uint8Array | LoadedProgram, machine?: MachineSource): readonly number[] {
  const p = program instanceof Uint8Array ? load(program, machine) : program;
  const m = configurationMachine(p);
  const memory = new Memory(p.machine);
  const halves: Halves = [0, 0, 0, 0];
  const { rodataAddress, rodata } = p.object;
  const constant: Constant = (from, to) => from >= rodataAddress && to <= rodataAddress + rodata.length;
  const cycles: number[] = [];
  let block: Sides | undefined;
  for (const b of p.structure.blocks) {
    const next = sidesOf(m, p, b, memory, halves, block);
    if (block !== undefined) cycles.push(stepBlock(block, next, memory, constant));
    block = next;
  }
  if (block !== undefined) cycles.push(stepBlock(block, undefined, memory, constant));
  return cycles;
}
