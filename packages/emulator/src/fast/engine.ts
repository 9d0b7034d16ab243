import { NS } from "@accelc/isa";
import type { Accelerator, DaeTransfer } from "../accelerator.js";
import type { MinifloatSteps, TileNest } from "../gemm.js";
import type { MinifloatOperands } from "../minifloat-gemm.js";
import type { WorkKind } from "../profile.js";
import { currentHalf } from "../scratchpad.js";
import type { Machine } from "../state.js";
import { count } from "../stats.js";
import { perByte } from "../systolic-state.js";
import { decline, declined } from "./decline.js";
import { exponentOffset } from "./dlfloat-code.js";
import { rangeOf } from "./fmma-code.js";
import { minifloatFits, minifloatFunction } from "./minifloat-code.js";
import { finishFunction } from "./minifloat-finish.js";
import { MOVE_WORDS, moveFunction } from "./move-code.js";
import { daeMoves, loadMoves, type MoveList, storeMoves } from "./moves.js";
import { type NestCode, prepareNest } from "./nest.js";
import { outputsFunction } from "./outputs-code.js";
import { permuteMoves } from "./permute-moves.js";
import { PlanMissed, type Recorder, type Step } from "./plan.js";
import { createRepeats, type Repeats } from "./repeats.js";
import { SCRATCH_WORDS, TILE_WORDS } from "./sizes.js";
import { tileFunction } from "./tile-code.js";
import { biasReadable, type TileLists, tileLists, tileListWords, tileReadable } from "./tiles.js";
import { instantiate, type WasmFunction } from "./wasm.js";
import { arrayFits } from "./widen-code.js";

/** Reduction steps of a sum that the kernels can count. */
const MOST_STEPS = 2 ** 30;
const MOVES_AT_ONCE = Math.floor((SCRATCH_WORDS - TILE_WORDS) / MOVE_WORDS);

interface Engine {
  readonly memory: WebAssembly.Memory;
  readonly codes: NestCode;
  readonly move: WasmFunction;
  /** By elements per byte, made on first use. */
  readonly tiles: Map<number, WasmFunction>;
  /** Undefined where the array's shape has no kernels. */
  readonly outputs: WasmFunction | undefined;
  /** Elements per byte with which the blocks of each half of WBUF were widened. */
  readonly widened: [number, number];
  /** Kernels of minifloat operands, by formats, chunk and what the biases ask for; undefined for those it does not cover. */
  readonly minifloats: Map<string, WasmFunction | undefined>;
  finish: WasmFunction | undefined;
  /** The nest whose lists are in scratch memory. */
  current: { readonly nest: TileNest; readonly lists: TileLists } | undefined;
  readonly repeats: Repeats;
  readonly recorder: Recorder;
}

