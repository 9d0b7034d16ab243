import type { Accelerator } from "../accelerator.js";
import { isShared } from "../arena.js";
import type { MinifloatSteps, TileNest } from "../gemm.js";
import type { MinifloatOperands } from "../minifloat-gemm.js";
import { currentHalf } from "../scratchpad.js";
import type { Machine, Workspace } from "../state.js";
import { perByte } from "../systolic-state.js";
import { decline, declined } from "./decline.js";
import { exponentOffset } from "./dlfloat-code.js";
import { rangeOf } from "./fmma-code.js";
import { minifloatFits, minifloatFunction } from "./minifloat-code.js";
import { finishFunction } from "./minifloat-finish.js";
import { outputsFunction } from "./outputs-code.js";
import type { Recorder } from "./plan.js";
import { type Share, sharesOf, wholeOf } from "./shares.js";
import { TILE_WORDS } from "./sizes.js";
import { type Crew, crewOf, type Part, type Shared, type TeamKernel } from "./team.js";
import { tileFunction } from "./tile-code.js";
import { biasReadable, type TileLists, tileLists, tileListWords, tileReadable, weightWords } from "./tiles.js";
import { type FunctionSpec, instantiate, link, moduleBytes, type WasmFunction } from "./wasm.js";
import { arrayFits } from "./widen-code.js";

/** Reduction steps of a sum that the kernels can count. */
const MOST_STEPS = 2 ** 30;

/** Multiply-accumulates that take as long as one on the diagonal, which reads and writes the sums each time. */
const DIAGONAL_COST = 4;

/** A kernel of one tile's multiplications; those of all threads of a team where there is one. */
type Kernel = (work: Shared) => number;

interface Multiplier {
  readonly memory: WebAssembly.Memory;
  readonly crew: Crew | undefined;
  /** Undefined where the array's shape has no kernels. */
  readonly outputs: WasmFunction | undefined;
  /** By elements per byte, made on first use. */
  readonly tiles: Map<number, Kernel>;
  /** Elements per byte with which the blocks of each half of WBUF were widened. */
  readonly widened: [number, number];
  /** Kernels of minifloat operands, by formats, chunk and what the biases ask for; undefined for those it does not cover. */
  readonly minifloats: Map<string, Kernel | undefined>;
  finish: WasmFunction | undefined;
  /** The nest whose lists are in scratch memory. */
  current: { readonly nest: TileNest; readonly lists: TileLists } | undefined;
  readonly recorder: Recorder;
}

export function createMultiplier(
  m: Machine,
  memory: WebAssembly.Memory,
  recorder: Recorder,
): Pick<Accelerator, "clearOutputs" | "multiplyTile" | "finishOutputs"> {
  const outputs = arrayFits(m.rows, m.columns) ? instantiate([outputsFunction(m.columns)], memory).outputs : undefined;
  const e: Multiplier = {
    memory,
    crew: crewOf(m.team),
    outputs,
    tiles: new Map(),
    widened: [1, 1],
    minifloats: new Map(),
    finish: undefined,
    current: undefined,
    recorder,
  };
  return {
    clearOutputs: (on, nest) => clearOutputs(on, e, nest),
    multiplyTile: (on, nest, k) => multiplyTile(on, e, nest, k),
    finishOutputs: (on, nest, withBias) => finishOutputs(on, e, nest, withBias),
  };
}

function kernelOf({ memory, crew }: Multiplier, spec: FunctionSpec): Kernel {
  const bytes = moduleBytes([spec], isShared(memory));
  const call = link(bytes, memory);
  if (crew !== undefined) {
    const kernel: TeamKernel = crew.kernel(bytes, call);
    return (work) => crew.run(kernel, work);
  }
  return ({ whole: { parameters, weight } }) => weight * call(...parameters);
}

