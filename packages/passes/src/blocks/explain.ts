/** Why a plan is what it is, as text: which nodes share a block, how blocks are tiled, where data lies. */
import type { Block, BlockProgram, ComputeBlock, Graph } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import type { SearchCounts } from "./best-first.js";
import { dataflowOf } from "./dataflow.js";
import type { Stop } from "./partition.js";
import type { Plan } from "./plan.js";
import type { Residency } from "./residency.js";
import type { Cost } from "./search.js";
import { type NodeUnits, nodeUnits } from "./units.js";

export const EXPLAINED = ["partition", "tiling", "memory"] as const;
export type Explained = (typeof EXPLAINED)[number];

/** Two ways to do one thing, what each costs (undefined: not possible), and which was taken. */
export interface Decision {
  /** ONNX node. */
  readonly node: string;
  readonly question: "one block or two" | "packed windows";
  readonly ways: readonly { readonly name: string; readonly cost: Cost | undefined }[];
  readonly taken: string;
}

const text = (cost: Cost | undefined): string => (cost ? `${Math.round(cost.cycles)} cycles` : "not possible");

const heading = (b: Block): string => `block ${b.id} ${b.kind} %${b.name}`;

const decisionLine = (d: Decision): string =>
  `${d.node}: ${d.question}: ${d.ways.map((w) => `${w.name} ${text(w.cost)}`).join(", ")}; taken: ${d.taken}`;

const cycles = (x: number): string => String(Math.round(x));

/** `array 512 + Tandem 64; all on Tandem 9000, all on the array not possible; moving 200`. */
function unitsLine({ loc, array, tandem, arrayAlone, tandemAlone, moving }: NodeUnits): string {
  const parts = [...(array > 0 ? [`array ${cycles(array)}`] : []), ...(tandem > 0 ? [`Tandem ${cycles(tandem)}`] : [])];
  const taken = parts.join(" + ") || "nothing to do";
  const onTandem = array > 0 ? [`all on Tandem ${cycles(tandemAlone)}`] : [];
  const onArray =
    tandem === 0 && array > 0
      ? []
      : [`all on the array ${arrayAlone === undefined ? "not possible" : cycles(arrayAlone)}`];
  return `  ${loc.node} (${loc.op}): ${taken}; ${[...onTandem, ...onArray].join(", ")}; moving ${cycles(moving)}`;
}

/** The blocks that store the values nodes stop at; a value that is a view has none. */
export function stopsByBlock({ program, stops }: Plan): ReadonlyMap<number, readonly Stop[]> {
  const values = new Map(program.tensors.map((t) => [t.id, t.value]));
  const left = (b: Block) => {
    const onChip = b.kind === "compute" ? b.vector.buffers.filter((x) => x.namespace === "IBUF") : [];
    return [...b.results.map((t) => values.get(t)), ...onChip.map((x) => x.label)];
  };
  const blockOf = new Map(program.blocks.flatMap((b) => left(b).map((value) => [value, b.id] as const)));
  const out = new Map<number, Stop[]>();
  for (const s of stops) {
    const block = blockOf.get(s.from);
    if (block !== undefined) out.set(block, [...(out.get(block) ?? []), s]);
  }
  return out;
}

function partitionLines(plan: Plan, graph: Graph, machine: MachineDescription): string[] {
  const { program, decisions, costs } = plan;
  const units = nodeUnits(graph, program, machine);
  const stops = stopsByBlock(plan);
  const blocks = program.blocks.flatMap((b, i) => {
    const nodes = b.locs.map((l) => `${l.node} (${l.op})`).join(", ");
    return [
      `${heading(b)}: ${text(costs[i])}: ${nodes}`,
      ...units.filter((u) => u.block === b.id).map(unitsLine),
      ...(stops.get(b.id) ?? []).map((s) => `  ends ahead of ${s.loc.node} (${s.loc.op}): ${s.reason}`),
    ];
  });
  return [...blocks, ...decisions.map(decisionLine)];
}

const searchText = (s: SearchCounts | undefined): string =>
  s === undefined
    ? ""
    : `; ${s.extents} combinations of extents, ${s.mappings} mappings, ${s.measured} measured, ${
        s.left === 0 ? "none of the others can be better" : `${s.left} left out by the budget`
      }; by itself ${Math.round(s.cycles)} cycles, at least ${Math.ceil(s.least)}`;

