import type { MachineDescription } from "@accelc/machine";
import { NS_NAMES } from "../state.js";
import type { DramPort } from "../stats.js";
import type { Work } from "./simd-plan.js";
import type { SystolicPlan } from "./systolic-plan.js";
import type { TransferCost } from "./transfer-plan.js";

/** Bytes read and written. */
export interface Traffic {
  read: number;
  written: number;
}

const PORTS = ["WBUF", "IBUF", "OBUF", "BBUF", "VMEM1", "VMEM2"] as const;
export type TrafficByPort = { readonly [P in DramPort]: Traffic };

export const noTraffic = (): TrafficByPort =>
  Object.fromEntries(PORTS.map((p) => [p, { read: 0, written: 0 }])) as unknown as TrafficByPort;

/** What happens in a block, counted exactly. */
export class Counts {
  /** Cells of the array times cycles in which they multiply: rows streamed × array size. */
  cells = 0;
  /** Multiply-accumulates issued: a cell does two of int4, four of int2, half a one of fp16. */
  macs = 0;
  /** Vector instructions × lanes. */
  laneOps = 0;
  permutedWords = 0;
  systolicTiles = 0;
  tiles = 0;
  configWords = 0;
  instructionWords = 0;
  readonly issues = new Map<string, number>();
  /** Bytes that touch DRAM, by the buffer at the other end. */
  readonly dram = noTraffic();
  /** Bytes through the ports of the scratchpads. */
  readonly sram = noTraffic();

  constructor(private readonly machine: MachineDescription) {}

  step(plan: SystolicPlan, first: boolean): void {
    const { rows, columns } = this.machine.array;
    this.systolicTiles += 1;
    this.cells += plan.rowsStreamed * rows * columns;
    this.macs += plan.rowsStreamed * rows * columns * plan.perCell;
    this.sram.IBUF.read += plan.rowsStreamed * rows;
    this.sram.WBUF.read += plan.weightFetches * rows * columns;
    const row = 4 * columns;
    this.sram.OBUF.written += plan.rowsStreamed * row;
    this.sram.OBUF.read += (plan.rowsStreamed - (first ? plan.outputs : 0)) * row;
  }

  /** After the last reduction step each OBUF row takes its BBUF row on the way. */
  handOver(plan: SystolicPlan): void {
    if (plan.bias) this.sram.BBUF.read += plan.outputs * 4 * this.machine.array.columns;
  }

  transfer(port: DramPort, store: boolean, { bytes, rows }: TransferCost): void {
    const row = this.rowBytes(port) * rows;
    if (store) {
      this.dram[port].written += bytes;
      this.sram[port].read += row;
    } else {
      this.dram[port].read += bytes;
      this.sram[port].written += row;
    }
  }

  work(w: Work): void {
    for (const op of w.body) this.issues.set(op, (this.issues.get(op) ?? 0) + w.iterations);
    const { lanes } = this.machine.tandem;
    this.laneOps += w.iterations * w.body.length * lanes;
    this.permutedWords += w.permutedWords;
    w.rows.read.forEach((rows, ns) => {
      this.sram[NS_NAMES[ns] as DramPort].read += rows * this.vectorBytes(ns);
    });
    w.rows.written.forEach((rows, ns) => {
      this.sram[NS_NAMES[ns] as DramPort].written += rows * this.vectorBytes(ns);
    });
  }

  /** A vector on its way to IBUF is one byte per lane. */
  private vectorBytes(ns: number): number {
    return this.machine.tandem.lanes * (NS_NAMES[ns] === "IBUF" ? 1 : 4);
  }

  private rowBytes(port: DramPort): number {
    const { rows, columns } = this.machine.array;
    if (port === "IBUF") return rows;
    return port === "WBUF" ? rows * columns : 4 * columns;
  }
}