/** The lists of a nest, now in scratch memory; undefined where they do not fit. */
function listsOf(m: Machine, e: Multiplier, nest: TileNest): TileLists | undefined {
  if (e.current?.nest === nest) return e.current.lists;
  if (e.outputs === undefined) return decline(m, "lanes");
  if (tileListWords(nest) > TILE_WORDS) return decline(m, "size");
  const lists = tileLists(m, nest);
  const { scratch } = m;
  e.current = { nest, lists };
  e.recorder.perform("gemm", () => scratch.set(lists.words), lists.words.length);
  return lists;
}

function clearOutputs(m: Machine, e: Multiplier, nest: TileNest): boolean {
  const lists = listsOf(m, e, nest);
  const { outputs } = e;
  if (lists === undefined || outputs === undefined) return false;
  const pad = currentHalf(m.obuf);
  for (const row of nest.outputs.output) pad.written[row] = 1;
  const list = m.scratch.byteOffset + 4 * lists.outputs;
  const to = pad.cells.byteOffset;
  e.recorder.perform("gemm", () => outputs(list, nest.outputs.count, to, 0), 0);
  return true;
}

function tileOf(m: Machine, e: Multiplier, per: 1 | 2 | 4): Kernel {
  const known = e.tiles.get(per);
  if (known !== undefined) return known;
  const made = kernelOf(e, tileFunction(m.rows, m.columns, per));
  e.tiles.set(per, made);
  return made;
}

/** Blocks of the current half that were widened under another element type are to be widened again. */
function widenAnew(m: Machine, e: Multiplier, per: number): void {
  const half = m.wbuf.current;
  if (e.widened[half] === per) return;
  e.widened[half] = per;
  e.recorder.perform(
    "gemm",
    () => {
      for (const { meta } of m.workspaces) meta[half].fill(0);
    },
    0,
  );
}

/** The kernel of the region's minifloat operands, compiled at their first use. */
function minifloatKernel(m: Machine, e: Multiplier, { a, w, pass, chunk }: MinifloatOperands): Kernel | undefined {
  const range = rangeOf(a, w, chunk);
  const key = `${a.mantissaBits} ${w.mantissaBits} ${chunk} ${range.exact} ${range.bounded}`;
  if (e.minifloats.has(key)) return e.minifloats.get(key);
  const kernel = { rows: m.rows, columns: m.columns, a, w, pass, chunk, ties: m.description.ties, range };
  const made = minifloatFits(kernel) ? kernelOf(e, minifloatFunction(kernel)) : undefined;
  e.minifloats.set(key, made);
  return made;
}

/** Does the multiplications of a tile, each thread its share, and counts their active MACs. */
function perform(
  m: Machine,
  e: Multiplier,
  kernel: Kernel,
  lists: TileLists,
  rowMacs: number,
  parametersOf: (share: Share, own: Workspace) => readonly number[],
): void {
  const partOf = (share: Share, i: number): Part => {
    const [from, to] = share.rows;
    return { parameters: parametersOf(share, m.workspaces[i]), weight: (to - from) * m.columns };
  };
  const shares = sharesOf(lists, m.workspaces.length, rowMacs, e.crew?.leastMacs ?? 0);
  const work: Shared = { whole: partOf(wholeOf(lists), 0), parts: shares.map(partOf) };
  const step = () => {
    m.stats.activeMacs += kernel(work);
  };
  e.recorder.perform("gemm", step, 0);
}

/** Addresses of weights, input and output of the current tile. */
const operandsOf = (m: Machine): readonly [number, number, number] => [
  currentHalf(m.wbuf).cells.byteOffset,
  currentHalf(m.ibuf).cells.byteOffset + m.systolic.inputRow * m.rows,
  currentHalf(m.obuf).cells.byteOffset,
];

/** Addresses of the share's entries of the weights and of the rows. */
function listAddresses(m: Machine, nest: TileNest, lists: TileLists, { weights, rows }: Share) {
  const list = m.scratch.byteOffset;
  return { weights: list + 4 * weightWords(nest) * weights[0], rows: list + 4 * lists.rows + 8 * rows[0] };
}

