import { NS } from "@accelc/isa";
import type { Accelerator, DaeTransfer } from "../accelerator.js";
import type { WorkKind } from "../profile.js";
import { currentHalf } from "../scratchpad.js";
import type { Machine } from "../state.js";
import { count } from "../stats.js";
import { MOVE_WORDS, moveFunction } from "./move-code.js";
import { daeMoves, loadMoves, type MoveList, storeMoves } from "./moves.js";
import { createMultiplier } from "./multiply.js";
import { type NestCall, type NestCode, prepareNest } from "./nest.js";
import { permuteMoves } from "./permute-moves.js";
import { PlanMissed, type Recorder, type Step } from "./plan.js";
import { createRepeats, type Repeats } from "./repeats.js";
import { SCRATCH_WORDS, TILE_WORDS } from "./sizes.js";
import { crewOf, type Part } from "./team.js";
import { instantiate, type WasmFunction } from "./wasm.js";

const MOVES_AT_ONCE = Math.floor((SCRATCH_WORDS - TILE_WORDS) / MOVE_WORDS);

interface Engine {
  readonly memory: WebAssembly.Memory;
  readonly codes: NestCode;
  readonly move: WasmFunction;
  readonly repeats: Repeats;
  readonly recorder: Recorder;
}

/** Every step is done through `recorder`. Undefined where the machine's state is not in WebAssembly memory. */
export function createAccelerator(m: Machine, recorder: Recorder): Accelerator | undefined {
  const { memory } = m;
  if (memory === undefined) return undefined;
  const { move } = instantiate([moveFunction], memory);
  const e: Engine = { memory, codes: new Map(), move, repeats: createRepeats(), recorder };
  const multiplier = createMultiplier(m, memory, recorder);
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
      recorder.perform("tandem", filling(cells, value), 0);
      return covered("fill", true, on);
    },
    clearOutputs: (on, nest) => covered("clear", multiplier.clearOutputs(on, nest), on),
    multiplyTile: (on, nest, k) => covered("tile", multiplier.multiplyTile(on, nest, k), on),
    finishOutputs: (on, nest, withBias) => covered("bias", multiplier.finishOutputs(on, nest, withBias), on),
  };
}

/** Eight cells at a time where they lie so: the host fills memory that threads share one element after another. */
function filling(cells: Int8Array, value: number): Step {
  if (cells.byteOffset % 8 !== 0 || cells.length % 8 !== 0) return () => cells.fill(value);
  const wide = new BigInt64Array(cells.buffer, cells.byteOffset, cells.length / 8);
  const eight = new BigInt64Array(new Int8Array(8).fill(value).buffer)[0]!;
  return () => wide.fill(eight);
}

function runNest(m: Machine, e: Engine, ...[issues, levels]: NestArguments): boolean {
  const call = prepareNest(m, e.memory, e.codes, issues, levels);
  if (call === undefined) return false;
  const { words, step } = nestStep(m, call);
  e.recorder.perform("tandem", step, words);
  // A row of the next block's input moves from tile to tile.
  if (issues.some((i) => i.dst?.ns === NS.IBUF)) return true;
  const iterations = levels.reduce((n, l) => n * l.count, 1);
  e.repeats.note(m, { step, ops: issues.map((i) => i.op), iterations });
  return true;
}

/** Sets the parameter blocks, one behind the other, and calls. */
function nestStep(
  m: Machine,
  { kernel, parameters, shares }: NestCall,
): { readonly words: number; readonly step: Step } {
  const { scratch } = m;
  const { call, shared } = kernel;
  const crew = crewOf(m.team);
  const size = parameters.length;
  const words = size * (1 + shares.length);
  const at = scratch.byteOffset + 4 * TILE_WORDS;
  if (crew === undefined || shared === undefined || shares.length === 0 || words > SCRATCH_WORDS - TILE_WORDS) {
    const step = () => {
      scratch.set(parameters, TILE_WORDS);
      call(at);
    };
    return { words: size, step };
  }
  const all = new Int32Array(words);
  for (const [i, block] of [parameters, ...shares].entries()) all.set(block, i * size);
  const partAt = (i: number): Part => ({ parameters: [at + 4 * i * size], weight: 0 });
  const work = { whole: partAt(0), parts: shares.map((_, i) => partAt(i + 1)) };
  const step = () => {
    scratch.set(all, TILE_WORDS);
    crew.run(shared, work);
  };
  return { words, step };
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
