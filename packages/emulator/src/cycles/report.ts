import type { TrafficByPort } from "./counts.js";

export type Resource = "dram" | "systolic" | "tandem";

/**
 * The resource that is busy longest, where that is at least half of the block's cycles and not mostly DRAM latency;
 * else `latency`: the block waits for one event after another.
 */
export type BoundBy = Resource | "latency";

export interface EnergyEvents {
  /** Rows streamed × array size, useful or not: one int8 multiply-accumulate, two of int4 or four of int2. */
  readonly macs: number;
  /** Vector instructions × lanes. */
  readonly laneOps: number;
  /** Bytes through the ports of the scratchpads. */
  readonly sramBytes: TrafficByPort;
  readonly dramBytes: number;
  readonly instructionWords: number;
}

/** Relative to one int8 multiply-accumulate, never joules; null where the machine gives no number for the event. */
export interface RelativeEnergy {
  readonly macs: number | null;
  readonly laneOps: number | null;
  readonly sramBytes: number | null;
  readonly dramBytes: number | null;
  readonly instructionWords: number | null;
  readonly total: number | null;
}

export interface BlockCycles {
  readonly id: number;
  readonly name: string;
  /** ONNX node names. */
  readonly nodes: readonly string[];
  /** Since the block before ended. */
  readonly cycles: number;
  readonly boundBy: BoundBy;
  /** Cycles in use; of DRAM, by the block's own transfers, the first of which may be under way before the block begins. */
  readonly busy: { readonly [R in Resource]: number };
  /** Share of `busy.dram` that is latency. */
  readonly dramLatencyCycles: number;
  /** Issued multiply-accumulates / (cycles × what the array does per cycle with these operands). */
  readonly utilization: number;
  /** Issued multiply-accumulates. */
  readonly macs: number;
  /** Those that the model asks for, without padding, as the debug table says; null where it does not. */
  readonly modelMacs: number | null;
  /** Hand-overs, or runs of a SIMD-only region. */
  readonly tiles: number;
  /** Steps of the array, reduction tiles included. */
  readonly systolicTiles: number;
  /** Bytes read from and written to DRAM, by the buffer at the other end. */
  readonly dramBytes: TrafficByPort;
  /** Vector instructions issued, by mnemonic. */
  readonly vectorInstructions: Readonly<Record<string, number>>;
  /** Words executed that are not vector instructions. */
  readonly configWords: number;
  readonly permutedWords: number;
  readonly events: EnergyEvents;
}

/** From the first to the last use of a resource by a block; `busy` cycles of it. */
export interface TimelineEntry {
  readonly block: number;
  readonly resource: Resource;
  readonly start: number;
  readonly end: number;
  readonly busy: number;
}

export interface SimulationReport {
  readonly version: 1;
  readonly machine: string;
  readonly cycles: number;
  readonly seconds: number;
  readonly busy: { readonly [R in Resource]: number };
  /** As of a block. */
  readonly utilization: number;
  /** Busy cycles of the Tandem Processor / cycles. */
  readonly tandemShare: number;
  readonly macs: number;
  /** Over all blocks; null where the debug table says nothing of any. */
  readonly modelMacs: number | null;
  /** Of what the array could do in all cycles with each block's operands, the share that the model asks for. */
  readonly macUtilization: number | null;
  readonly dramBytes: TrafficByPort;
  readonly vectorInstructions: Readonly<Record<string, number>>;
  readonly events: EnergyEvents;
  readonly energy: RelativeEnergy;
  readonly blocks: readonly BlockCycles[];
  readonly timeline: readonly TimelineEntry[];
}
