import { type Diagnostic, type Graph, OPS } from "@accelc/ir";
import { type Dataflow, dataflowOf, type Plan, type SearchCounts, stopsByBlock } from "@accelc/passes";
import type { LayerReport } from "./layer-report.js";
import type { Lowered } from "./lower.js";
import type { MixedReport } from "./mixed/index.js";

export interface BlockReport {
  readonly id: number;
  /** ONNX node names. */
  readonly nodes: readonly string[];
  readonly unit: "systolic" | "tandem" | "both";
  readonly instructions: number;
  /** Dimensions of more than one step, and the order in which tiles are walked; absent where data are only moved. */
  readonly tiling?: Tiling;
  /** The operand that stays while tiles are walked: `weight`, `input`, `output`, or `single` where there is one tile. Absent without a GEMM. */
  readonly dataflow?: Dataflow;
  /** How the mapping was found. */
  readonly search?: SearchCounts;
  /** What the search found the block to cost, by itself, its input on chip where that was decided. */
  readonly estimated?: number;
  /** Where the input of the GEMM is. Absent without one. */
  readonly input?: InputPlace;
  /** As simulated. */
  readonly cycles: number;
  /** dram, systolic, tandem or latency. */
  readonly boundBy: string;
  /** Bytes read from and written to DRAM. */
  readonly dramBytes: number;
  /** Multiply-accumulates issued / (cycles × array size). */
  readonly utilization: number;
  /** Nodes that read its results and are not fused with it, and why. */
  readonly stops: readonly { readonly node: string; readonly reason: string }[];
}

/**
 * On chip, where block `from` wrote it to `rows` rows of IBUF (`stored`: and to DRAM, for others); or in DRAM, and why: with the
 * rows it needs and those there are, or because it costs no less on chip.
 */
export type InputPlace =
  | { readonly place: "IBUF"; readonly from: number; readonly rows: number; readonly stored: boolean }
  | { readonly place: "DRAM"; readonly reason: string };

/** Extent of each dimension in steps, steps of a tile, tiles. `ic`, `kh` and `kw`: blocks of channels, kernel rows and columns of the reduction. */
export interface Tiling {
  readonly dims: Readonly<Record<string, { readonly extent: number; readonly tile: number; readonly count: number }>>;
  /** Dimensions of more than one tile, outermost first; tiles of the reduction are inside them. */
  readonly order: readonly string[];
}

/** Cycles of one sample; null where the program was not made. */
export interface CycleReport {
  /** What the blocks that the mapping search chose cost, one after another. */
  readonly estimated: number | null;
  /** What no tiling can beat: docs/cycles.md. */
  readonly lowerBound: number | null;
  /** estimated / lowerBound − 1. */
  readonly gap: number | null;
  /** Of the binary. */
  readonly simulated: number | null;
}

export function cycleReport(lowered: Lowered | undefined, lowerBound: number | undefined): CycleReport {
  const costs = lowered?.plan.costs;
  const known = costs?.every((c) => c !== undefined) ? costs : undefined;
  const estimated = known?.reduce((sum, c) => sum + (c?.cycles ?? 0), 0) ?? null;
  const gap = estimated === null || !lowerBound ? null : estimated / lowerBound - 1;
  return { estimated, lowerBound: lowerBound ?? null, gap, simulated: lowered?.simulated.cycles ?? null };
}

