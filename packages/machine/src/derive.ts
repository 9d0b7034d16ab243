import type { ComputeOp } from "@accelc/isa";
import { ARRAY_FORMATS, type ArrayFormat, type MachineDescription } from "./schema.js";

/** A scratchpad: rows (blocks, for WBUF) in total, bytes of one, bytes in total. */
export interface Scratchpad {
  readonly rows: number;
  readonly rowBytes: number;
  readonly bytes: number;
}

/** A double-buffered scratchpad; programs address rows 0 … halfRows − 1. */
export interface HalvedScratchpad extends Scratchpad {
  readonly halfRows: number;
  readonly halfBytes: number;
}

export interface DerivedMachine {
  readonly ibuf: HalvedScratchpad;
  /** Rows are blocks of rows × columns bytes. */
  readonly wbuf: HalvedScratchpad;
  readonly bbuf: HalvedScratchpad;
  readonly obuf: HalvedScratchpad;
  /** Each of VMEM1 and VMEM2; not halved. */
  readonly vmem: Scratchpad;
  /** IBUF + WBUF + BBUF + OBUF + VMEM1 + VMEM2, bytes. */
  readonly onChipBytes: number;
  /** Reduction elements one pass through the array covers, per format. */
  readonly reductionPerPass: Readonly<Record<ArrayFormat, number>>;
  /** Multiply-accumulates per cycle with the array full, per format. */
  readonly peakMacsPerCycle: Readonly<Record<ArrayFormat, number>>;
  /** Cycles to fill and drain the array: rows + columns − 1. */
  readonly fillDrainCycles: number;
  /** Cycles one DRAM burst occupies the channel. */
  readonly burstCycles: number;
  readonly dramBytesPerSecond: number;
}

const DERIVED = new WeakMap<MachineDescription, DerivedMachine>();

export function derive(m: MachineDescription): DerivedMachine {
  const known = DERIVED.get(m);
  if (known !== undefined) return known;
  const made = derived(m);
  DERIVED.set(m, made);
  return made;
}

function derived(m: MachineDescription): DerivedMachine {
  const { rows, columns, formats } = m.array;
  const laneBytes = 4 * m.tandem.lanes;
  const ibuf = halved(m.buffers.ibufRows, rows);
  const wbuf = halved(m.buffers.wbufBlocks, rows * columns);
  const bbuf = halved(m.buffers.bbufRows, 4 * columns);
  const obuf = halved(m.buffers.obufRows, 4 * columns);
  const vmem = scratchpad(m.tandem.vmemRows, laneBytes);
  const perFormat = (f: (rate: number) => number) =>
    Object.fromEntries(ARRAY_FORMATS.map((k) => [k, f(formats[k])])) as Record<ArrayFormat, number>;
  return {
    ibuf,
    wbuf,
    bbuf,
    obuf,
    vmem,
    onChipBytes: ibuf.bytes + wbuf.bytes + bbuf.bytes + obuf.bytes + 2 * vmem.bytes,
    reductionPerPass: perFormat((rate) => rows * rate),
    peakMacsPerCycle: perFormat((rate) => rows * rate * columns),
    fillDrainCycles: rows + columns - 1,
    burstCycles: m.dram.burstBytes / m.dram.bytesPerCycle,
    dramBytesPerSecond: m.dram.bytesPerCycle * m.frequencyHz,
  };
}

/** Extra cycles of a vector instruction, 0 where the description names none. */
export function extraCycles(m: MachineDescription, op: ComputeOp): number {
  return m.latencyCycles[op] ?? 0;
}

function scratchpad(rows: number, rowBytes: number): Scratchpad {
  return { rows, rowBytes, bytes: rows * rowBytes };
}

function halved(rows: number, rowBytes: number): HalvedScratchpad {
  return { ...scratchpad(rows, rowBytes), halfRows: rows / 2, halfBytes: (rows / 2) * rowBytes };
}
