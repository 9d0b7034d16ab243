/** From a block program to an object file: instruction words, constants, I/O and debug tables. */
import {
  type Block,
  type BlockProgram,
  type DramTensor,
  type DType,
  elements,
  type Graph,
  isFloat,
  type Loc,
  physicalDims,
} from "@accelc/ir";
import {
  type AccelObject,
  type DebugBlock,
  type DebugNode,
  type DebugRange,
  type DebugTensor,
  FORMAT_VERSION,
  type LayoutTerm,
  type StorageBits,
  type TensorPlace,
  UNIT,
} from "@accelc/isa";
import { type MachineDescription, machineHash } from "@accelc/machine";
import { emitCopy } from "./copy.js";
import { Emitter } from "./emit.js";
import { emitLookup } from "./lookup.js";
import { NestTables } from "./slots.js";
import { emitSystolicRegion } from "./systolic.js";
import { storageOf, tensorAddress, tensorOf } from "./tensors.js";
import { emitVectorRegion } from "./vector.js";

/** Where the linker puts things in DRAM, in bytes. */
export interface DramMap {
  readonly rodataAddress: number;
  readonly rodata: Uint8Array;
  readonly arenaAddress: number;
  readonly arenaBytes: number;
}

/** A stretch of words between two BLOCK_ENDs. */
interface EmittedBlock {
  readonly block: Block;
  readonly start: number;
  readonly words: number;
  /** The last one of its block: the block's results are complete. */
  readonly completes: boolean;
}

/** Emits every block; a copy of several boxes becomes several blocks of the binary. */
function emitBlocks(e: Emitter, p: BlockProgram, machine: MachineDescription): EmittedBlock[] {
  const out: EmittedBlock[] = [];
  const tables = new NestTables(machine);
  p.blocks.forEach((block, i) => {
    let start = e.position;
    e.at(block.locs[0]!);
    const end = (completes: boolean) => {
      e.emit({ op: "block_end", last: completes && i === p.blocks.length - 1 ? 1 : 0 });
      out.push({ block, start, words: e.position - start, completes });
      start = e.position;
    };
    if (block.kind === "copy") emitCopy(e, p, block, tables, () => end(false));
    else if (block.kind === "lookup") emitLookup(e, p, block, machine);
    else {
      if (block.gemm) emitSystolicRegion(e, p, block, block.gemm);
      emitVectorRegion(e, p, block, tables);
    }
    end(true);
  });
  return out;
}

/** A network that moves nothing still needs a block: an empty SIMD region. */
function emitIdle(e: Emitter): void {
  e.beginRegion(UNIT.SIMD, 0);
  e.endRegion();
  e.emit({ op: "block_end", last: 1 });
}

/** The words of a program alone: what it costs to run does not depend on constants and names. */
export function emitText(p: BlockProgram, machine: MachineDescription): Uint32Array {
  const e = new Emitter();
  emitBlocks(e, p, machine);
  return e.finish().text;
}

function layoutTerms(t: DramTensor, lanes: number): LayoutTerm[] {
  const dims = physicalDims(t.shape, t.layout, lanes).filter((d) => d.axis < t.shape.length);
  return dims.map((d) => ({ axis: d.axis, div: d.div, extent: d.extent, stride: (d.stride * t.bits) / 8 }));
}

function place(p: BlockProgram, graph: Graph, id: number, name: string, elementType: string): TensorPlace {
  const t = tensorOf(p, id);
  const { quant } = graph.values.get(t.value)!.type;
  const storage = storageOf(p, t);
  return {
    name,
    elementType,
    shape: t.shape,
    address: tensorAddress(p, id),
    bits: t.bits as StorageBits,
    scale: quant?.scale.length === 1 ? quant.scale[0]! : 1,
    zeroPoint: quant?.zeroPoint ?? 0,
    ...(isFloat(elementType as DType) && !quant ? { raw: true } : {}),
    bytes: storage.bytes - (t.offset * t.bits) / 8,
    layout: layoutTerms(t, p.lanes),
  };
}

/** An ONNX node's number in the debug table. */
class NodeTable {
  readonly nodes: DebugNode[] = [];
  private readonly ids = new Map<string, number>();

  id(loc: Loc): number {
    const key = `${loc.node}\n${loc.op}`;
    const have = this.ids.get(key);
    if (have !== undefined) return have;
    const id = this.nodes.length;
    this.nodes.push({ id, name: loc.node, op: loc.op });
    this.ids.set(key, id);
    return id;
  }
}

/** An object file, and by block of the binary the index of the program's block that it belongs to. */
export interface Binary {
  readonly object: AccelObject;
  readonly origins: readonly number[];
}

/** The object file of a block program; parameters as of `emitBinary`. */
export const emitProgram = (p: BlockProgram, map: DramMap, graph: Graph, machine: MachineDescription): AccelObject =>
  emitBinary(p, map, graph, machine).object;

/**
 * The object file of a block program, and where its blocks come from.
 * @param graph the integer graph it was planned from: scales and zero points of the I/O table
 */
export function emitBinary(p: BlockProgram, map: DramMap, graph: Graph, machine: MachineDescription): Binary {
  const e = new Emitter();
  const emitted = emitBlocks(e, p, machine);
  if (emitted.length === 0) emitIdle(e);
  const { text, ranges } = e.finish();
  const table = new NodeTable();
  const blocks = emitted.map(
    ({ block, start, words }, id): DebugBlock => ({
      id,
      name: block.name,
      unit: block.kind !== "compute" || !block.gemm ? "tandem" : block.vector.ops.length > 0 ? "both" : "systolic",
      start,
      words,
      nodes: block.locs.map((l) => table.id(l)),
    }),
  );
  const debugRanges = ranges.map((r): DebugRange => ({ start: r.start, words: r.words, node: table.id(r.loc) }));
  const tensors = emitted.flatMap(({ block, completes }, at) =>
    (completes ? block.results : []).map((id): DebugTensor => {
      const { value } = tensorOf(p, id);
      const type = graph.values.get(value)!.type;
      const elementType = type.quant ? "float32" : type.dtype;
      return { ...place(p, graph, id, value, elementType), block: at, node: table.id(block.locs.at(-1)!) };
    }),
  );
  const seen = new Set<string>();
  const object: AccelObject = {
    formatVersion: FORMAT_VERSION,
    machineName: machine.name,
    machineHash: machineHash(machine),
    text,
    symbols: emitted.map(({ start, words }, id) => ({ name: `b${id}`, start, words })),
    rodata: map.rodata,
    rodataAddress: map.rodataAddress,
    bssAddress: map.arenaAddress,
    bssSize: map.arenaBytes,
    io: {
      inputs: p.inputs.map((x) => place(p, graph, x.tensor, x.name, x.elementType)),
      outputs: p.outputs.map((x) => place(p, graph, x.tensor, x.name, x.elementType)),
    },
    debug: {
      model: graph.name,
      nodes: table.nodes,
      blocks,
      ranges: debugRanges,
      tensors: tensors.filter((t) => !seen.has(t.name) && elements(t.shape) > 0 && seen.add(t.name)),
    },
  };
  return { object, origins: emitted.map(({ block }) => p.blocks.indexOf(block)) };
}