/** Every step is done through `recorder`. Undefined where the machine's state is not in WebAssembly memory. */
export function createAccelerator(m: Machine, recorder: Recorder): Accelerator | undefined {
  const { memory } = m;
  if (memory === undefined) return undefined;
  const fits = arrayFits(m.rows, m.columns);
  const kernels = fits
    ? instantiate([moveFunction, outputsFunction(m.columns)], memory)
    : { ...instantiate([moveFunction], memory), outputs: undefined };
  const own = { memory, codes: new Map(), tiles: new Map(), widened: [1, 1] as [number, number] };
  const e: Engine = {
    ...own,
    ...kernels,
    minifloats: new Map(),
    finish: undefined,
    current: undefined,
    repeats: createRepeats(),
    recorder,
  };
  const covered = (kind: string, done: boolean, on: Machine): boolean => {
    count(on.stats.calls, kind, 1);
    if (done) return true;
    count(on.stats.fallbacks, `${kind}: ${on.declined}`, 1);
    on.stats.slowRegions.add(`${on.block} ${on.unit}`);
    return false;
  };
  return {
    nestAgain: (on) => {
      const known = e.repeats.find(on);
      if (known === undefined) return false;
      recorder.perform("tandem", known.step, 0);
      return covered("nest", true, on);
    },
    nest: (on, issues, levels) => covered("nest", runNest(on, e, issues, levels), on),
    dae: (on, t) => {
      if (!t.store && t.elements % on.lanes !== 0) recorder.writesPart(t.pad);
      return covered("transfer", runDae(on, e, t), on);
    },
    permute: (on, i, src, dst, sides) => {
      recorder.writesPart(dst);
      return covered("permute", runMoves(on, e, permuteMoves(on, i, src, dst, sides), "tandem"), on);
    },
    load: (on, t, base, outer) => {
      if (on.systolic.pack !== undefined) recorder.writesPart(currentHalf(on.ibuf));
      return covered("load", runMoves(on, e, loadMoves(on, t, base, outer)), on);
    },
    store: (on, t, base, outer) => covered("store", runMoves(on, e, storeMoves(on, t, base, outer)), on),
    fill: (on, cells, value) => {
      recorder.perform("tandem", () => cells.fill(value), 0);
      return covered("fill", true, on);
    },
    clearOutputs: (on, nest) => covered("clear", clearOutputs(on, e, nest), on),
    multiplyTile: (on, nest, k) => covered("tile", multiplyTile(on, e, nest, k), on),
    finishOutputs: (on, nest, withBias) => covered("bias", finishOutputs(on, e, nest, withBias), on),
  };
}

function runNest(m: Machine, e: Engine, ...[issues, levels]: NestArguments): boolean {
  const call = prepareNest(m, e.memory, e.codes, issues, levels);
  if (call === undefined) return false;
  const { run, parameters } = call;
  const { scratch } = m;
  const at = scratch.byteOffset + 4 * TILE_WORDS;
  const step = () => {
    scratch.set(parameters, TILE_WORDS);
    run(at);
  };
  e.recorder.perform("tandem", step, parameters.length);
  // A row of the next block's input moves from tile to tile.
  if (issues.some((i) => i.dst?.ns === NS.IBUF)) return true;
  const iterations = levels.reduce((n, l) => n * l.count, 1);
  e.repeats.note(m, { step, ops: issues.map((i) => i.op), iterations });
  return true;
}

type NestArguments = Parameters<Accelerator["nest"]> extends [Machine, ...infer R] ? R : never;

function runDae(m: Machine, e: Engine, t: DaeTransfer): boolean {
  const made = daeMoves(m, t);
  if (made === undefined) return false;
  if (t.list === undefined) return runMoves(m, e, made.moves);
  let next: MoveList | undefined = made.moves;
  e.recorder.perform(
    "transfer",
    () => {
      const moves = next ?? made.again();
      next = undefined;
      if (moves === undefined) throw new PlanMissed();
      for (const step of moveSteps(m, e, moves)) step.run();
    },
    0,
  );
  return true;
}

function runMoves(m: Machine, e: Engine, list: MoveList | undefined, kind: WorkKind = "transfer"): boolean {
  if (list === undefined) return false;
  for (const { run, words } of moveSteps(m, e, list)) e.recorder.perform(kind, run, words);
  return true;
}

function moveSteps(m: Machine, e: Engine, list: MoveList): { readonly run: Step; readonly words: number }[] {
  const words = list.finish();
  const { scratch } = m;
  const at = scratch.byteOffset + 4 * TILE_WORDS;
  const steps = [];
  for (let from = 0; from < words.length; from += MOVES_AT_ONCE * MOVE_WORDS) {
    const part = words.subarray(from, from + MOVES_AT_ONCE * MOVE_WORDS);
    const run = () => {
      scratch.set(part, TILE_WORDS);
      e.move(at, at + 4 * part.length);
    };
    steps.push({ run, words: part.length });
  }
  return steps;
}

