import { BUFFER, DIR } from "@accelc/isa";
import { multiplyBlock, scanBlock, unpackRows } from "./array.js";
import { finishMinifloats, type MinifloatOperands, minifloatOperands, multiplyMinifloats } from "./minifloat-gemm.js";
import { checkRow } from "./operands.js";
import { currentHalf } from "./scratchpad.js";
import { type Machine, spend, trap } from "./state.js";
import { FIRST_INNER, FIRST_TRANSFER, perByte, strideIndex } from "./systolic-state.js";

/** Row offsets of the four buffers over a set of loops, in nest order. */
interface Offsets {
  readonly count: number;
  readonly weight: Int32Array;
  readonly input: Int32Array;
  readonly output: Int32Array;
  readonly bias: Int32Array;
}

/** Of minifloat sums: per entry of the weights the number of its reduction step in the tile, and how many a tile has. */
export interface MinifloatSteps {
  readonly number: Int32Array;
  readonly perTile: number;
  readonly operands: MinifloatOperands;
}

/**
 * The loops inside a tile, split for execution: `weights` step the weight block, `rows` stream input rows against one
 * block, `outputs` are the non-reduction loops, one entry per OBUF row of the tile. The order does not matter to int32
 * sums, which wrap. For minifloats all reduction loops are among `weights`, in nest order.
 */
export interface TileNest {
  readonly weights: Offsets;
  readonly rows: Offsets;
  readonly outputs: Offsets;
  readonly minifloat: MinifloatSteps | undefined;
}

export function resolveNest(m: Machine): TileNest {
  const s = m.systolic;
  const active: number[] = [];
  for (let l = FIRST_INNER; l < FIRST_TRANSFER; l++) if (s.counts[l] > 1) active.push(l);
  const weightStride = (l: number) => s.stride[strideIndex(DIR.RD, BUFFER.WBUF, l)];
  for (const l of active) {
    if (s.reduction[l] === 1 && s.stride[strideIndex(DIR.WR, BUFFER.OBUF, l)] !== 0) {
      throw trap(m, "reduction", { reason: `reduction loop ${l} moves OBUF` });
    }
  }
  const operands = minifloatOperands(m);
  const stepsWeights = (l: number) => weightStride(l) !== 0 || (operands !== undefined && s.reduction[l] === 1);
  const weightLoops = active.filter(stepsWeights);
  const nest = {
    weights: offsets(m, weightLoops),
    rows: offsets(
      m,
      active.filter((l) => !stepsWeights(l)),
    ),
    outputs: offsets(
      m,
      active.filter((l) => s.reduction[l] === 0),
    ),
    minifloat: operands && { ...reductionSteps(m, weightLoops), operands },
  };
  checkOutputs(m, nest.outputs);
  return nest;
}

/** Of a list: far above what buffers hold, and no load on the host. */
const MOST_ITERATIONS = 2 ** 20;

/** Sum of trip × step of every loop, for all iterations in nest order. */
function walk(loops: readonly number[], counts: Int32Array, step: (loop: number) => number): Int32Array {
  const found = new Int32Array(loops.reduce((n, l) => n * counts[l], 1));
  let block = 1;
  for (let i = loops.length - 1; i >= 0; i--) {
    const by = step(loops[i]);
    for (let j = block; j < block * counts[loops[i]]; j++) found[j] = found[j % block] + by * Math.floor(j / block);
    block *= counts[loops[i]];
  }
  return found;
}

function offsets(m: Machine, loops: readonly number[]): Offsets {
  const { counts, stride } = m.systolic;
  const count = loops.reduce((n, l) => n * counts[l], 1);
  spend(m, count);
  if (count > MOST_ITERATIONS) {
    throw trap(m, "reduction", { reason: `${count} iterations inside a tile, more than ${MOST_ITERATIONS}` });
  }
  const along = (dir: number, buffer: number) => walk(loops, counts, (l) => stride[strideIndex(dir, buffer, l)]);
  return {
    count,
    weight: along(DIR.RD, BUFFER.WBUF),
    input: along(DIR.RD, BUFFER.IBUF),
    output: along(DIR.WR, BUFFER.OBUF),
    bias: along(DIR.RD, BUFFER.BBUF),
  };
}

/** Numbers of the reduction steps of one output, for every iteration of `loops`. */
function reductionSteps(
  m: Machine,
  loops: readonly number[],
): { readonly number: Int32Array; readonly perTile: number } {
  const { counts, reduction } = m.systolic;
  const steps = new Map<number, number>();
  let perTile = 1;
  for (const l of [...loops].reverse()) {
    if (reduction[l] === 0) continue;
    steps.set(l, perTile);
    perTile *= counts[l];
  }
  return { number: walk(loops, counts, (l) => steps.get(l) ?? 0), perTile };
}

