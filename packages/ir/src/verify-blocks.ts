import type {
  Block,
  BlockProgram,
  ComputeBlock,
  DramTensor,
  GemmPart,
  NextInput,
  Storage,
  TileBuffer,
  TileOp,
} from "./blocks.js";
import { CompilerBug } from "./diagnostics.js";
import { physicalDims, physicalElements } from "./layout.js";

/** Everything that is wrong with a block program, by the invariants at the top of blocks.ts. */
export function blockProblems(p: BlockProgram, vmemRows: number): string[] {
  const problems = storageProblems(p.storages);
  const tensors = new Map(p.tensors.map((t) => [t.id, t]));
  const storages = new Map(p.storages.map((s) => [s.id, s]));
  for (const t of p.tensors) problems.push(...tensorProblems(t, storages.get(t.storage), p.lanes));
  const written = new Set<number>(p.inputs.map((i) => tensors.get(i.tensor)!.storage));
  for (const s of p.storages) if (s.data) written.add(s.id);
  let passed: NextInput | undefined;
  for (const b of p.blocks) {
    for (const t of reads(b)) {
      const storage = tensors.get(t)?.storage;
      if (storage === undefined || !storages.has(storage))
        problems.push(`${label(b)} reads tensor ${t}, which has no storage`);
      else if (!written.has(storage)) problems.push(`${label(b)} reads tensor ${t} before any block wrote it`);
    }
    problems.push(...residencyProblems(b, passed));
    if (b.kind === "compute" && (b.gemm || b.vector.next)) passed = b.vector.next ?? undefined;
    for (const t of writes(b)) written.add(tensors.get(t)!.storage);
    if (b.kind !== "compute") continue;
    problems.push(...tileProblems(b), ...bufferProblems(b, vmemRows), ...portProblems(b), ...idleBuffers(b));
    const weights = b.gemm && tensors.get(b.gemm.weights.tensor);
    const held = weights && storages.get(weights.storage);
    if (b.gemm && weights && held) problems.push(...weightProblems(b, b.gemm, weights, held, p.lanes));
  }
  return [...problems, ...idleTensors(p)];
}

/** Buffers that nothing reads once they are written. */
function idleBuffers(b: ComputeBlock): string[] {
  const { buffers, loads, ops, stores, next } = b.vector;
  const readFrom = (id: number, k: number) =>
    next?.buffer === id ||
    ops.slice(k).some((o) => o.sources.some((s) => "buffer" in s && s.buffer === id)) ||
    stores.some((s) => s.buffer === id);
  const results = ops.filter((o, k) => !readFrom(o.dst, k + 1));
  const loaded = loads.filter((l) => !readFrom(l.buffer, 0));
  return [
    ...results.map((o) => `${label(b)}: nothing reads the result of ${o.op}, ${buffers[o.dst]!.label}`),
    ...loaded.map((l) => `${label(b)}: nothing reads ${buffers[l.buffer]!.label}, which is loaded`),
  ];
}

/** Storage that blocks write and nobody reads. */
function idleTensors(p: BlockProgram): string[] {
  const storage = new Map(p.tensors.map((t) => [t.id, t.storage]));
  const read = new Set([...p.blocks.flatMap(reads), ...p.outputs.map((o) => o.tensor)].map((t) => storage.get(t)));
  return p.blocks.flatMap((b) =>
    writes(b).flatMap((t) => (read.has(storage.get(t)) ? [] : [`${label(b)} writes tensor ${t}, which nothing reads`])),
  );
}

const label = (b: Block): string => `block ${b.id} (${b.name})`;

function reads(b: Block): readonly number[] {
  if (b.kind === "copy") return b.src ? [b.src.tensor] : [];
  if (b.kind === "lookup") return [b.table, b.indices];
  const { gemm } = b;
  const g = gemm
    ? [...(gemm.resident ? [] : [gemm.input.tensor]), gemm.weights.tensor, ...(gemm.bias === null ? [] : [gemm.bias])]
    : [];
  return [...g, ...b.vector.loads.map((l) => l.access.tensor)];
}

const writes = (b: Block): readonly number[] =>
  b.kind === "lookup" ? [b.dst] : b.kind === "copy" ? [b.dst.tensor] : b.vector.stores.map((s) => s.access.tensor);

/** `held`: what was written to IBUF since the last GEMM. */
function residencyProblems(b: Block, held: NextInput | undefined): readonly string[] {
  if (b.kind !== "compute" || !b.gemm?.resident) return [];
  const { input, resident, fill } = b.gemm;
  if (!held) return [`${label(b)} reads tensor ${input.tensor} in IBUF, which no block wrote there`];
  return held.row === resident.row && held.fill === fill
    ? []
    : [
        `${label(b)} reads IBUF from row ${resident.row}, fill ${fill}; written from row ${held.row}, fill ${held.fill}`,
      ];
}

function storageProblems(storages: readonly Storage[]): string[] {
  const out: string[] = [];
  const sorted = [...storages].sort((a, b) => a.address - b.address);
  sorted.forEach((a, i) => {
    for (let k = i + 1; k < sorted.length && sorted[k]!.address < a.address + a.bytes; k++) {
      const b = sorted[k]!;
      if (a.live[0] <= b.live[1] && b.live[0] <= a.live[1])
        out.push(`storage ${a.id} and ${b.id} overlap in DRAM while both live`);
    }
  });
  return out;
}

