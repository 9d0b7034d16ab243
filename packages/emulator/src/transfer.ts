import { BUFFER, DIR } from "@accelc/isa";
import { type LinearBound, linearize } from "./bounds.js";
import { readDram, writeDram } from "./dram.js";
import { META_WORDS } from "./fast/sizes.js";
import { checkRow } from "./operands.js";
import { byId, forEachRun, type OuterTrip, type TransferLoop } from "./runs.js";
import { type BytePad, currentHalf, turnOver, type WordPad } from "./scratchpad.js";
import { type Machine, spend, trap } from "./state.js";
import { FIRST_INNER, FIRST_TRANSFER, LOOPS, strideIndex, type TransferWord } from "./systolic-state.js";

const NAMES = ["WBUF", "IBUF", "OBUF", "BBUF"] as const;

/** One buffer's transfer of a region, resolved once. */
export interface Transfer {
  readonly buffer: number;
  readonly address: number;
  readonly name: (typeof NAMES)[number];
  readonly base: number;
  readonly loops: readonly TransferLoop[];
  /** DRAM stride of tile loops 0..6. */
  readonly tileStrides: readonly number[];
  /** Rows of a request (bytes of a run under PACK). */
  readonly units: number;
  readonly rowBytes: number;
  readonly bounds: readonly LinearBound[];
  readonly fill: number;
}

const rowBytesOf = (m: Machine, buffer: number): number => {
  if (buffer === BUFFER.IBUF) return m.rows;
  return buffer === BUFFER.WBUF ? m.rows * m.columns : m.columns * 4;
};

/** Bytes one row takes in each bank. */
const bankBytes = (buffer: number): number => (buffer === BUFFER.IBUF || buffer === BUFFER.WBUF ? 1 : 4);

export function resolveTransfer(m: Machine, buffer: number, word: TransferWord): Transfer {
  m.address = word.address;
  const s = m.systolic;
  const store = buffer === BUFFER.OBUF;
  const [outside, inside] = store ? [DIR.ST, DIR.RD] : [DIR.LD, DIR.WR];
  const name = NAMES[buffer];
  const what = `the transfer of ${name}`;
  const loops: TransferLoop[] = [];
  for (let id = FIRST_TRANSFER; id < LOOPS; id++) {
    const at = strideIndex(outside, buffer, id);
    if (s.strideSet[at] === 0) continue;
    loops.push({ id, count: s.counts[id], dram: s.stride[at], chip: s.stride[strideIndex(inside, buffer, id)] });
  }
  loops.sort(byId);
  const last = loops.at(-1)?.id;
  if (word.loop < FIRST_TRANSFER || (last === undefined ? s.counts[word.loop] !== 1 : word.loop !== last)) {
    const reason = `it names loop ${word.loop}, the last loop with a DRAM stride is ${last ?? "none"}`;
    throw trap(m, "transfer", { what, reason });
  }
  const pack = buffer === BUFFER.IBUF ? s.pack : undefined;
  const rows = word.bytes / bankBytes(buffer);
  if (rows === 0 || !Number.isInteger(rows)) {
    throw trap(m, "transfer", { what, reason: `${word.bytes} bytes per bank are not a whole number of rows` });
  }
  const rowBytes = rowBytesOf(m, buffer);
  const tileStrides = Array.from({ length: FIRST_INNER }, (_, l) => s.stride[strideIndex(outside, buffer, l)]);
  const strides = {
    inner: (id: number) => loops.find((l) => l.id === id)?.dram ?? 0,
    outer: (id: number) => tileStrides[id] ?? 0,
    run: pack === undefined ? rowBytes : 1,
  };
  const bounds = s.padding[buffer].bounds.map((b) => linearize(m, b, strides));
  const units = pack === undefined ? rows : pack.run;
  const { fill } = s.padding[buffer];
  return {
    buffer,
    address: word.address,
    name,
    base: s.base[buffer],
    loops,
    tileStrides,
    units,
    rowBytes,
    bounds,
    fill,
  };
}

/** Loads a buffer for the tile at `trips`, into its other half, which becomes the current one. */
export function load(m: Machine, t: Transfer, trips: Int32Array): void {
  m.address = t.address;
  const outer: OuterTrip = (loop) => trips[loop] ?? 0;
  const base = t.tileStrides.reduce((sum, stride, l) => sum + stride * trips[l], t.base);
  if (t.buffer === BUFFER.BBUF) {
    turnOver(m.bbuf);
    if (m.fast?.load(m, t, base, outer)) return;
    loadWords(m, t, currentHalf(m.bbuf), base, outer);
    return;
  }
  const buffer = t.buffer === BUFFER.IBUF ? m.ibuf : m.wbuf;
  turnOver(buffer);
  if (m.fast?.load(m, t, base, outer)) return;
  if (t.buffer === BUFFER.IBUF && m.systolic.pack !== undefined) loadPacked(m, t, currentHalf(buffer), base, outer);
  else loadBytes(m, t, currentHalf(buffer), base, outer);
}

const unsigned = ({ cells }: BytePad): Uint8Array => new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength);