function multiplyMinifloats(
  m: Machine,
  e: Multiplier,
  nest: TileNest,
  { operands, perTile }: MinifloatSteps,
  reductionTile: number,
): boolean {
  const lists = listsOf(m, e, nest);
  const kernel = minifloatKernel(m, e, operands);
  const steps = nest.weights.count * nest.rows.count;
  const before = reductionTile * perTile;
  if (lists === undefined) return false;
  if (kernel === undefined) return declined(m, "lanes");
  if (m.steps + steps > m.maxSteps) return declined(m, "budget");
  if (before + perTile > MOST_STEPS) return declined(m, "size");
  if (!tileReadable(m, nest, lists)) return declined(m, "check");
  m.steps += steps;
  m.stats.macs += steps * operands.pass * m.columns;
  const [blocks, input, output] = operandsOf(m);
  perform(m, e, kernel, lists, operands.pass * m.columns, (share, own) => {
    const at = listAddresses(m, nest, lists, share);
    return [
      at.weights,
      share.weights[1] - share.weights[0],
      before,
      at.rows,
      share.rows[1] - share.rows[0],
      blocks,
      input,
      output,
      own.numbers.byteOffset,
      exponentOffset(operands.a),
      exponentOffset(operands.w),
    ];
  });
  return true;
}

/** Multiply-accumulates that the kernel does for a row; a block with nothing beside its diagonal takes few, and the first tells. */
function macsPerRow(m: Machine, { weights }: TileNest, per: number): number {
  const { cells, width } = currentHalf(m.wbuf);
  const at = weights.weight[0] * width;
  const first = cells.subarray(at, at + m.columns);
  const diagonal = per === 1 && first.every((w, c) => c === 0 || w === 0);
  return diagonal ? DIAGONAL_COST * m.columns : m.rows * per * m.columns;
}

function multiplyTile(m: Machine, e: Multiplier, nest: TileNest, reductionTile: number): boolean {
  if (nest.minifloat !== undefined) return multiplyMinifloats(m, e, nest, nest.minifloat, reductionTile);
  const lists = listsOf(m, e, nest);
  const per = perByte(m.systolic.format);
  const steps = nest.weights.count * nest.rows.count;
  if (lists === undefined) return false;
  if (m.steps + steps > m.maxSteps) return declined(m, "budget");
  if (!tileReadable(m, nest, lists)) return declined(m, "check");
  m.steps += steps;
  m.stats.macs += steps * m.rows * per * m.columns;
  widenAnew(m, e, per);
  const half = m.wbuf.current;
  const [blocks, input, output] = operandsOf(m);
  perform(m, e, tileOf(m, e, per), lists, macsPerRow(m, nest, per), (share, own) => {
    const at = listAddresses(m, nest, lists, share);
    const rows = share.rows[1] - share.rows[0];
    const pairs = lists.distinct ? rows >> 1 : 0;
    return [
      at.weights,
      share.weights[1] - share.weights[0],
      at.rows,
      pairs,
      rows - 2 * pairs,
      blocks,
      own.wide[half].byteOffset,
      own.meta[half].byteOffset,
      input,
      output,
    ];
  });
  return true;
}

function finishOutputs(m: Machine, e: Multiplier, nest: TileNest, withBias: boolean): boolean {
  const lists = listsOf(m, e, nest);
  if (lists === undefined || e.outputs === undefined) return false;
  if (withBias && !biasReadable(m, nest)) return declined(m, "check");
  const list = m.scratch.byteOffset + 4 * lists.outputs;
  const to = currentHalf(m.obuf).cells.byteOffset;
  const bias = withBias ? currentHalf(m.bbuf).cells.byteOffset : 0;
  if (nest.minifloat !== undefined)
    e.finish ??= instantiate([finishFunction(m.columns, m.description.ties)], e.memory).finish;
  const finish = nest.minifloat === undefined ? e.outputs : (e.finish as WasmFunction);
  e.recorder.perform("gemm", () => finish(list, nest.outputs.count, to, bias), 0);
  return true;
}
