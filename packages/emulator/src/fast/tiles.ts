import type { TileNest } from "../gemm.js";
import { currentHalf } from "../scratchpad.js";
import type { Machine } from "../state.js";
import { rangeWritten } from "./row-set.js";

/** Lists of a tile nest as the kernels read them: byte offsets. */
export interface TileLists {
  readonly words: Int32Array;
  /** Word positions inside `words`. */
  readonly rows: number;
  readonly outputs: number;
  readonly rowCount: number;
  readonly weightCount: number;
  /** Entries of the weights are in order of the output they move to; the first of each such group. */
  readonly groups: readonly number[];
  /** No two rows of the list add to the same output. */
  readonly distinct: boolean;
  readonly input: Span;
  readonly blocks: Span;
}

interface Span {
  readonly low: number;
  readonly high: number;
}

const spanOf = (values: Int32Array): Span => {
  let [low, high] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (i === 0 || values[i] < low) low = values[i];
    if (i === 0 || values[i] > high) high = values[i];
  }
  return { low, high };
};

/** Words per entry of the weights: minifloats have the number of the reduction step, too. */
export const weightWords = ({ minifloat }: TileNest): number => (minifloat === undefined ? 3 : 4);

export const tileListWords = (nest: TileNest): number =>
  weightWords(nest) * nest.weights.count + 2 * (nest.rows.count + nest.outputs.count);

/** Entries by output, those of one output in the order of the nest: sums of minifloats depend on it. */
const byOutput = (output: Int32Array): readonly number[] =>
  Array.from(output.keys()).sort((a, b) => output[a] - output[b] || a - b);

/** Words: triples or quadruples of weights, pairs of rows, pairs of outputs (output, bias). */
export function tileLists(m: Machine, nest: TileNest): TileLists {
  const { weights, rows, outputs, minifloat } = nest;
  const { rows: inputBytes } = m;
  const outputBytes = 4 * m.columns;
  const each = weightWords(nest);
  const rowsAt = each * weights.count;
  const outputsAt = rowsAt + 2 * rows.count;
  const words = new Int32Array(outputsAt + 2 * outputs.count);
  const order = byOutput(weights.output);
  order.forEach((i, entry) => {
    words[each * entry] = weights.weight[i];
    words[each * entry + 1] = weights.input[i] * inputBytes;
    words[each * entry + 2] = weights.output[i] * outputBytes;
    if (minifloat !== undefined) words[each * entry + 3] = minifloat.number[i];
  });
  for (let i = 0; i < rows.count; i++) {
    words[rowsAt + 2 * i] = rows.input[i] * inputBytes;
    words[rowsAt + 2 * i + 1] = rows.output[i] * outputBytes;
  }
  for (let i = 0; i < outputs.count; i++) {
    words[outputsAt + 2 * i] = outputs.output[i] * outputBytes;
    words[outputsAt + 2 * i + 1] = outputs.bias[i] * outputBytes;
  }
  return {
    words,
    rows: rowsAt,
    outputs: outputsAt,
    rowCount: rows.count,
    weightCount: weights.count,
    groups: [...order.keys()].filter((n) => n === 0 || weights.output[order[n]] !== weights.output[order[n - 1]]),
    distinct: new Set(rows.output).size === rows.count,
    input: spanOf(rows.input),
    blocks: spanOf(weights.weight),
  };
}

/** Every block and input row of the tile exists and was written. */
export function tileReadable(m: Machine, nest: TileNest, lists: TileLists): boolean {
  const w = currentHalf(m.wbuf);
  const x = currentHalf(m.ibuf);
  const { weights, rows } = nest;
  if (lists.blocks.low < 0 || lists.blocks.high >= w.rows) return false;
  const moves = spanOf(weights.input);
  const { inputRow } = m.systolic;
  const low = inputRow + lists.input.low + moves.low;
  const high = inputRow + lists.input.high + moves.high;
  if (low < 0 || high >= x.rows) return false;
  for (let i = 0; i < weights.count; i++) if (w.written[weights.weight[i]] === 0) return false;
  if (rangeWritten(x.written, low, high - low + 1)) return true;
  for (const base of new Set(weights.input)) {
    for (let i = 0; i < rows.count; i++) if (x.written[inputRow + base + rows.input[i]] === 0) return false;
  }
  return true;
}

/** Every bias row exists and was written. */
export function biasReadable(m: Machine, { outputs }: TileNest): boolean {
  const { written, rows } = currentHalf(m.bbuf);
  for (let i = 0; i < outputs.count; i++) {
    const row = outputs.bias[i];
    if (row < 0 || row >= rows || written[row] === 0) return false;
  }
  return true;
}