/** The `--report-json` document. Fields may be added; these keep their meaning. */
export interface CompileReport {
  readonly version: 1;
  readonly model: string;
  readonly target: string;
  readonly precision: string;
  readonly seconds: Readonly<Record<string, number>> & { readonly total: number };
  /** ONNX nodes: those with a GEMM on the array, others that a block carries out, and those that need no instruction. */
  readonly nodes: {
    readonly total: number;
    readonly systolic: number;
    readonly tandem: number;
    readonly folded: number;
  };
  /** 32-bit words of .text. */
  readonly instructions: number;
  readonly bytes: {
    readonly text: number;
    readonly weights: number;
    /** High-water mark of the arena. */
    readonly activations: number;
    /** Most bytes of activations in use at any one block: no arena is smaller. */
    readonly activationsLowerBound: number;
    /** Of the ELF file. */
    readonly total: number;
  };
  /** Multiply-accumulates of one sample that the network asks for. */
  readonly macs: number;
  readonly cycles: CycleReport;
  readonly blocks: readonly BlockReport[];
  /** Convolutions and matrix products in graph order; empty where there is no integer graph yet. */
  readonly layers: readonly LayerReport[];
  /** With precision `mixed`: the formats chosen, and why. */
  readonly mixed?: MixedReport;
  readonly diagnostics: readonly Diagnostic[];
}

export function blockReports({ object, plan, estimates, simulated, origins }: Lowered): BlockReport[] {
  const names = new Map(object.debug.nodes.map((n) => [n.id, n.name]));
  const stops = stopsByBlock(plan);
  return object.debug.blocks.map((b, i) => {
    const { cycles, boundBy, utilization, events } = simulated.blocks[i]!;
    return {
      id: b.id,
      nodes: b.nodes.map((n) => names.get(n) ?? String(n)),
      unit: b.unit,
      instructions: b.words,
      ...mappingOf(plan, estimates, origins[i]),
      ...inputOf(plan, origins, origins[i]),
      cycles,
      boundBy,
      dramBytes: events.dramBytes,
      utilization,
      stops: (stops.get(origins[i]!) ?? []).map(({ loc, reason }) => ({ node: loc.node, reason })),
    };
  });
}

function inputOf({ residencies }: Plan, origins: readonly number[], at: number | undefined): Partial<BlockReport> {
  const r = residencies.find((x) => x.to === at);
  if (!r) return {};
  if (r.place === "DRAM") return { input: { place: r.place, reason: r.reason } };
  return { input: { place: r.place, from: origins.lastIndexOf(r.from), rows: r.rows, stored: r.shared } };
}

function mappingOf(
  { program, searches }: Plan,
  estimates: Plan["costs"],
  at: number | undefined,
): Partial<BlockReport> {
  const block = at === undefined ? undefined : program.blocks[at];
  if (block?.kind !== "compute") return {};
  const { gemm, dims, order } = block;
  const named = [
    ...dims.map((d) => [d.name, d] as const),
    ...(gemm
      ? ([
          ["ic", gemm.ic],
          ["kh", gemm.kh],
          ["kw", gemm.kw],
        ] as const)
      : []),
  ];
  const dataflow = dataflowOf(block);
  const search = searches[at!];
  return {
    tiling: {
      dims: Object.fromEntries(
        named.filter(([, d]) => d.extent > 1).map(([name, { extent, tile, count }]) => [name, { extent, tile, count }]),
      ),
      order: order.filter((d) => dims[d]!.count > 1).map((d) => dims[d]!.name),
    },
    ...(dataflow ? { dataflow } : {}),
    ...(search ? { search } : {}),
    ...(estimates[at!] ? { estimated: estimates[at!]!.cycles } : {}),
  };
}

/** `total` ONNX nodes by what became of them. A node with a GEMM counts as systolic whatever else it became. */
export function countNodes(
  total: number,
  integer: Graph | undefined,
  blocks: readonly BlockReport[],
): CompileReport["nodes"] {
  const inBlocks = new Set(blocks.flatMap((b) => b.nodes));
  const gemm = new Set(integer?.nodes.filter((n) => OPS[n.op].kind === "gemm").map((n) => n.loc.node));
  const systolic = [...inBlocks].filter((n) => gemm.has(n)).length;
  const tandem = inBlocks.size - systolic;
  return { total, systolic, tandem, folded: Math.max(0, total - systolic - tandem) };
}
