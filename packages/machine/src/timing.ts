/**
 * Durations of the events that a schedule is made of, in cycles: one model for the mapping search and the simulator.
 * Rules: docs/cycles.md.
 */
import type { ComputeOp } from "@accelc/isa";
import { derive, extraCycles } from "./derive.js";
import type { MachineDescription } from "./schema.js";

/**
 * Stages of the Tandem pipeline behind the issue of a vector instruction: decode, address, read, operand, execute, write.
 * Assumed: no source gives the base depth. Published latencies come on top of it.
 */
export const TANDEM_PIPELINE_STAGES = 6;

/** A vector instruction or a NOP: what takes an issue slot. */
export type IssuedOp = ComputeOp | "nop";

/** Instructions whose unit is not pipelined: the next one issues when they are done. */
const BLOCKING: ReadonlySet<IssuedOp> = new Set<IssuedOp>(["div", "sqrt"]);

const extra = (m: MachineDescription, op: IssuedOp): number => (op === "nop" ? 0 : extraCycles(m, op));

/** Cycles from the issue of `op` to the next issue. */
export const issueCycles = (m: MachineDescription, op: IssuedOp): number => (BLOCKING.has(op) ? 1 + extra(m, op) : 1);

/** Stages of `op` behind its issue that later instructions share with it. */
export const pipelineStages = (m: MachineDescription, op: IssuedOp): number =>
  TANDEM_PIPELINE_STAGES + (BLOCKING.has(op) ? 0 : extra(m, op));

/** A loop nest, or a vector instruction alone: every issue, and once the deepest pipeline of its body. */
export function nestCycles(m: MachineDescription, body: readonly IssuedOp[], iterations: number): number {
  const issues = body.reduce((sum, op) => sum + issueCycles(m, op), 0);
  return iterations * issues + Math.max(...body.map((op) => pipelineStages(m, op)));
}

/** Words of a SIMD region that are not vector instructions: one cycle each, in every tile. */
export const configurationCycles = (words: number): number => words;

/** A permutation: one row per cycle and side. */
export const permutationCycles = (rowsRead: number, rowsWritten: number): number => Math.max(rowsRead, rowsWritten);

/** A tile on the array: one input row per cycle for every weight block, then fill and drain. */
export const systolicTileCycles = (m: MachineDescription, rowsStreamed: number): number =>
  rowsStreamed + derive(m).fillDrainCycles;

/** DRAM bursts of one run of contiguous bytes; where the run begins within a burst does not count. */
export const burstsOfRun = (m: MachineDescription, bytes: number): number => Math.ceil(bytes / m.dram.burstBytes);

/** A transfer of `bursts` bursts over all its runs: the latency once. One that touches no memory takes no time. */
export const transferCycles = (m: MachineDescription, bursts: number): number =>
  bursts === 0 ? 0 : m.dram.latencyCycles + Math.ceil((bursts * m.dram.burstBytes) / m.dram.bytesPerCycle);
