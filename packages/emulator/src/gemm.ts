import { BUFFER, DIR } from "@accelc/isa";
import { multiplyBlock, scanBlock, unpackRows } from "./array.js";
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

/**
 * The loops inside a tile, split for execution: `weights` step the weight block, `rows` stream input rows against one
 * block, `outputs` are the non-reduction loops, one entry per OBUF row of the tile. The order does not matter: int32 sums
 * wrap.
 */
export interface TileNest {
  readonly weights: Offsets;
  readonly rows: Offsets;
  readonly outputs: Offsets;
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
  const nest = {
    weights: offsets(
      m,
      active.filter((l) => weightStride(l) !== 0),
    ),
    rows: offsets(
      m,
      active.filter((l) => weightStride(l) === 0),
    ),
    outputs: offsets(
      m,
      active.filter((l) => s.reduction[l] === 0),
    ),
  };
  checkOutputs(m, nest.outputs);
  return nest;
}

/** Of a list: far above what buffers hold, and no load on the host. */
const MOST_ITERATIONS = 2 ** 20;

function offsets(m: Machine, loops: readonly number[]): Offsets {
  const { counts, stride } = m.systolic;
  const count = loops.reduce((n, l) => n * counts[l], 1);
  spend(m, count);
  if (count > MOST_ITERATIONS) {
    throw trap(m, "reduction", { reason: `${count} iterations inside a tile, more than ${MOST_ITERATIONS}` });
  }
  const along = (dir: number, buffer: number) => {
    const found = new Int32Array(count);
    let block = 1;
    for (let i = loops.length - 1; i >= 0; i--) {
      const step = stride[strideIndex(dir, buffer, loops[i])];
      for (let j = block; j < block * counts[loops[i]]; j++) found[j] = found[j % block] + step * Math.floor(j / block);
      block *= counts[loops[i]];
    }
    return found;
  };
  return {
    count,
    weight: along(DIR.RD, BUFFER.WBUF),
    input: along(DIR.RD, BUFFER.IBUF),
    output: along(DIR.WR, BUFFER.OBUF),
    bias: along(DIR.RD, BUFFER.BBUF),
  };
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

/** All multiplications of one tile. */
export function multiplyTile(m: Machine, nest: TileNest): void {
  if (m.fast?.multiplyTile(m, nest)) return;
  const { weights, rows } = nest;
  const w = currentHalf(m.wbuf);
  const x = currentHalf(m.ibuf);
  const out = currentHalf(m.obuf);
  const per = perByte(m.systolic.format);
  const shape = { rows: m.rows * per, columns: m.columns, sums: m.sums };
  const inputs = unpackRows(x.cells, per, 1);
  const blocks = m.blocks[m.wbuf.current];
  for (let i = 0; i < weights.count; i++) {
    spend(m, rows.count);
    const at = weights.weight[i];
    checkRow(m, "the array", w.name, at, w.rows);
    if (w.written[at] === 0) throw trap(m, "unwritten", { what: "the array", name: w.name, row: at });
    checkInputs(m, weights.input[i], rows.input);
    let block = blocks[at];
    if (block?.perByte !== per) {
      block = scanBlock(w.cells.subarray(at * w.width, (at + 1) * w.width), per, m.columns);
      blocks[at] = block;
    }
    multiplyBlock(shape, block, inputs, out.cells, {
      count: rows.count,
      input: weights.input[i],
      inputs: rows.input,
      output: weights.output[i],
      outputs: rows.output,
    });
    m.stats.macs += rows.count * shape.rows * m.columns;
    m.stats.activeMacs += rows.count * block.nonZero * m.columns;
  }
}

function checkInputs(m: Machine, base: number, inputs: Int32Array): void {
  const { name, rows, written } = currentHalf(m.ibuf);
  for (let i = 0; i < inputs.length; i++) {
    const row = base + inputs[i];
    if (row < 0 || row >= rows) checkRow(m, "the array", name, row, rows);
    if (written[row] === 0) throw trap(m, "unwritten", { what: "the array", name, row });
  }
}

/** After the last reduction step: the BBUF row of each output is added once. */
export function addBias(m: Machine, nest: TileNest): void {
  if (m.fast?.addBias(m, nest)) return;
  const { outputs } = nest;
  const bias = currentHalf(m.bbuf);
  const out = currentHalf(m.obuf);
  const { columns } = m;
  for (let i = 0; i < outputs.count; i++) {
    const row = outputs.bias[i];
    checkRow(m, "the array", bias.name, row, bias.rows);
    if (bias.written[row] === 0) throw trap(m, "unwritten", { what: "the array", name: bias.name, row });
    const from = row * columns;
    const to = outputs.output[i] * columns;
    for (let c = 0; c < columns; c++) out.cells[to + c] = (out.cells[to + c] + bias.cells[from + c]) | 0;
  }
}
