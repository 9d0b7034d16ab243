/**
 * Lower bound of a program's cycles, whatever its tiling: per block the largest of what each resource must do at its peak,
 * summed over the blocks, which run one after another but for the first load of constants. Counts are argued in
 * docs/cycles.md.
 */
import {
  type Block,
  type BlockProgram,
  type DramTensor,
  elements,
  type Graph,
  isGemm,
  type Node,
  type ValueId,
} from "@accelc/ir";
import { type ArrayFormat, derive, type IssuedOp, issueCycles, type MachineDescription } from "@accelc/machine";
import { arrayFormat } from "./operands.js";
import { blockTensors } from "./tensors.js";

export interface BlockBound {
  readonly block: number;
  /** Multiply-accumulates that the model asks for. */
  readonly macs: number;
  /** Bytes that cannot stay on chip. */
  readonly dramBytes: number;
  /** Vector instructions at the fewest the semantics allow. */
  readonly vectorInstructions: number;
  /** Cycles of each resource at its peak. */
  readonly systolic: number;
  readonly tandem: number;
  readonly dram: number;
  /** Of `dram`, what may be done under the block before. */
  readonly ahead: number;
  readonly cycles: number;
}

export interface ProgramBound {
  readonly cycles: number;
  readonly macs: number;
  readonly blocks: readonly BlockBound[];
}

/** Multiply-accumulates of a convolution or matrix product; 0 for other nodes. */
export function nodeMacs(g: Graph, n: Node): number {
  if (!isGemm(n)) return 0;
  const shape = (v: ValueId) => g.values.get(v)!.type.shape;
  const w = shape(n.inputs[1]!);
  return elements(shape(n.outputs[0]!)) * (n.op === "conv" ? elements(w.slice(1)) : w.at(-2)!);
}

/** Values that a block computes: those its operations define, and the sums of its GEMM. */
function computed(b: Block): readonly ValueId[] {
  if (b.kind !== "compute") return [];
  const { buffers, ops } = b.vector;
  const sums = b.gemm === null ? [] : buffers.filter((x) => x.namespace === "OBUF").map((x) => x.label);
  return [...new Set([...sums, ...ops.map((op) => buffers[op.dst]!.label)])];
}

/** Multiply-accumulates that the graph asks for of each block. */
export function blockMacs(g: Graph, { blocks }: BlockProgram): readonly number[] {
  const producers = producersOf(g);
  return blocks.map((b) => computedNodes(b, producers).reduce((sum, n) => sum + nodeMacs(g, n), 0));
}

const producersOf = (g: Graph): ReadonlyMap<ValueId, Node> => new Map(g.nodes.map((n) => [n.outputs[0]!, n]));

/** Nodes that a block computes, in no other order than that of its operations. */
export const computedNodes = (b: Block, producers: ReadonlyMap<ValueId, Node>): readonly Node[] =>
  computed(b).flatMap((label) => producers.get(label) ?? []);

const lanesOf = (g: Graph, m: MachineDescription, v: ValueId): number =>
  Math.ceil(elements(g.values.get(v)!.type.shape) / m.tandem.lanes);

/** Vector instructions of a node that is no GEMM. */
function vectorInstructions(g: Graph, m: MachineDescription, n: Node): number {
  const rows = lanesOf(g, m, n.outputs[0]!);
  if (n.op === "iwindow") return Math.max(1, elements(n.attrs.kernel) - 1) * rows;
  if (n.op !== "ireduce") return rows;
  const [from, to] = [n.inputs[0]!, n.outputs[0]!].map((v) => elements(g.values.get(v)!.type.shape));
  return Math.ceil((from! - to!) / m.tandem.lanes);
}

/** Cycles of their issues. */
export function vectorCycles(g: Graph, m: MachineDescription, n: Node): number {
  const op: IssuedOp = n.op === "idiv" ? "div" : "add";
  return vectorInstructions(g, m, n) * issueCycles(m, op);
}

class Bounder {
  private readonly producer: ReadonlyMap<ValueId, Node>;
  private readonly consumers = new Map<ValueId, Node[]>();
  private readonly ends: ReadonlySet<ValueId>;
  private readonly tensors: ReadonlyMap<number, DramTensor>;
  private readonly peak: Readonly<Record<ArrayFormat, number>>;
  private readonly onChip: number;
  /** Bytes that a block's first load of constants may bring. */
  private readonly early: number;
  /** Values that some block has already read or written. */
  private readonly seen = new Set<ValueId>();

