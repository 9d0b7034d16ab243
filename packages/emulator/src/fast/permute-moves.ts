import type { Inst } from "@accelc/isa";
import type { PermuteSides } from "../accelerator.js";
import { tripProduct } from "../runs.js";
import type { WordPad } from "../scratchpad.js";
import type { Machine, PermuteSide } from "../state.js";
import { decline } from "./decline.js";
import { MoveList } from "./moves.js";
import { windowed } from "./nest.js";
import { everyWritten, inside, markWritten, type RowSet, rowSet } from "./row-set.js";

interface Dim {
  readonly count: number;
  readonly stride: number;
}

/** Dims with more than one trip, outermost first; one that continues the dim inside it becomes one with that. */
function mergedDims(side: PermuteSide): readonly Dim[] {
  const dims: Dim[] = [];
  for (const [, { count, stride }] of [...side.dims].sort(([a], [b]) => b - a)) {
    if (count === 1) continue;
    const inner = dims[0];
    if (inner !== undefined && stride === inner.stride * inner.count) {
      dims[0] = { count: count * inner.count, stride: inner.stride };
    } else dims.unshift({ count, stride });
  }
  return dims;
}

/** Where runs of `length` words begin. */
function* starts(base: number, dims: readonly Dim[], length: number): Generator<number> {
  const last = dims.length - 1;
  const split =
    last < 0 || length === dims[last].count
      ? dims.slice(0, Math.max(0, last))
      : [...dims.slice(0, last), { count: dims[last].count / length, stride: dims[last].stride * length }];
  const trips = new Array<number>(split.length).fill(0);
  let at = base;
  for (;;) {
    yield at;
    let d = split.length - 1;
    for (; d >= 0; d--) {
      trips[d] += 1;
      at += split[d].stride;
      if (trips[d] < split[d].count) break;
      at -= split[d].count * split[d].stride;
      trips[d] = 0;
    }
    if (d < 0) return;
  }
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

const MOST_RUNS = 2 ** 18;

/** The rows a side touches: runs that leave no row out between them count as one. Undefined: not that regular. */
function touchedRows(m: Machine, side: PermuteSide, dims: readonly Dim[], ns: number): RowSet | undefined {
  const words = rowSet(
    side.base,
    dims.map((d) => d.stride),
    dims.map((d) => d.count),
  );
  const { lanes } = m;
  let length = words.length;
  const outers: Dim[] = [];
  for (const { count, stride } of words.outers) {
    if (stride < length + lanes) length += (count - 1) * stride;
    else if (stride % lanes === 0) outers.push({ count, stride: stride / lanes });
    else return decline(m, "stride");
  }
  const row = (w: number) => Math.floor(w / lanes);
  const [low, last] = [row(words.first), row(words.last)];
  const set: RowSet = { first: low, last, length: row(words.first + length - 1) - low + 1, outers };
  const first = windowed(m, ns, set, set.first);
  return first === undefined ? decline(m, "window") : { ...set, first, last: set.last + first - set.first };
}

/** The permutation as moves, or undefined as for every member of the accelerator. Its steps are already counted. */
export function permuteMoves(
  m: Machine,
  i: Inst<"perm_start">,
  src: WordPad,
  dst: WordPad,
  sides: PermuteSides,
): MoveList | undefined {
  const { lanes } = m;
  const [reads, writes] = sides.map(mergedDims);
  const from = touchedRows(m, sides[0], reads, i.src1_ns);
  const to = touchedRows(m, sides[1], writes, i.dst_ns);
  if (from === undefined || to === undefined) return undefined;
  if (!inside(from, src.rows) || !inside(to, dst.rows) || !everyWritten(src.written, from)) return decline(m, "check");
  const [innerRead, innerWrite] = [reads.at(-1), writes.at(-1)];
  const length = gcd(innerRead?.count ?? 1, innerWrite?.count ?? 1);
  const [readStride, writeStride] = [innerRead?.stride ?? 0, innerWrite?.stride ?? 0];
  const narrow = (x: number) => x >= -32768 && x < 32768;
  const runs = tripProduct(reads) / length;
  if (runs > MOST_RUNS) return decline(m, "size");
  if (length > 1 && !(narrow(readStride) && narrow(writeStride))) return decline(m, "stride");
  if (i.shuffle === 0 && length > 1 && (readStride - writeStride) % lanes !== 0) return decline(m, "check");
  const shift = (side: PermuteSide, set: RowSet, dims: readonly Dim[]): number => {
    const words = rowSet(
      side.base,
      dims.map((d) => d.stride),
      dims.map((d) => d.count),
    );
    return (set.first - Math.floor(words.first / lanes)) * lanes;
  };
  const list = new MoveList();
  const fromWords = src.cells.byteOffset + 4 * shift(sides[0], from, reads);
  const toWords = dst.cells.byteOffset + 4 * shift(sides[1], to, writes);
  const targets = starts(sides[1].base, writes, length);
  for (const word of starts(sides[0].base, reads, length)) {
    const target = targets.next().value as number;
    if (i.shuffle === 0 && (word - target) % lanes !== 0) return decline(m, "check");
    list.addWords(toWords + 4 * target, writeStride, fromWords + 4 * word, readStride, length);
  }
  markWritten(dst.written, to);
  return list;
}
