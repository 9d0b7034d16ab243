import type { DebugBlock } from "@accelc/isa";
import type { MachineDescription } from "@accelc/machine";
import { simdTiles } from "../block.js";
import { type LoadedProgram, load, type MachineSource } from "../program.js";
import { createMachine, type Machine, trap } from "../state.js";
import { type Block, scan } from "../structure.js";
import type { Use } from "./channel.js";
import { addEvents, addTraffic, relativeEnergy, trafficBytes } from "./energy.js";
import { blockEvents, charge, DEFAULT_EVENTS } from "./events.js";
import type { BlockCycles, BoundBy, EnergyEvents, Resource, SimulationReport, TimelineEntry } from "./report.js";
import { type BlockPlan, type BlockSchedule, schedule } from "./schedule.js";
import { planSimd } from "./simd-plan.js";
import { type Constants, planSystolic } from "./systolic-plan.js";

/** A machine that decodes configuration and holds no data. */
export function configurationMachine(p: Pick<LoadedProgram, "machine" | "locate">): Machine {
  const dram = { constants: { address: 0, bytes: new Uint8Array(0) }, arena: { address: 0, size: 0 } };
  return createMachine(p.machine, dram, p.locate);
}

/** Reads a block's words; the first tile tells everything, since configuration does not depend on data. */
export function planBlock(m: Machine, p: Pick<LoadedProgram, "structure">, block: Block): BlockPlan {
  const { insts } = p.structure;
  m.block = block.index;
  m.fused = block.systolic !== undefined;
  for (const region of [block.systolic, block.simd]) {
    if (region === undefined) continue;
    m.address = region.start;
    charge(m, region.end - region.start);
  }
  const systolic = block.systolic && planSystolic(m, insts, block.systolic);
  if (systolic?.store !== undefined && block.simd !== undefined)
    throw trap(m, "obufOwner", { what: "a systolic store" });
  const tiles = systolic?.tiles ?? (block.simd === undefined ? 1 : simdTiles(m, insts, block.simd));
  const simd = block.simd && planSimd(m, insts, block.simd, tiles);
  const plan = { systolic, simd, tiles };
  charge(m, blockEvents(plan));
  return plan;
}

function boundBy({ cycles, dramLatency, ...s }: BlockSchedule): BoundBy {
  const busy = (["systolic", "tandem", "dram"] as const).map((r) => [r, s[r].busy] as const);
  const [most, by] = busy.reduce((a, b) => (b[1] > a[1] ? b : a)).toReversed() as [number, Resource];
  if (2 * most < cycles || (by === "dram" && 2 * dramLatency > most)) return "latency";
  return by;
}

function eventsOf({ counts }: BlockSchedule): EnergyEvents {
  const { cells: macs, laneOps, sram, dram, instructionWords } = counts;
  return { macs, laneOps, sramBytes: sram, dramBytes: trafficBytes(dram), instructionWords };
}

/** What the debug table says of a block, by its first word, and of its nodes. */
interface Names {
  readonly blocks: ReadonlyMap<number, DebugBlock>;
  readonly nodes: ReadonlyMap<number, string>;
}

const namesOf = ({ object: { debug } }: LoadedProgram): Names => ({
  blocks: new Map(debug.blocks.map((b) => [b.start, b])),
  nodes: new Map(debug.nodes.map((n) => [n.id, n.name])),
});

