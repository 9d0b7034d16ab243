import type { Inst } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import type { Accelerator } from "./accelerator.js";
import { type Arena, allocate } from "./arena.js";
import type { WeightBlock } from "./array.js";
import { createDae, type DaeState } from "./dae-state.js";
import { type Args, type TRAPS, type Trap, type TrapKey, type TrapLocation, trapAt } from "./errors.js";
import { META_WORDS, SCRATCH_WORDS } from "./fast/sizes.js";
import type { Team } from "./fast/team.js";
import type { InputTarget } from "./next-input.js";
import { type BytePad, bytePad, type Double, doubled, type WordPad, wordPad } from "./scratchpad.js";
import { createStats, type Stats } from "./stats.js";
import { createSystolic, type SystolicState } from "./systolic-state.js";
import type { VectorOp } from "./vector.js";

/** Names of the namespace codes of instruction words. */
export const NS_NAMES = ["OBUF", "IBUF", "VMEM1", "VMEM2", "IMM", "namespace 5", "namespace 6", "namespace 7"] as const;

/** DRAM addresses [from, to); the byte at `from` is byte `at` of memory. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** An access lies in one span or traps; a store to constants traps. */
export interface Dram {
  /** The memory that offsets of spans count in. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly constants: Span;
  readonly arena: Span;
}

export type DatatypeKind = "fxp32" | "fxp16" | "fxp8" | "fp32" | "fp16";

/** `wrap`: the state after reset, in which MUL keeps the low 32 bits; else MUL shifts right by `shift` and saturates. */
export interface Datatype {
  kind: DatatypeKind;
  wrap: boolean;
  shift: number;
  srcFraction: number;
  dstFraction: number;
}

/** One level: its trip count, and one SET_INDEX per instruction of the body. */
export interface Level {
  readonly count: number;
  readonly bindings: Inst<"set_index">[];
}

/** `body` collects the words of an armed nest until `size` of them have come. */
export interface NestState {
  levels: (Level | undefined)[];
  open: Level | undefined;
  size: number;
  body: { readonly address: number; readonly inst: Inst<VectorOp> }[];
}

/** One side of the permutation engine: word address, and dims by id with trip counts and word strides. */
export interface PermuteSide {
  base: number;
  readonly dims: Map<number, { count: number; stride: number }>;
}

/** By namespace: in odd tiles rows [base, base + rows) mean the `rows` rows behind them; rows 0 is off. */
export interface WindowState {
  readonly base: Int32Array;
  readonly rows: Int32Array;
}

/** What the fast engine's multiplications of one thread need of their own. */
export interface Workspace {
  /** Per half of WBUF its blocks widened to int16, and what is known about each (`META_WORDS`). */
  readonly wide: readonly [Int16Array, Int16Array];
  readonly meta: readonly [Int32Array, Int32Array];
  /** Operands of a pass as binary64 numbers. */
  readonly numbers: Uint8Array;
}

/** Called for the location of a trap: the ONNX node of an instruction word. */
export type Locate = (address: number, block: number) => TrapLocation;

/**
 * The whole state of one machine. Scratchpads are allocated once; `written` maps and configuration are cleared by
 * `resetMachine` before a run.
 */
export interface Machine {
  readonly description: MachineDescription;
  readonly lanes: number;
  readonly rows: number;
  readonly columns: number;
  /** Holds DRAM and scratchpads, where the host has WebAssembly. */
  readonly memory: WebAssembly.Memory | undefined;
  readonly dram: Dram;
  readonly ibuf: Double<BytePad>;
  readonly wbuf: Double<BytePad>;
  readonly bbuf: Double<WordPad>;
  readonly obuf: Double<WordPad>;
  readonly vmem1: WordPad;
  readonly vmem2: WordPad;
  readonly imm: WordPad;
  /** The fast engine, while it runs the program. */
  fast: Accelerator | undefined;
  /** Why it last left something to the reference engine. */
  declined: string;
  /** Its parameters. */
  readonly scratch: Int32Array;
  /** For every thread that multiplies, this one first. */
  readonly workspaces: readonly Workspace[];
  /** Threads that help this one. */
  readonly team: Team | undefined;
  /** Index: namespace × 32 + iterator. */
  readonly iteratorBase: Int32Array;
  readonly iteratorStride: Int32Array;
  /** Per half and block of WBUF: its nonzero reduction rows, dropped when the block is rewritten. */
  readonly blocks: readonly [(WeightBlock | undefined)[], (WeightBlock | undefined)[]];
  /** Row of lanes that catches a vector on its way to IBUF. */
  readonly bytesOut: Int32Array;
  readonly sums: Float64Array;
  readonly datatype: Datatype;
  nest: NestState;
  readonly permute: readonly [PermuteSide, PermuteSide];
  readonly window: WindowState;
  dae: DaeState;
  systolic: SystolicState;
  /** Where vectors of the region write the next block's input, behind the ST START of IBUF. */
  nextInput: InputTarget | undefined;
  /** The half of IBUF that it lies in, once the block has opened it. */
  nextHalf: 0 | 1 | undefined;
  /** Rows of IBUF that loads of this block write in both halves by turns. */
  turningRows: number;
  /** May the SIMD side touch OBUF now? It then sees the current half. */
  obufOwned: boolean;
  /** Number of times the SIMD region of this block was started before. */
  tile: number;
  /** Number of tiles of the block. */
  tiles: number;
  /** Does the block have a systolic region? */
  fused: boolean;
  unit: "systolic" | "simd";
  block: number;
  address: number;
  stats: Stats;
  steps: number;
  maxSteps: number;
  locate: Locate;
}

const freshNest = (): NestState => ({ levels: [], open: undefined, size: 0, body: [] });

export const clearNest = (m: Machine): void => {
  m.nest = freshNest();
};

/** What DRAM holds, by address. */
export interface DramExtent {
  readonly constants: { readonly address: number; readonly bytes: Uint8Array };
  readonly arena: { readonly address: number; readonly size: number };
}

/** The arrays of a machine; DRAM comes last, so that the rest has small addresses. */
function buildStorage(
  arena: Arena,
  description: MachineDescription,
  constants: number,
  arenaBytes: number,
  threads: number,
) {
  const { rows, columns } = description.array;
  const { lanes, vmemRows, immSlots } = description.tandem;
  const { ibufRows, wbufBlocks, bbufRows, obufRows } = description.buffers;
  const { int4, int2 } = description.array.formats;
  const elements = rows * columns * (int2 > 0 ? 4 : int4 > 0 ? 2 : 1);
  const [wide, meta] = [(wbufBlocks / 2) * elements, (wbufBlocks / 2) * META_WORDS];
  return {
    ibuf: doubled((n) => bytePad(arena, "IBUF", n, rows), ibufRows),
    wbuf: doubled((n) => bytePad(arena, "WBUF", n, rows * columns), wbufBlocks),
    bbuf: doubled((n) => wordPad(arena, "BBUF", n, columns), bbufRows),
    obuf: doubled((n) => wordPad(arena, "OBUF", n, columns), obufRows),
    vmem1: wordPad(arena, "VMEM1", vmemRows, lanes),
    vmem2: wordPad(arena, "VMEM2", vmemRows, lanes),
    imm: wordPad(arena, "IMM", immSlots, 1),
    scratch: arena.int32(SCRATCH_WORDS),
    workspaces: Array.from(
      { length: threads },
      (): Workspace => ({
        wide: [arena.int16(wide), arena.int16(wide)],
        meta: [arena.int32(meta), arena.int32(meta)],
        numbers: arena.uint8(8 * rows * (columns + 1)),
      }),
    ),
    constants: arena.uint8(constants),
    arena: arena.uint8(arenaBytes),
  };
}

const spanOf = (address: number, bytes: Uint8Array): Span => ({
  from: address,
  to: address + bytes.length,
  at: bytes.byteOffset,
});

/** With `home`, the constants are a view on it and stay where they are; else they are copied. A team is one of `home`. */
export function createMachine(
  description: MachineDescription,
  extent: DramExtent,
  locate: Locate,
  home?: WebAssembly.Memory,
  team?: Team,
): Machine {
  const { rows, columns } = description.array;
  const { lanes } = description.tandem;
  const given = extent.constants.bytes;
  const threads = 1 + (team?.jobs.length ?? 0);
  const { state, buffer, memory } = allocate(
    (a) => buildStorage(a, description, home === undefined ? given.length : 0, extent.arena.size, threads),
    home,
  );
  const { constants, arena, ...pads } = state;
  if (home === undefined) constants.set(given);
  return {
    description,
    lanes,
    rows,
    columns,
    memory,
    dram: {
      bytes: new Uint8Array(buffer),
      view: new DataView(buffer),
      constants: spanOf(extent.constants.address, home === undefined ? constants : given),
      arena: spanOf(extent.arena.address, arena),
    },
    ...pads,
    team,
    fast: undefined,
    declined: "",
    iteratorBase: new Int32Array(8 * 32),
    iteratorStride: new Int32Array(8 * 32),
    blocks: [[], []],
    bytesOut: new Int32Array(lanes),
    sums: new Float64Array((columns + 1) >> 1),
    datatype: { kind: "fxp32", wrap: true, shift: 0, srcFraction: 0, dstFraction: 0 },
    nest: freshNest(),
    permute: [
      { base: 0, dims: new Map() },
      { base: 0, dims: new Map() },
    ],
    window: { base: new Int32Array(8), rows: new Int32Array(8) },
    dae: createDae(),
    systolic: createSystolic(),
    nextInput: undefined,
    nextHalf: undefined,
    turningRows: 0,
    obufOwned: false,
    tile: 0,
    tiles: 1,
    fused: false,
    unit: "simd",
    block: 0,
    address: 0,
    stats: createStats(),
    steps: 0,
    maxSteps: Number.POSITIVE_INFINITY,
    locate,
  };
}

export const resetDatatype = (m: Machine): void => {
  Object.assign(m.datatype, { kind: "fxp32", wrap: true, shift: 0, srcFraction: 0, dstFraction: 0 });
};

/** Zeroes the rows that were written. Cells change only in rows that are then marked, so the others are zero. */
export function clearRows({ written, cells, width }: Clearable): void {
  for (let from = written.indexOf(1); from >= 0; ) {
    const end = written.indexOf(0, from);
    const to = end < 0 ? written.length : end;
    cells.fill(0, from * width, to * width);
    from = end < 0 ? -1 : written.indexOf(1, end);
  }
}

/** The parts of a scratchpad that clearing needs. */
export interface Clearable {
  readonly cells: Int8Array | Int32Array;
  readonly written: Uint8Array;
  readonly width: number;
}

/** Everything but DRAM goes back to the state of a new machine. A run that trapped may have changed unmarked rows. */
export function resetMachine(m: Machine, trapped = false): void {
  const pads = [...m.ibuf.halves, ...m.wbuf.halves, ...m.bbuf.halves, ...m.obuf.halves, m.vmem1, m.vmem2, m.imm];
  for (const pad of pads) {
    if (trapped) pad.cells.fill(0);
    else clearRows(pad);
    pad.written.fill(0);
  }
  for (const d of [m.ibuf, m.wbuf, m.bbuf, m.obuf]) d.current = 0;
  m.iteratorBase.fill(0);
  m.iteratorStride.fill(0);
  for (const half of m.blocks) half.length = 0;
  for (const { meta } of m.workspaces) for (const half of meta) half.fill(0);
  resetDatatype(m);
  clearNest(m);
  clearPermute(m);
  m.dae = createDae();
  m.systolic = createSystolic();
  m.nextInput = undefined;
  m.nextHalf = undefined;
  m.turningRows = 0;
  m.obufOwned = false;
  m.stats = createStats();
  m.steps = 0;
}

export function clearPermute(m: Machine): void {
  for (const side of m.permute) {
    side.base = 0;
    side.dims.clear();
  }
}

export const trap = <K extends TrapKey>(m: Machine, key: K, args: Args<(typeof TRAPS)[K]["text"]>): Trap =>
  trapAt(m.locate(m.address, m.block), key, args);

/** Counts work against the budget; traps once it is spent. */
export function spend(m: Machine, steps: number): void {
  m.steps += steps;
  if (m.steps > m.maxSteps) throw trap(m, "steps", { limit: m.maxSteps });
}