  constructor(
    private readonly g: Graph,
    p: BlockProgram,
    private readonly m: MachineDescription,
  ) {
    this.producer = producersOf(g);
    for (const n of g.nodes) for (const i of n.inputs) this.consumers.set(i, [...(this.consumers.get(i) ?? []), n]);
    this.ends = new Set([...g.inputs, ...g.outputs].map((port) => port.value));
    this.tensors = new Map(p.tensors.map((t) => [t.id, t]));
    const d = derive(m);
    this.peak = d.peakMacsPerCycle;
    this.onChip = d.onChipBytes;
    this.early = d.wbuf.halfBytes + d.bbuf.halfBytes;
  }

  private rows(v: ValueId): number {
    return lanesOf(this.g, this.m, v);
  }

  /** Instructions of a node, and their cycles. */
  private vector(n: Node): readonly [instructions: number, cycles: number] {
    if (this.saturated(n)) return [0, 0];
    return [vectorInstructions(this.g, this.m, n), vectorCycles(this.g, this.m, n)];
  }

  /** A maximum or minimum with a constant that only a narrowing uses may ride in its saturation. */
  private saturated(n: Node): boolean {
    if (n.op !== "imax" && n.op !== "imin") return false;
    if (!n.inputs.some((i) => this.g.values.get(i)!.data !== undefined)) return false;
    const users = this.consumers.get(n.outputs[0]!) ?? [];
    return (
      users.length === 1 && !this.ends.has(n.outputs[0]!) && (users[0]!.op === "narrow" || this.saturated(users[0]!))
    );
  }

  /**
   * Constants, and inputs and outputs of the network, pass DRAM once; of a table that is looked up in, the rows taken. Of what
   * one block leaves for another only the part that no scratchpad can hold must.
   */
  private traffic(b: Block): number {
    let bytes = 0;
    for (const id of blockTensors(b)) {
      const t = this.tensors.get(id);
      if (t === undefined || this.seen.has(t.value)) continue;
      this.seen.add(t.value);
      const taken = b.kind === "lookup" && id === b.table ? (b.count * b.rowElements * t.bits) / 8 : Infinity;
      bytes += Math.min(this.compulsory(t), taken);
    }
    return bytes;
  }

  /** What is no value of the graph, such as a mask of lanes, is the compiler's own doing. */
  private compulsory(t: DramTensor): number {
    const value = this.g.values.get(t.value);
    if (value === undefined) return 0;
    const all = (elements(value.type.shape) * t.bits) / 8;
    return value.data !== undefined || this.ends.has(t.value) ? all : 2 * Math.max(0, all - this.onChip);
  }

  block(b: Block): BlockBound {
    const nodes = computedNodes(b, this.producer);
    const gemms = nodes.filter((n) => nodeMacs(this.g, n) > 0);
    const macs = gemms.reduce((sum, n) => sum + nodeMacs(this.g, n), 0);
    let [vectorInstructions, tandem] = [0, 0];
    for (const n of nodes) {
      if (gemms.includes(n)) continue;
      const [instructions, cycles] = this.vector(n);
      vectorInstructions += instructions;
      tandem += cycles;
    }
    const systolic = gemms.reduce((sum, n) => sum + this.array(n), 0);
    const dramBytes = this.traffic(b);
    const dram = Math.ceil(dramBytes / this.m.dram.bytesPerCycle);
    const first = b.kind === "compute" && b.gemm !== null ? Math.min(dramBytes, this.early) : 0;
    const ahead = Math.floor(first / this.m.dram.bytesPerCycle);
    const cycles = Math.max(systolic, tandem, dram - ahead);
    return { block: b.id, macs, dramBytes, vectorInstructions, systolic, tandem, dram, ahead, cycles };
  }

  /** Depthwise: a row of lanes needs a cycle per tap on either unit, since no two channels share an input. */
  private array(n: Node): number {
    const format = arrayFormat(this.g.values.get(n.inputs[0]!)!.type.dtype);
    const full = Math.ceil(nodeMacs(this.g, n) / this.peak[format ?? "int8"]);
    if (n.op !== "conv" || n.attrs.groups === 1) return full;
    const w = this.g.values.get(n.inputs[1]!)!.type.shape;
    return w[1] === 1 && w[0] === n.attrs.groups
      ? Math.max(full, elements(w.slice(2)) * this.rows(n.outputs[0]!))
      : full;
  }
}

/** The bound of a planned program; `graph` is the integer graph it was planned from. */
export function lowerBound(graph: Graph, program: BlockProgram, machine: MachineDescription): ProgramBound {
  const bounder = new Bounder(graph, program, machine);
  const blocks = program.blocks.map((b) => bounder.block(b));
  const sum = (of: (b: BlockBound) => number) => blocks.reduce((n, b) => n + of(b), 0);
  return {
    cycles: Math.max(
      sum((b) => b.cycles),
      sum((b) => b.dram),
    ),
    macs: sum((b) => b.macs),
    blocks,
  };
}