function loadBytes(m: Machine, t: Transfer, pad: BytePad, base: number, outer: OuterTrip): void {
  const { rowBytes, units, name } = t;
  const cells = unsigned(pad);
  const blocks = t.buffer === BUFFER.WBUF ? m.blocks[m.wbuf.current] : undefined;
  forEachRun(t.loops, base, units, t.bounds, outer, (address, row, from, to) => {
    spend(m, units);
    checkRow(m, "a load", name, row, pad.rows);
    checkRow(m, "a load", name, row + units - 1, pad.rows);
    const bytes = (to - from) * rowBytes;
    const first = row * rowBytes;
    if (from > 0) cells.fill(t.fill, first, first + from * rowBytes);
    if (bytes > 0) {
      const at = readDram(m, (address + from * rowBytes) >>> 0, bytes, name, "a load");
      cells.set(m.dram.bytes.subarray(at, at + bytes), first + from * rowBytes);
    }
    if (to < units) cells.fill(t.fill, first + to * rowBytes, first + units * rowBytes);
    pad.written.fill(1, row, row + units);
    if (blocks === undefined) return;
    for (let r = row; r < row + units; r++) blocks[r] = undefined;
    for (const { meta } of m.workspaces) meta[m.wbuf.current].fill(0, row * META_WORDS, (row + units) * META_WORDS);
  });
}

function loadWords(m: Machine, t: Transfer, pad: WordPad, base: number, outer: OuterTrip): void {
  const { rowBytes, units, name } = t;
  forEachRun(t.loops, base, units, t.bounds, outer, (address, row, from, to) => {
    spend(m, units);
    checkRow(m, "a load", name, row, pad.rows);
    checkRow(m, "a load", name, row + units - 1, pad.rows);
    const bytes = (to - from) * rowBytes;
    const first = row * pad.width;
    pad.cells.fill(t.fill, first, first + units * pad.width);
    pad.written.fill(1, row, row + units);
    if (bytes <= 0) return;
    const at = readDram(m, (address + from * rowBytes) >>> 0, bytes, name, "a load");
    const { view } = m.dram;
    const start = first + from * pad.width;
    for (let i = 0; i < bytes / 4; i++) pad.cells[start + i] = view.getInt32(at + 4 * i, true);
  });
}

/**
 * PACK: each iteration of the transfer loops is one run of `run` bytes. Iterations whose trips differ only in loops with
 * WR stride 0 belong to one window and follow one another from bank `bank` of row Σ trip × WR stride on.
 */
function loadPacked(m: Machine, t: Transfer, pad: BytePad, base: number, outer: OuterTrip): void {
  const { run, bank } = m.systolic.pack as { readonly run: number; readonly bank: number };
  const cells = unsigned(pad);
  const position = packPosition(t.loops);
  forEachRun(t.loops, base, run, t.bounds, outer, (address, row, from, to, index) => {
    spend(m, 1);
    const first = row * m.rows + bank + position(index) * run;
    checkRow(m, "a load", t.name, Math.floor(first / m.rows), pad.rows);
    checkRow(m, "a load", t.name, Math.floor((first + run - 1) / m.rows), pad.rows);
    cells.fill(t.fill, first, first + run);
    if (to > from) {
      const at = readDram(m, (address + from) >>> 0, to - from, t.name, "a load");
      cells.set(m.dram.bytes.subarray(at, at + to - from), first + from);
    }
    pad.written.fill(1, Math.floor(first / m.rows), Math.floor((first + run - 1) / m.rows) + 1);
  });
}

/** Number of a run within its window, from its number in the transfer. */
export function packPosition(loops: readonly TransferLoop[]): (run: number) => number {
  return (run) => {
    let rest = run;
    let place = 0;
    let radix = 1;
    for (let l = loops.length - 1; l >= 0; l--) {
      const { count, chip } = loops[l];
      if (chip === 0) {
        place += (rest % count) * radix;
        radix *= count;
      }
      rest = Math.floor(rest / count);
    }
    return place;
  };
}

/** Stores the handed-over half of OBUF for the tile at `trips`. */
export function store(m: Machine, t: Transfer, trips: Int32Array): void {
  m.address = t.address;
  const pad = currentHalf(m.obuf);
  const outer: OuterTrip = (loop) => trips[loop] ?? 0;
  const base = t.tileStrides.reduce((sum, stride, l) => sum + stride * trips[l], t.base);
  if (m.fast?.store(m, t, base, outer)) return;
  forEachRun(t.loops, base, t.units, t.bounds, outer, (address, row, from, to) => {
    spend(m, t.units);
    checkRow(m, "a store", t.name, row, pad.rows);
    checkRow(m, "a store", t.name, row + t.units - 1, pad.rows);
    if (to <= from) return;
    const at = writeDram(m, (address + from * t.rowBytes) >>> 0, (to - from) * t.rowBytes, t.name, "a store");
    for (let r = from; r < to; r++) {
      if (pad.written[row + r] === 0) throw trap(m, "unwritten", { what: "a store", name: t.name, row: row + r });
    }
    const start = (row + from) * pad.width;
    const words = (to - from) * pad.width;
    for (let i = 0; i < words; i++) m.dram.view.setInt32(at + 4 * i, pad.cells[start + i], true);
  });
}
