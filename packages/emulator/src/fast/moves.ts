import { BUFFER } from "@accelc/isa";
import type { DaeList, DaeTransfer } from "../accelerator.js";
import { offsetIn, readable } from "../dram.js";
import { forEachRun, type OuterTrip, tripProduct } from "../runs.js";
import { type BytePad, currentHalf, type WordPad } from "../scratchpad.js";
import type { Machine } from "../state.js";
import { count, type DramPort } from "../stats.js";
import { packPosition, type Transfer } from "../transfer.js";
import { decline } from "./decline.js";
import { MOVE, MOVE_WORDS } from "./move-code.js";
import { windowed } from "./nest.js";
import { rangeWritten } from "./row-set.js";
import { META_WORDS } from "./sizes.js";

/** Bytes per counted unit of a move, by kind; a source of 0 is a value. */
const TO_UNIT = [1, 1, 4, 4, 4, 1, 2];
const FROM_UNIT = [1, 0, 0, 1, 2, 4, 4];

/** Entries for the `move` function; neighbours that continue one another become one. */
export class MoveList {
  private words = new Int32Array(16 * MOVE_WORDS);
  private used = 0;

  /** The entries, in order. */
  finish(): Int32Array {
    return this.words.slice(0, this.used);
  }

  private push(kind: number, to: number, from: number, n: number, strides: number): void {
    if (this.used === this.words.length) {
      const more = new Int32Array(2 * this.used);
      more.set(this.words);
      this.words = more;
    }
    const { words, used } = this;
    words[used] = kind;
    words[used + 1] = to;
    words[used + 2] = from;
    words[used + 3] = n;
    words[used + 4] = strides;
    this.used += MOVE_WORDS;
  }

  add(kind: number, to: number, from: number, n: number): void {
    if (n <= 0) return;
    const { words } = this;
    const last = this.used - MOVE_WORDS;
    if (last >= 0 && words[last] === kind) {
      const count = words[last + 3];
      const follows = words[last + 1] + count * TO_UNIT[kind] === (to | 0);
      if (follows && words[last + 2] + count * FROM_UNIT[kind] === (from | 0)) {
        words[last + 3] = count + n;
        return;
      }
    }
    this.push(kind, to, from, n, 0);
  }

  /** Words one by one, strides in words. */
  addWords(to: number, toStride: number, from: number, fromStride: number, n: number): void {
    this.push(MOVE.WORDS, to, from, n, (toStride & 0xffff) | (fromStride << 16));
  }
}

const MOST_RUNS = 2 ** 18;

/** Address in memory of `bytes` bytes of DRAM; undefined where some do not exist, or a write meets constants (spans do not overlap). */
function dramAddress(m: Machine, address: number, bytes: number, write: boolean): number | undefined {
  return write ? offsetIn(m.dram.arena, address, bytes) : readable(m.dram, address, bytes);
}

const affords = (m: Machine, steps: number): boolean => m.steps + steps <= m.maxSteps;

const LOADS: { readonly [bits: number]: number } = { 8: MOVE.LOAD8, 16: MOVE.LOAD16, 32: MOVE.BYTES };
const STORES: { readonly [bits: number]: number } = {
  2: MOVE.STORE2,
  4: MOVE.STORE4,
  8: MOVE.STORE8,
  16: MOVE.STORE16,
  32: MOVE.BYTES,
};

/** Words a list of positions is read from: its first cell. Undefined: some row is outside or was not written. */
function listCell(m: Machine, t: DaeTransfer): number | undefined {
  if (t.list === undefined) return 0;
  const { row, trips, pad, ns } = t.list;
  const length = Math.ceil(trips / m.lanes);
  const span = { first: row, length, last: row + length - 1, outers: [] };
  const first = windowed(m, ns, span, row);
  if (first === undefined || first + length > pad.rows) return undefined;
  return rangeWritten(pad.written, first, length) ? first * m.lanes : undefined;
}

