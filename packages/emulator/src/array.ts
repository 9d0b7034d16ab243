/**
 * The multiply of the systolic array on one weight block and many input rows: out[o + m] += Σ_k in[x + k] · w[k][m],
 * products of int8, int4 or int2, int32 wrapping sums. Exact in any order, so blocks are packed two columns to a double
 * (column m plus 2^26 times column m + ⌈columns / 2⌉): for up to 1024 rows of int8, 2048 of int4, 4096 of int2
 * |Σ| <= 2^24 for each column, the packed sum stays below 2^51 and the two halves separate again without loss. Reduction
 * rows whose weights are all zero are left out.
 */
const FIELD = 2 ** 26;
const GROUP = 8;
/** Below this many input rows packing a block costs more than it saves. */
const PACK_FROM = 6;

export interface WeightBlock {
  /** Elements per byte that the block was read with, and its weights [k][m], one per entry. */
  readonly perByte: number;
  readonly weights: Int8Array;
  /** Reduction rows with a nonzero weight, padded with row 0 to a multiple of 8. */
  readonly index: Int32Array;
  readonly nonZero: number;
  /** [group of 8 rows][column pair][row in group], made on the first use by many rows. */
  packed: Float64Array | undefined;
}

/**
 * A matrix of bytes with `columns` columns as one of elements: row r holds the elements of rows r * perByte on, low bits
 * first. With one column it is the elements in order.
 */
export function unpackRows(bytes: Int8Array, perByte: number, columns: number): Int8Array {
  if (perByte === 1) return bytes;
  const bits = 8 / perByte;
  const out = new Int8Array(bytes.length * perByte);
  for (let b = 0; b < bytes.length; b++) {
    const at = Math.floor(b / columns) * perByte * columns + (b % columns);
    for (let i = 0; i < perByte; i++) out[at + i * columns] = (bytes[b] << (32 - bits * (i + 1))) >> (32 - bits);
  }
  return out;
}

/** The block of `bytes`, and which of its reduction rows are entirely zero. */
export function scanBlock(bytes: Int8Array, perByte: number, columns: number): WeightBlock {
  const weights = unpackRows(bytes, perByte, columns);
  const rows = weights.length / columns;
  const found: number[] = [];
  for (let k = 0; k < rows; k++) {
    const from = k * columns;
    for (let m = 0; m < columns; m++) {
      if (weights[from + m] !== 0) {
        found.push(k);
        break;
      }
    }
  }
  const index = new Int32Array(Math.ceil(found.length / GROUP) * GROUP);
  index.set(found);
  return { perByte, weights, index, nonZero: found.length, packed: undefined };
}

function packBlock({ weights, ...block }: WeightBlock, columns: number): Float64Array {
  const half = (columns + 1) >> 1;
  const packed = new Float64Array(block.index.length * half);
  for (let g = 0; g < block.nonZero; g++) {
    const row = block.index[g] * columns;
    const to = (g >> 3) * GROUP * half + (g & 7);
    for (let m = 0; m < half; m++) {
      const high = m + half < columns ? weights[row + m + half] : 0;
      packed[to + m * GROUP] = weights[row + m] + high * FIELD;
    }
  }
  return packed;
}

/** Where the rows of one pass over a block lie: row i reads input row `input + inputs[i]`, adds to output row `output + outputs[i]`. */
export interface RowPass {
  readonly count: number;
  readonly input: number;
  readonly inputs: Int32Array;
  readonly output: number;
  readonly outputs: Int32Array;
}

export interface ArrayShape {
  /** Reduction elements of a pass: of a row of input. */
  readonly rows: number;
  readonly columns: number;
  /** Scratch of ⌈columns / 2⌉ sums. */
  readonly sums: Float64Array;
}

/** Multiplies the rows of `pass` by a block. */
export function multiplyBlock(
  shape: ArrayShape,
  block: WeightBlock,
  inputs: Int8Array,
  out: Int32Array,
  pass: RowPass,
): void {
  if (block.nonZero === 0) return;
  if (pass.count < PACK_FROM && block.packed === undefined) multiplyFew(shape, block, inputs, out, pass);
  else {
    block.packed ??= packBlock(block, shape.columns);
    multiplyPacked(shape, block.index, block.packed, inputs, out, pass);
  }
}

function multiplyFew(shape: ArrayShape, block: WeightBlock, inputs: Int8Array, out: Int32Array, pass: RowPass): void {
  const { rows, columns } = shape;
  const { weights } = block;
  for (let i = 0; i < pass.count; i++) {
    const x = (pass.input + pass.inputs[i]) * rows;
    const o = (pass.output + pass.outputs[i]) * columns;
    for (let g = 0; g < block.nonZero; g++) {
      const k = block.index[g];
      const a = inputs[x + k];
      if (a === 0) continue;
      const w = k * columns;
      for (let m = 0; m < columns; m++) out[o + m] = (out[o + m] + Math.imul(a, weights[w + m])) | 0;
    }
  }
}

function multiplyPacked(
  shape: ArrayShape,
  index: Int32Array,
  packed: Float64Array,
  inputs: Int8Array,
  out: Int32Array,
  pass: RowPass,
): void {
  const { rows, columns, sums } = shape;
  const half = (columns + 1) >> 1;
  const group = GROUP * half;
  const nk = index.length;
  for (let i = 0; i < pass.count; i++) {
    const x = (pass.input + pass.inputs[i]) * rows;
    sums.fill(0);
    for (let g = 0, w = 0; g < nk; g += GROUP, w += group) {
      const a0 = inputs[x + index[g]];
      const a1 = inputs[x + index[g + 1]];
      const a2 = inputs[x + index[g + 2]];
      const a3 = inputs[x + index[g + 3]];
      const a4 = inputs[x + index[g + 4]];
      const a5 = inputs[x + index[g + 5]];
      const a6 = inputs[x + index[g + 6]];
      const a7 = inputs[x + index[g + 7]];
      for (let m = 0, p = w; m < half; m++, p += GROUP) {
        const low = a0 * packed[p] + a1 * packed[p + 1] + a2 * packed[p + 2] + a3 * packed[p + 3];
        const high = a4 * packed[p + 4] + a5 * packed[p + 5] + a6 * packed[p + 6] + a7 * packed[p + 7];
        sums[m] += low + high;
      }
    }
    addSums(sums, half, columns, out, (pass.output + pass.outputs[i]) * columns);
  }
}

function addSums(sums: Float64Array, half: number, columns: number, out: Int32Array, o: number): void {
  for (let m = 0; m < half; m++) {
    const s = sums[m];
    const high = Math.floor((s + FIELD / 2) / FIELD);
    out[o + m] = (out[o + m] + (s - high * FIELD)) | 0;
    if (m + half < columns) out[o + m + half] = (out[o + m + half] + high) | 0;
  }
}