function blockReport(p: LoadedProgram, names: Names, block: Block, s: BlockSchedule): BlockCycles {
  const known = names.blocks.get(block.start);
  const { counts, cycles } = s;
  return {
    id: block.index,
    name: known?.name ?? `block${block.index}`,
    nodes: (known?.nodes ?? []).map((n) => names.nodes.get(n) ?? String(n)),
    cycles,
    boundBy: boundBy(s),
    busy: { dram: s.dram.busy, systolic: s.systolic.busy, tandem: s.tandem.busy },
    dramLatencyCycles: s.dramLatency,
    utilization: share(counts.cells, cycles * arraySize(p.machine)),
    macs: counts.macs,
    modelMacs: known?.macs ?? null,
    tiles: counts.tiles,
    systolicTiles: counts.systolicTiles,
    dramBytes: counts.dram,
    vectorInstructions: Object.fromEntries(counts.issues),
    configWords: counts.configWords,
    permutedWords: counts.permutedWords,
    events: eventsOf(s),
  };
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const arraySize = (m: MachineDescription): number => m.array.rows * m.array.columns;

function timelineOf(block: number, s: BlockSchedule): TimelineEntry[] {
  const entry = (resource: Resource, u: Use): TimelineEntry[] =>
    u.busy === 0 ? [] : [{ block, resource, start: u.first, end: u.last, busy: u.busy }];
  return [...entry("dram", s.dram), ...entry("systolic", s.systolic), ...entry("tandem", s.tandem)];
}

/** Plans block after block, each when it is asked for. */
function* plans(m: Machine, p: Pick<LoadedProgram, "structure">): Generator<BlockPlan> {
  for (const block of p.structure.blocks) yield planBlock(m, p, block);
}

export interface SimulateOptions {
  /** Budget of events, the same on every host. Default 2^28. */
  readonly maxEvents?: number;
}

/**
 * Cycles of a binary, from its instruction words alone: every tile of every block is scheduled over the array, the Tandem
 * Processor and the DRAM channel; blocks follow one another, but for loads of constants. Rules: docs/cycles.md. Throws what
 * `load` throws, and Trap for words whose configuration is malformed, EM2027 among them.
 */
export function simulate(
  program: Uint8Array | LoadedProgram,
  machine?: MachineSource,
  options: SimulateOptions = {},
): SimulationReport {
  const p = program instanceof Uint8Array ? load(program, machine) : program;
  const m = configurationMachine(p);
  m.maxSteps = options.maxEvents ?? DEFAULT_EVENTS;
  const blocks: BlockCycles[] = [];
  const timeline: TimelineEntry[] = [];
  const names = namesOf(p);
  const { rodataAddress: from, rodata } = p.object;
  let cycles = 0;
  for (const s of schedule(p.machine, plans(m, p), { from, to: from + rodata.length })) {
    const block = p.structure.blocks[blocks.length];
    blocks.push(blockReport(p, names, block, s));
    timeline.push(...timelineOf(block.index, s));
    cycles += s.cycles;
  }
  return summarize(p.machine, cycles, blocks, timeline);
}

const noLocation: LoadedProgram["locate"] = (address, block) => ({ address, block, node: undefined, op: undefined });
const MACHINES = new WeakMap<MachineDescription, Machine>();

/** A machine to plan blocks on; a region's START clears what the one before configured. */
function planningMachine(machine: MachineDescription): Machine {
  let known = MACHINES.get(machine);
  if (known === undefined) {
    known = configurationMachine({ machine, locate: noLocation });
    MACHINES.set(machine, known);
  }
  return known;
}

/** What words cost. `idle`: cycles of the last block in which the channel is free for constants of a block behind it. */
export interface TextCost {
  readonly cycles: number;
  readonly energy: number | null;
  readonly idle: number;
  /** Cycles in which the DRAM channel is busy. */
  readonly traffic: number;
}

/**
 * Cycles and relative energy of words that belong to no binary yet; the schedule is that of `simulate`.
 *
 * @param constants where they lie; without them, every block waits for the one before
 * @param ahead cycles for which the channel is free for constants before the first block begins
 */
export function simulateText(
  text: Uint32Array,
  machine: MachineDescription,
  constants?: Constants,
  ahead = 0,
): TextCost {
  const p = { structure: scan(text, noLocation) };
  const m = planningMachine(machine);
  let [cycles, idle, traffic] = [0, 0, 0];
  const events: EnergyEvents[] = [];
  for (const s of schedule(machine, plans(m, p), constants, ahead)) {
    cycles += s.cycles;
    traffic += s.dram.busy;
    idle = s.idle;
    events.push(eventsOf(s));
  }
  return { cycles, energy: relativeEnergy(machine, addEvents(events)).total, idle, traffic };
}

/** A block's MACs count by what a cell of the array does of them per cycle. */
function modelWork(machine: MachineDescription, cycles: number, blocks: readonly BlockCycles[]) {
  const known = blocks.filter((b) => b.modelMacs !== null);
  if (known.length === 0) return { modelMacs: null, macUtilization: null };
  const sum = (of: (b: BlockCycles) => number) => known.reduce((n, b) => n + of(b), 0);
  const cells = sum((b) => share((b.modelMacs ?? 0) * b.events.macs, b.macs));
  return { modelMacs: sum((b) => b.modelMacs ?? 0), macUtilization: share(cells, cycles * arraySize(machine)) };
}

function summarize(
  machine: MachineDescription,
  cycles: number,
  blocks: readonly BlockCycles[],
  timeline: readonly TimelineEntry[],
): SimulationReport {
  const sum = (of: (b: BlockCycles) => number) => blocks.reduce((n, b) => n + of(b), 0);
  const busy = {
    dram: sum((b) => b.busy.dram),
    systolic: sum((b) => b.busy.systolic),
    tandem: sum((b) => b.busy.tandem),
  };
  const mix = new Map<string, number>();
  for (const b of blocks)
    for (const [op, n] of Object.entries(b.vectorInstructions)) mix.set(op, (mix.get(op) ?? 0) + n);
  const macs = sum((b) => b.macs);
  const events = addEvents(blocks.map((b) => b.events));
  return {
    version: 1,
    machine: machine.name,
    cycles,
    seconds: cycles / machine.frequencyHz,
    busy,
    utilization: share(events.macs, cycles * arraySize(machine)),
    tandemShare: share(busy.tandem, cycles),
    macs,
    ...modelWork(machine, cycles, blocks),
    dramBytes: addTraffic(blocks.map((b) => b.dramBytes)),
    vectorInstructions: Object.fromEntries(mix),
    events,
    energy: relativeEnergy(machine, events),
    blocks,
    timeline,
  };
}