/** Bytes that the list adds to the address of a run; undefined where the index is out of range. */
const listed = (list: DaeList | undefined, cell: number, run: number): number | undefined => {
  if (list === undefined) return 0;
  const i = list.pad.cells[cell + (Math.floor(run / list.inner) % list.trips)];
  if (i < -list.extent || i >= list.extent) return undefined;
  return (i < 0 ? i + list.extent : i) * list.stride;
};

interface DaeMoves {
  readonly moves: MoveList;
  /** Makes the moves again for what the list of positions holds then; undefined where something does not fit. */
  readonly again: () => MoveList | undefined;
}

export function daeMoves(m: Machine, t: DaeTransfer): DaeMoves | undefined {
  const { pad, rows, store } = t;
  const runs = tripProduct(t.loops);
  const last = t.tileRow + runs * rows - 1;
  if (runs > MOST_RUNS) return decline(m, "size");
  if (!affords(m, runs * rows)) return decline(m, "budget");
  const span = { first: t.tileRow, length: last - t.tileRow + 1, last, outers: [] };
  const base = windowed(m, t.ns, span, t.tileRow);
  const cell = listCell(m, t);
  if (base === undefined) return decline(m, "window");
  if (base + span.length > pad.rows || cell === undefined) return decline(m, "check");
  const made = makeDaeMoves(m, t, base, cell);
  if (made === undefined) return undefined;
  m.steps += runs * rows;
  if (made.moved > 0) count(store ? m.stats.dramWritten : m.stats.dramRead, pad.name as DramPort, made.moved);
  if (!store) pad.written.fill(1, base, base + span.length);
  return { moves: made.list, again: () => makeDaeMoves(m, t, base, cell)?.list };
}

function makeDaeMoves(m: Machine, t: DaeTransfer, base: number, listAt: number) {
  const { pad, rows, elements, rowBytes, store } = t;
  const kind = (store ? STORES : LOADS)[t.bits];
  if (kind === undefined || !Number.isInteger(rowBytes)) return decline(m, "bits");
  const { lanes } = m;
  const list = new MoveList();
  const unit = t.bits === 32 ? 4 : 1;
  let moved = 0;
  let fits = true;
  forEachRun(t.loops, t.base, rows, t.bounds, t.outer, (address, _, from, to, run) => {
    if (!fits) return;
    const first = base + run * rows;
    const cell = pad.cells.byteOffset + 4 * first * lanes;
    const bytes = Math.max(0, Math.min(to * rowBytes, t.bytes) - from * rowBytes);
    const begin = Math.min(from * lanes, elements);
    const end = Math.min(to * lanes, elements);
    const offset = listed(t.list, listAt, run);
    const start = address + (offset ?? 0) + from * rowBytes;
    const at = bytes > 0 ? dramAddress(m, start >>> 0, bytes, store) : 0;
    const readable = !store || bytes === 0 || rangeWritten(pad.written, first + from, to - from);
    fits = offset !== undefined && at !== undefined && readable;
    if (!fits || at === undefined) return;
    moved += bytes;
    if (!store) {
      list.add(MOVE.FILL_WORDS, cell, t.fill, begin);
      list.add(kind, cell + 4 * begin, at, (end - begin) * unit);
      list.add(MOVE.FILL_WORDS, cell + 4 * end, t.fill, elements - end);
    } else if (bytes > 0) list.add(kind, at, cell + 4 * begin, (end - begin) * unit);
  });
  return fits ? { list, moved } : decline(m, "check");
}