function checkOutputs(m: Machine, outputs: Offsets): void {
  const { rows, name } = m.obuf.halves[0];
  const seen = new Uint8Array(rows);
  for (const row of outputs.output) {
    checkRow(m, "the array", name, row, rows);
    if (seen[row] === 1) {
      throw trap(m, "reduction", {
        reason: `two outputs of a tile share OBUF row ${row}, no reduction loop between them`,
      });
    }
    seen[row] = 1;
  }
}

/** First reduction step of a tile set: its OBUF rows become 0. */
export function clearOutputs(m: Machine, nest: TileNest): void {
  if (m.fast?.clearOutputs(m, nest)) return;
  const { outputs } = nest;
  const pad = currentHalf(m.obuf);
  for (const row of outputs.output) {
    pad.cells.fill(0, row * pad.width, (row + 1) * pad.width);
    pad.written[row] = 1;
  }
}

/** All multiplications of one tile; `reductionTile` is its number among those that add to the same outputs. */
export function multiplyTile(m: Machine, nest: TileNest, reductionTile: number): void {
  if (m.fast?.multiplyTile(m, nest, reductionTile)) return;
  const { weights, rows, minifloat } = nest;
  if (minifloat !== undefined) {
    for (let i = 0; i < weights.count; i++) {
      checkPass(m, nest, i);
      const active = multiplyMinifloats(m, nest, minifloat, i, reductionTile);
      m.stats.macs += rows.count * minifloat.operands.pass * m.columns;
      m.stats.activeMacs += rows.count * active * m.columns;
    }
    return;
  }
  const w = currentHalf(m.wbuf);
  const x = currentHalf(m.ibuf);
  const out = currentHalf(m.obuf);
  const per = perByte(m.systolic.format);
  const shape = { rows: m.rows * per, columns: m.columns, sums: m.sums };
  const inputs = unpackRows(x.cells, per, 1);
  const blocks = m.blocks[m.wbuf.current];
  for (let i = 0; i < weights.count; i++) {
    checkPass(m, nest, i);
    const at = weights.weight[i];
    let block = blocks[at];
    if (block?.perByte !== per) {
      block = scanBlock(w.cells.subarray(at * w.width, (at + 1) * w.width), per, m.columns);
      blocks[at] = block;
    }
    multiplyBlock(shape, block, inputs, out.cells, {
      count: rows.count,
      input: m.systolic.inputRow + weights.input[i],
      inputs: rows.input,
      output: weights.output[i],
      outputs: rows.output,
    });
    m.stats.macs += rows.count * shape.rows * m.columns;
    m.stats.activeMacs += rows.count * block.nonZero * m.columns;
  }
}

/** Accounts for entry `i` of the weights; its block and its input rows exist and were written. */
function checkPass(m: Machine, { weights, rows }: TileNest, i: number): void {
  spend(m, rows.count);
  const { name, written, rows: blocks } = currentHalf(m.wbuf);
  const at = weights.weight[i];
  checkRow(m, "the array", name, at, blocks);
  if (written[at] === 0) throw trap(m, "unwritten", { what: "the array", name, row: at });
  checkInputs(m, m.systolic.inputRow + weights.input[i], rows.input);
}

function checkInputs(m: Machine, base: number, inputs: Int32Array): void {
  const { name, rows, written } = currentHalf(m.ibuf);
  for (let i = 0; i < inputs.length; i++) {
    const row = base + inputs[i];
    if (row < 0 || row >= rows) checkRow(m, "the array", name, row, rows);
    if (written[row] === 0) throw trap(m, "unwritten", { what: "the array", name, row });
  }
}

/** After the last reduction step: minifloat sums are completed, and the BBUF row of each output, if any, is added once. */
export function finishOutputs(m: Machine, nest: TileNest, withBias: boolean): void {
  if (!withBias && nest.minifloat === undefined) return;
  if (m.fast?.finishOutputs(m, nest, withBias)) return;
  if (withBias) checkBias(m, nest);
  if (nest.minifloat === undefined) addBias(m, nest);
  else finishMinifloats(m, nest, withBias);
}

function checkBias(m: Machine, { outputs }: TileNest): void {
  const { name, rows, written } = currentHalf(m.bbuf);
  for (const row of outputs.bias) {
    checkRow(m, "the array", name, row, rows);
    if (written[row] === 0) throw trap(m, "unwritten", { what: "the array", name, row });
  }
}

function addBias(m: Machine, { outputs }: TileNest): void {
  const bias = currentHalf(m.bbuf).cells;
  const out = currentHalf(m.obuf).cells;
  const { columns } = m;
  for (let i = 0; i < outputs.count; i++) {
    const from = outputs.bias[i] * columns;
    const to = outputs.output[i] * columns;
    for (let c = 0; c < columns; c++) out[to + c] = (out[to + c] + bias[from + c]) | 0;
  }
}
