import { decode, type Inst, ISA } from "@accelc/isa";
import { emulatorError, type TrapLocation, trapAt } from "./errors.js";

/** Words [start, end) of .text: START EXEC … END EXEC. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

export interface Block {
  readonly index: number;
  readonly start: number;
  /** Behind its BLOCK_END. */
  readonly end: number;
  readonly systolic: Region | undefined;
  readonly simd: Region | undefined;
}

export interface Structure {
  readonly insts: readonly Inst[];
  readonly blocks: readonly Block[];
}

const UNITS = ["systolic", "simd"] as const;
/** A decoded word takes some hundred bytes of the host. */
const MOST_WORDS = 2 ** 21;

/**
 * Decodes all words and finds the blocks: [systolic region] [SIMD region] BLOCK_END, at least one region, the last block
 * marked. `count` of START is the number of words behind it up to and including END EXEC of the region.
 * Throws Trap (undefined word) and EmulatorError (structure).
 */
export function scan(text: Uint32Array, locate: (address: number, block: number) => TrapLocation): Structure {
  if (text.length > MOST_WORDS) throw emulatorError("programSize", { words: text.length, limit: MOST_WORDS });
  const insts: Inst[] = [];
  for (let at = 0; at < text.length; at++) {
    const inst = decode(text[at]);
    if (inst === undefined)
      throw trapAt(locate(at, -1), "undefinedWord", { word: text[at].toString(16).padStart(8, "0") });
    insts.push(inst);
  }
  const blocks: Block[] = [];
  let at = 0;
  while (at < insts.length) {
    const block = scanBlock(insts, at, blocks.length);
    blocks.push(block);
    at = block.end;
    const end = insts[at - 1] as Inst<"block_end">;
    if (end.last === 1) break;
  }
  const last = insts[at - 1];
  if (last === undefined || last.op !== "block_end" || last.last !== 1) {
    throw malformed(blocks.length, at, "the program ends without a last BLOCK_END");
  }
  if (at !== insts.length) throw malformed(blocks.length, at, "words behind the last BLOCK_END");
  return { insts, blocks };
}

const malformed = (block: number, address: number, reason: string) =>
  emulatorError("structure", { block, address, reason });

function scanBlock(insts: readonly Inst[], start: number, index: number): Block {
  let at = start;
  const found: { systolic: Region | undefined; simd: Region | undefined } = { systolic: undefined, simd: undefined };
  let group: number | undefined;
  for (;;) {
    const inst = insts[at];
    if (inst?.op === "block_end") break;
    if (inst?.op !== "sync_start") throw malformed(index, at, "expected the START of a region or BLOCK_END");
    const unit = UNITS[inst.unit];
    if (found[unit] !== undefined || (unit === "systolic" && found.simd !== undefined)) {
      throw malformed(index, at, `a second or misplaced ${unit} region`);
    }
    if (group !== undefined && inst.group !== group) throw malformed(index, at, "regions of different groups");
    group = inst.group;
    found[unit] = scanRegion(insts, at, inst, index);
    at = found[unit].end;
  }
  if (found.systolic === undefined && found.simd === undefined) throw malformed(index, at, "a block without regions");
  return { index, start, end: at + 1, ...found };
}

function scanRegion(insts: readonly Inst[], start: number, first: Inst<"sync_start">, block: number): Region {
  const end = start + 1 + first.count;
  if (first.buf !== 0) throw malformed(block, start, "START of a buffer");
  if (first.count === 0 || end > insts.length) throw malformed(block, start, `a region of ${first.count} words`);
  for (let at = start + 1; at < end; at++) {
    const inst = insts[at];
    const { unit } = ISA[inst.op];
    if (unit === "control") {
      if (inst.op !== "sync_end" || inst.unit !== first.unit || inst.group !== first.group) {
        throw malformed(block, at, `${inst.op} of another unit or group inside a region`);
      }
      if (inst.buf === 1 && first.unit === 0) throw malformed(block, at, "END BUF of the systolic unit");
      if ((inst.buf === 0) !== (at === end - 1)) {
        throw malformed(block, at, `the region's START counts ${first.count} words`);
      }
    } else if (unit !== "either" && unit !== UNITS[first.unit]) {
      throw malformed(block, at, `${inst.op} in a ${UNITS[first.unit]} region`);
    } else if (at === end - 1) throw malformed(block, at, "the region does not end with END EXEC");
  }
  return { start, end };
}