/** A tensor lies inside its storage, and its rows apart: the step of an axis is longer than all that is nested in it. */
function tensorProblems(t: DramTensor, storage: Storage | undefined, lanes: number): string[] {
  if (!storage) return [];
  const out: string[] = [];
  const bytes = ((t.offset + physicalElements(t.shape, t.layout, lanes)) * t.bits) / 8;
  if (t.offset < 0 || bytes > storage.bytes)
    out.push(`tensor ${t.id} (${t.value}) ends at byte ${bytes} of ${storage.bytes} of storage ${storage.id}`);
  if (!t.layout.steps) return out;
  let inside = 1;
  const dims = physicalDims(t.shape, t.layout, lanes).filter((d) => d.extent > 1);
  for (const d of dims.sort((a, b) => a.stride - b.stride)) {
    if (d.stride < inside) out.push(`tensor ${t.id} (${t.value}): rows overlap along axis ${d.axis}`);
    inside += (d.extent - 1) * d.stride;
  }
  return out;
}

/** The blocks of weights of the last step along every dimension end inside the storage. */
function weightProblems(b: ComputeBlock, g: GemmPart, t: DramTensor, storage: Storage, lanes: number): string[] {
  const blocks = g.ic.extent * g.operands.passes * g.kh.extent * g.kw.extent;
  const last = b.dims.reduce((sum, d, i) => sum + g.weights.strides[i]! * (d.before.extent - 1), g.weights.offset);
  const end = (t.offset * t.bits) / 8 + last + blocks * lanes * lanes;
  return end <= storage.bytes
    ? []
    : [`${label(b)} reads weights up to byte ${end} of ${storage.bytes} of tensor ${t.id}`];
}

function tileProblems(b: ComputeBlock): string[] {
  const bad = b.dims.filter((d) => d.tile < 1 || d.tile * d.count < d.extent || d.tile * (d.count - 1) >= d.extent);
  const order = [...b.order].sort((x, y) => x - y).join();
  return [
    ...bad.map((d) => `${label(b)}: ${d.count} tiles of ${d.tile} for ${d.extent} along ${d.name}`),
    ...(order === b.dims.map((_, i) => i).join()
      ? []
      : [`${label(b)}: tile order ${b.order.join()} is no permutation`]),
  ];
}

/** Operations at which a buffer holds data: from its definition to its last use. */
function lifetime(b: ComputeBlock, buffer: number): readonly [number, number] {
  const { ops, stores } = b.vector;
  const def = ops.findIndex((o) => o.dst === buffer);
  let last = def;
  ops.forEach((o, k) => {
    if (o.sources.some((s) => "buffer" in s && s.buffer === buffer)) last = k;
  });
  if (stores.some((s) => s.buffer === buffer)) last = ops.length;
  return [def, last];
}

function bufferProblems(b: ComputeBlock, vmemRows: number): string[] {
  const out: string[] = [];
  const { buffers, windows } = b.vector;
  const inWindow = (x: TileBuffer) =>
    windows.find((w) => w.namespace === x.namespace && x.row >= w.base && x.row < w.base + w.rows);
  for (const x of buffers) {
    if (x.namespace === "OBUF" || x.namespace === "IBUF") continue;
    const w = inWindow(x);
    const end = x.row + x.rows + (w ? w.rows : 0);
    if (x.row < 0 || end > vmemRows)
      out.push(`${label(b)}: buffer ${x.label} ends at row ${end} of ${vmemRows} in ${x.namespace}`);
    if (w && x.row + x.rows > w.base + w.rows) out.push(`${label(b)}: buffer ${x.label} leaves its window`);
  }
  buffers.forEach((x, i) => {
    for (const y of buffers.slice(i + 1)) {
      if (x.namespace !== y.namespace || x.row >= y.row + y.rows || y.row >= x.row + x.rows) continue;
      const [a, z] = [lifetime(b, x.id), lifetime(b, y.id)];
      const together = x.once || y.once ? true : a[0] < z[1] && z[0] < a[1];
      if (together)
        out.push(`${label(b)}: buffers ${x.label} and ${y.label} share rows of ${x.namespace} while both live`);
    }
  });
  return out;
}

function portProblems(b: ComputeBlock): string[] {
  const at = (o: TileOp, i: number) => {
    const s = o.sources[i];
    return s && "buffer" in s ? b.vector.buffers[s.buffer] : undefined;
  };
  const out: string[] = [];
  for (const o of b.vector.ops) {
    const pair: readonly (TileBuffer | undefined)[] =
      o.op === "imacc"
        ? [at(o, 1), at(o, 2)]
        : o.op === "select"
          ? [at(o, 0), at(o, 1)]
          : o.window
            ? [at(o, 0), b.vector.buffers[o.dst]]
            : [at(o, 0), at(o, 1)];
    const [x, y] = pair;
    if (x && y && x.namespace === y.namespace && x.id !== y.id)
      out.push(`${label(b)}: ${o.op} reads ${x.label} and ${y.label}, both in ${x.namespace}`);
  }
  return out;
}

/** Throws a CompilerBug naming `stage` unless the program is well formed. */
export function verifyBlocks(p: BlockProgram, vmemRows: number, stage: string): void {
  const problems = blockProblems(p, vmemRows);
  if (problems.length > 0) throw new CompilerBug(stage, problems.slice(0, 10).join("; "));
}