function tilingLine(b: ComputeBlock, cost: Cost | undefined, search: SearchCounts | undefined): string {
  const dims = b.dims.filter((d) => d.extent > 1).map((d) => `${d.name} ${d.extent}/${d.tile}x${d.count}`);
  const order = b.order.filter((d) => b.dims[d]!.count > 1).map((d) => b.dims[d]!.name);
  const g = b.gemm;
  const reduction = g
    ? [
        `ic ${g.ic.extent}/${g.ic.tile}x${g.ic.count}`,
        `kh ${g.kh.extent}/${g.kh.tile}x${g.kh.count}`,
        `kw ${g.kw.extent}/${g.kw.tile}x${g.kw.count}`,
      ]
    : [];
  const windows = b.vector.windows.map((w) => `${w.namespace} ${w.rows} rows`);
  const twice = windows.length > 0 ? windows.join(", ") : "none";
  const walk = order.length > 0 ? ` in order ${order.join(" ")}` : "";
  const stays = dataflowOf(b);
  const kept = stays === undefined || stays === "single" ? "" : `; ${stays} stationary`;
  const tiles = `${[...dims, ...reduction].join(", ") || "one step"}${walk}${kept}`;
  return `${heading(b)}: ${tiles}; double-buffered ${twice}; ${text(cost)}${searchText(search)}`;
}

function tilingLines({ program, costs, searches }: Plan): string[] {
  return program.blocks.map((b, i) =>
    b.kind === "compute" ? tilingLine(b, costs[i], searches[i]) : `${heading(b)}: moved as it lies; ${text(costs[i])}`,
  );
}

function scratchpadLine(b: ComputeBlock): string {
  const rows = (["OBUF", "VMEM1", "VMEM2"] as const).map((ns) => {
    const ends = b.vector.buffers.filter((x) => x.namespace === ns).map((x) => x.row + x.rows);
    const doubled = b.vector.windows.filter((w) => w.namespace === ns).reduce((n, w) => n + w.rows, 0);
    return `${ns} ${Math.max(0, ...ends) + doubled} rows`;
  });
  return `${heading(b)}: ${rows.join(", ")}`;
}

function dramLine(p: BlockProgram, s: BlockProgram["storages"][number]): string {
  const names = [...new Set(p.tensors.filter((t) => t.storage === s.id).map((t) => `%${t.value}`))].join(", ");
  const live = s.data ? "constant" : `live in blocks ${s.live[0]}..${s.live[1]}`;
  return `0x${s.address.toString(16)} + ${s.bytes} bytes, ${live}: ${names}`;
}

function residencyLine(p: BlockProgram, r: Residency): string {
  const b = p.blocks[r.to]!;
  const gemm = b.kind === "compute" ? b.gemm : null;
  const reads = `${heading(b)} reads its input`;
  if (r.place === "DRAM") return `${reads} from DRAM: ${r.reason}`;
  const shared = r.shared ? ", and to DRAM" : "";
  return `${reads} in IBUF, ${r.rows} rows from row ${gemm?.resident?.row}, where block ${r.from} writes it${shared}`;
}

function memoryLines({ program, residencies, ...dram }: Plan): string[] {
  return [
    `constants: ${dram.rodata.length} bytes at 0x${dram.rodataAddress.toString(16)}`,
    `activations: ${dram.arenaBytes} bytes at 0x${dram.arenaAddress.toString(16)}, placed by ${dram.arenaOrder}; ${dram.arenaLowerBound} in use at once`,
    ...program.storages.map((s) => dramLine(program, s)),
    ...program.blocks.filter((b) => b.kind === "compute").map(scratchpadLine),
    ...residencies.map((r) => residencyLine(program, r)),
  ];
}

const LINES: {
  readonly [E in Explained]: (plan: Plan, graph: Graph, machine: MachineDescription) => string[];
} = {
  partition: partitionLines,
  tiling: tilingLines,
  memory: memoryLines,
};

/**
 * Lines about blocks, their nodes, decisions and storages.
 * @param graph the integer graph that was planned
 */
export const explain = (plan: Plan, what: Explained, graph: Graph, machine: MachineDescription): string =>
  `${LINES[what](plan, graph, machine).join("\n")}\n`;
