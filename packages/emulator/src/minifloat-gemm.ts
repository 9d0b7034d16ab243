/** The array on minifloat operands, one multiplication after the other, in the order that docs/isa.md gives the sum. */
import { FORMAT } from "@accelc/isa";
import { DLFLOAT16, decode, encode, FP8_152, fmma, fp8, type Minifloat, roundTo } from "@accelc/numerics";
import type { MinifloatSteps, TileNest } from "./gemm.js";
import { currentHalf } from "./scratchpad.js";
import type { Machine } from "./state.js";

/** How operands lie in rows and blocks, and how their sum is cut. */
export interface MinifloatOperands {
  readonly a: Minifloat;
  readonly w: Minifloat;
  /** Reduction elements of an IBUF row, and so of a WBUF block. */
  readonly pass: number;
  readonly chunk: number;
}

/** The operands of the region, or undefined where they are integers. */
export function minifloatOperands(m: Machine): MinifloatOperands | undefined {
  const { a, w, biasA, biasW, chunk } = m.systolic.format;
  if (a === FORMAT.FP16) return { a: DLFLOAT16, w: DLFLOAT16, pass: m.rows / 2, chunk };
  if (a !== FORMAT.HFP8 && a !== FORMAT.FP8_BWD) return undefined;
  const of = (format: number, bias: number) => (format === FORMAT.HFP8 ? fp8(bias) : FP8_152);
  return { a: of(a, biasA), w: of(w, biasW), pass: m.rows, chunk };
}

/** Values of `count` codes from byte `at` on, low bytes first. */
function decodeBytes(cells: Int8Array, f: Minifloat, at: number, count: number, to: Float64Array): void {
  const wide = f.bits === 16;
  for (let i = 0; i < count; i++) {
    const code = wide ? (cells[at + 2 * i] & 0xff) | ((cells[at + 2 * i + 1] & 0xff) << 8) : cells[at + i] & 0xff;
    to[i] = decode(f, code);
  }
}

const low = (word: number): number => decode(DLFLOAT16, word & 0xffff);
const high = (word: number): number => decode(DLFLOAT16, word >>> 16);

/** Number of reduction rows of a block with a weight that is not zero. */
export function nonZeroRows(values: Float64Array, columns: number): number {
  let count = 0;
  for (let k = 0; k < values.length; k += columns) if (values.subarray(k, k + columns).some((v) => v !== 0)) count++;
  return count;
}

/** Adds the pass of entry `step` of the weights to the OBUF rows of `rows`; the result is its `nonZeroRows`. */
export function multiplyMinifloats(
  m: Machine,
  { weights, rows }: TileNest,
  { number, perTile, operands }: MinifloatSteps,
  step: number,
  reductionTile: number,
): number {
  const { columns } = m;
  const { ties } = m.description;
  const { a, w, pass, chunk } = operands;
  const block = new Float64Array(pass * columns);
  const x = new Float64Array(pass);
  const { cells, width } = currentHalf(m.wbuf);
  const input = currentHalf(m.ibuf);
  const out = currentHalf(m.obuf);
  const from = m.systolic.inputRow + weights.input[step];
  const first = (reductionTile * perTile + number[step]) * pass;
  decodeBytes(cells, w, weights.weight[step] * width, pass * columns, block);
  for (let i = 0; i < rows.count; i++) {
    decodeBytes(input.cells, a, (from + rows.input[i]) * input.width, pass, x);
    const o = (weights.output[step] + rows.output[i]) * columns;
    for (let c = 0; c < columns; c++) {
      let total = low(out.cells[o + c]);
      let part = high(out.cells[o + c]);
      const factor = (k: number) => (x[k] === 0 || block[k * columns + c] === 0 ? 0 : x[k]);
      const weight = (k: number) => (factor(k) === 0 ? 0 : block[k * columns + c]);
      const each = chunk === 1 ? 1 : 2;
      for (let k = 0; k < pass; k += each) {
        const [x2, w2] = each === 2 ? [factor(k + 1), weight(k + 1)] : [0, 0];
        part = fmma(factor(k), weight(k), x2, w2, part, ties);
        if ((first + k + each) % chunk !== 0) continue;
        total = roundTo(DLFLOAT16, total + part, ties);
        part = 0;
      }
      out.cells[o + c] = encode(DLFLOAT16, total) | (encode(DLFLOAT16, part) << 16);
    }
  }
  return nonZeroRows(block, columns);
}

/** What leaves the array: the running chunk added to the total, then the bias. */
export function finishMinifloats(m: Machine, { outputs }: TileNest, withBias: boolean): void {
  const { columns } = m;
  const { ties } = m.description;
  const bias = currentHalf(m.bbuf).cells;
  const { cells } = currentHalf(m.obuf);
  for (let i = 0; i < outputs.count; i++)
    for (let c = 0; c < columns; c++) {
      const at = outputs.output[i] * columns + c;
      const sum = roundTo(DLFLOAT16, low(cells[at]) + high(cells[at]), ties);
      const all = withBias ? roundTo(DLFLOAT16, sum + low(bias[outputs.bias[i] * columns + c]), ties) : sum;
      cells[at] = encode(DLFLOAT16, all);
    }
}