/** A systolic load into the current half of its buffer. */
export function loadMoves(m: Machine, t: Transfer, base: number, outer: OuterTrip): MoveList | undefined {
  const pad: WordPad | BytePad =
    t.buffer === BUFFER.BBUF ? currentHalf(m.bbuf) : currentHalf(t.buffer === BUFFER.WBUF ? m.wbuf : m.ibuf);
  const pack = t.buffer === BUFFER.IBUF ? m.systolic.pack : undefined;
  const runs = tripProduct(t.loops);
  const steps = pack === undefined ? runs * t.units : runs;
  if (runs > MOST_RUNS) return decline(m, "size");
  if (!affords(m, steps)) return decline(m, "budget");
  const { rowBytes, units } = t;
  const position = pack === undefined ? undefined : packPosition(t.loops);
  const list = new MoveList();
  const spans: number[] = [];
  let moved = 0;
  let fits = true;
  const unit = position === undefined ? rowBytes : 1;
  const fill = t.buffer === BUFFER.BBUF ? MOVE.FILL_WORDS : MOVE.FILL;
  const fillUnits = t.buffer === BUFFER.BBUF ? 4 : 1;
  forEachRun(t.loops, base, units, t.bounds, outer, (address, row, from, to, run) => {
    if (!fits) return;
    const first = row * rowBytes + (position === undefined ? 0 : (pack?.bank ?? 0) + position(run) * units);
    const low = Math.floor(first / rowBytes);
    const high = Math.floor((first + units * unit - 1) / rowBytes);
    const bytes = (to - from) * unit;
    const at = bytes > 0 ? dramAddress(m, (address + from * unit) >>> 0, bytes, false) : 0;
    if (at === undefined || low < 0 || high >= pad.rows) {
      fits = false;
      return;
    }
    moved += bytes;
    const cell = pad.cells.byteOffset + first;
    list.add(fill, cell, t.fill, (from * unit) / fillUnits);
    list.add(MOVE.BYTES, cell + from * unit, at, bytes);
    list.add(fill, cell + to * unit, t.fill, ((units - to) * unit) / fillUnits);
    const s = spans.length;
    if (s > 0 && spans[s - 2] <= low && spans[s - 1] + 1 >= low) spans[s - 1] = Math.max(spans[s - 1], high);
    else spans.push(low, high);
  });
  if (!fits) return decline(m, "check");
  m.steps += steps;
  if (moved > 0) count(m.stats.dramRead, t.name, moved);
  for (let s = 0; s < spans.length; s += 2) {
    pad.written.fill(1, spans[s], spans[s + 1] + 1);
    if (t.buffer === BUFFER.WBUF) forgetBlocks(m, list, spans[s], spans[s + 1] + 1);
  }
  return list;
}

/** Blocks [from, to) of the current half have new weights. */
function forgetBlocks(m: Machine, list: MoveList, from: number, to: number): void {
  const known = m.blocks[m.wbuf.current];
  for (let b = from; b < Math.min(to, known.length); b++) known[b] = undefined;
  for (const { meta } of m.workspaces) {
    const at = meta[m.wbuf.current].byteOffset + 4 * META_WORDS * from;
    list.add(MOVE.FILL_WORDS, at, 0, (to - from) * META_WORDS);
  }
}

/** A systolic store of the current half of OBUF. */
export function storeMoves(m: Machine, t: Transfer, base: number, outer: OuterTrip): MoveList | undefined {
  const pad = currentHalf(m.obuf);
  const runs = tripProduct(t.loops);
  if (runs > MOST_RUNS) return decline(m, "size");
  if (!affords(m, runs * t.units)) return decline(m, "budget");
  const list = new MoveList();
  let moved = 0;
  let fits = true;
  forEachRun(t.loops, base, t.units, t.bounds, outer, (address, row, from, to) => {
    if (!fits) return;
    fits = row >= 0 && row + t.units <= pad.rows;
    if (!fits || to <= from) return;
    const bytes = (to - from) * t.rowBytes;
    const at = dramAddress(m, (address + from * t.rowBytes) >>> 0, bytes, true);
    fits = at !== undefined && rangeWritten(pad.written, row + from, to - from);
    if (at === undefined || !fits) return;
    moved += bytes;
    list.add(MOVE.BYTES, at, pad.cells.byteOffset + (row + from) * t.rowBytes, bytes);
  });
  if (!fits) return decline(m, "check");
  m.steps += runs * t.units;
  if (moved > 0) count(m.stats.dramWritten, t.name, moved);
  return list;
}