/** The lists of a nest, now in scratch memory; undefined where they do not fit. */
function listsOf(m: Machine, e: Engine, nest: TileNest): TileLists | undefined {
  if (e.current?.nest === nest) return e.current.lists;
  if (e.outputs === undefined) return decline(m, "lanes");
  if (tileListWords(nest) > TILE_WORDS) return decline(m, "size");
  const lists = tileLists(m, nest);
  const { scratch } = m;
  e.current = { nest, lists };
  e.recorder.perform("gemm", () => scratch.set(lists.words), lists.words.length);
  return lists;
}

function clearOutputs(m: Machine, e: Engine, nest: TileNest): boolean {
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

function tileOf(m: Machine, e: Engine, per: 1 | 2 | 4): WasmFunction {
  const known = e.tiles.get(per);
  if (known !== undefined) return known;
  const { tile } = instantiate([tileFunction(m.rows, m.columns, per)], e.memory);
  e.tiles.set(per, tile);
  return tile;
}

/** Blocks of the current half that were widened under another element type are to be widened again. */
function widenAnew(m: Machine, e: Engine, per: number): void {
  const half = m.wbuf.current;
  if (e.widened[half] === per) return;
  e.widened[half] = per;
  const meta = m.blockMeta[half];
  e.recorder.perform("gemm", () => meta.fill(0), 0);
}

/** The kernel of the region's minifloat operands, compiled at their first use. */
function minifloatKernel(m: Machine, e: Engine, { a, w, pass, chunk }: MinifloatOperands): WasmFunction | undefined {
  const range = rangeOf(a, w, chunk);
  const key = `${a.mantissaBits} ${w.mantissaBits} ${chunk} ${range.exact} ${range.bounded}`;
  if (e.minifloats.has(key)) return e.minifloats.get(key);
  const kernel = { rows: m.rows, columns: m.columns, a, w, pass, chunk, ties: m.description.ties, range };
  const made = minifloatFits(kernel) ? instantiate([minifloatFunction(kernel)], e.memory).minifloats : undefined;
  e.minifloats.set(key, made);
  return made;
}

function multiplyMinifloats(
  m: Machine,
  e: Engine,
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
  const list = m.scratch.byteOffset;
  const perRow = nest.rows.count * m.columns;
  const parameters = [
    list,
    nest.weights.count,
    before,
    list + 4 * lists.rows,
    nest.rows.count,
    currentHalf(m.wbuf).cells.byteOffset,
    currentHalf(m.ibuf).cells.byteOffset + m.systolic.inputRow * m.rows,
    currentHalf(m.obuf).cells.byteOffset,
    m.numbers.byteOffset,
    exponentOffset(operands.a),
    exponentOffset(operands.w),
  ] as const;
  e.recorder.perform(
    "gemm",
    () => {
      m.stats.activeMacs += kernel(...parameters) * perRow;
    },
    0,
  );
  return true;
}

function multiplyTile(m: Machine, e: Engine, nest: TileNest, reductionTile: number): boolean {
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
  const tile = tileOf(m, e, per);
  const pairs = lists.distinct ? nest.rows.count >> 1 : 0;
  const half = m.wbuf.current;
  const list = m.scratch.byteOffset;
  const perRow = nest.rows.count * m.columns;
  const parameters = [
    list,
    nest.weights.count,
    list + 4 * lists.rows,
    pairs,
    nest.rows.count - 2 * pairs,
    currentHalf(m.wbuf).cells.byteOffset,
    m.wideBlocks[half].byteOffset,
    m.blockMeta[half].byteOffset,
    currentHalf(m.ibuf).cells.byteOffset + m.systolic.inputRow * m.rows,
    currentHalf(m.obuf).cells.byteOffset,
  ] as const;
  e.recorder.perform(
    "gemm",
    () => {
      m.stats.activeMacs += tile(...parameters) * perRow;
    },
    0,
  );
  return true;
}

function finishOutputs(m: Machine, e: Engine, nest: TileNest, withBias: boolean): boolean {
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
