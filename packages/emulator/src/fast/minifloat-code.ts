/** The array on minifloat operands, two columns to a vector of binary64 numbers. Order of the sums: docs/isa.md, minifloat sums. */
import { DLFLOAT16 } from "@accelc/numerics";
import { constantF64, decodeFloats, encodeCodes, promote, roundingConstants, roundToDlfloat } from "./dlfloat-code.js";
import { fmma, type MinifloatKernel, type Temps } from "./fmma-code.js";
import { NOT_A_NUMBER, widen } from "./minifloat-widen.js";
import type { Code, FunctionSpec } from "./wasm.js";
import { add, countDown } from "./widen-code.js";

/** Columns of a vector, and vectors whose sums run side by side, so that one's latency is hidden behind the others'. */
const LANES = 2;
const VECTORS = 4;
const GROUP = LANES * VECTORS;

/** Does the kernel know the case? Chunks have to end at the same places in every pass, or at its end. */
export const minifloatFits = ({ columns, pass, chunk }: MinifloatKernel): boolean =>
  columns % GROUP === 0 &&
  pass % 4 === 0 &&
  (chunk < pass ? pass % chunk === 0 : chunk % pass === 0) &&
  chunk < 2 ** 30;

/** Parameters of `minifloats`, all addresses except the counts. */
export const MINIFLOAT_PARAMETERS = [
  /** Quadruples: block number, bytes added to input and to output rows, number of the reduction step in the tile. */
  "weights",
  "weightCount",
  /** Reduction steps of the tiles before. */
  "stepsBefore",
  /** Pairs: byte offset of the input row and of the output row. */
  "rows",
  "rowCount",
  "blocks",
  "input",
  "output",
  "scratch",
  /** `exponentOffset` of input and weights. */
  "inputOffset",
  "weightOffset",
] as const;

/** `minifloats(…)`: all multiplications of one tile; the result is the sum over blocks of their nonzero reduction rows. */
export const minifloatFunction = (k: MinifloatKernel) =>
  ({
    name: "minifloats",
    parameters: MINIFLOAT_PARAMETERS.length,
    result: true,
    write: (code: Code) => writeTile(code, k),
  }) as const satisfies FunctionSpec;

function writeTile(code: Code, k: MinifloatKernel): void {
  const { rows, columns, a, w, pass, chunk, ties, range } = k;
  const [
    weights,
    weightCount,
    stepsBefore,
    rowList,
    rowCount,
    blocks,
    input,
    output,
    scratch,
    inputOffset,
    weightOffset,
  ] = MINIFLOAT_PARAMETERS.map((_, i) => i);
  const [list, left, useful, inBase, outBase, ends, from, to, x, xRow, out, pieces, pairs, weight, group] = Array.from(
    { length: 15 },
    () => code.local("i32"),
  );
  const r = roundingConstants(code, ties);
  const [offsetA, offsetW] = [inputOffset, weightOffset].map((parameter) => {
    const offset = code.local("v128");
    code.get(parameter);
    code.op("i32x4.splat");
    code.set(offset);
    return offset;
  });
  const stands = (values: readonly number[], alternate: boolean): readonly [number, number] => {
    const [even, odd] = values.map((v) => constantF64(code, v));
    if (!alternate) return [even, odd];
    const both = code.local("v128");
    code.get(even);
    code.get(odd);
    code.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
    code.set(both);
    return [both, both];
  };
  const standsA = stands(NOT_A_NUMBER.a, true);
  const [wEven, wOdd] = stands(NOT_A_NUMBER.w, false);
  const vectors = (n: number) => Array.from({ length: n }, () => code.local("v128"));
  const sums = vectors(VECTORS);
  const totals = vectors(VECTORS);
  const [p1, p2, s, t, b, e, h, x1, x2, codes, temp] = vectors(11);
  const at: Temps = { p1, p2, s, t, b, e, h };
  const single = chunk === 1;
  const piece = Math.min(chunk, pass);
  const blockBytes = 8 * pass * columns;

  const load = (address: number, offset: number, op: "i32.load" | "v128.load") => {
    code.get(address);
    code.memory(op, offset);
  };
  const sumAt = (base: number, index: number, address: number, into: number) => {
    load(address, 4 * index, "i32.load");
    code.get(base);
    code.op("i32.add");
    code.set(into);
  };

  /** State of the group's outputs: total in the low halves, running chunk in the high halves. */
  const eachFour = (act: (four: number) => void) => {
    for (let four = 0; four < GROUP / 4; four++) act(four);
  };
  const loadState = () =>
    eachFour((four) => {
      for (const [into, shift] of [
        [totals, 0],
        [sums, 16],
      ] as const) {
        load(out, 16 * four, "v128.load");
        code.const32(shift);
        code.op("i32x4.shr_u");
        code.set(codes);
        decodeFloats(code, DLFLOAT16, codes, temp);
        promote(code, temp, into[2 * four], into[2 * four + 1]);
      }
    });
  const storeState = () =>
    eachFour((four) => {
      code.get(out);
      encodeCodes(code, totals[2 * four], totals[2 * four + 1], temp);
      encodeCodes(code, sums[2 * four], sums[2 * four + 1], temp);
      code.const32(16);
      code.op("i32x4.shl", "v128.or");
      code.memory("v128.store", 16 * four);
    });

  const splat = (offset: number, into: number) => {
    code.get(x);
    code.memory("v128.load64_splat", offset);
    code.set(into);
  };
  const step = () => {
    splat(0, x1);
    if (!single) splat(8, x2);
    sums.forEach((sum, v) => {
      load(weight, 16 * v, "v128.load");
      code.get(x1);
      code.op("f64x2.mul");
      code.set(p1);
      if (!single) {
        load(weight, 8 * columns + 16 * v, "v128.load");
        code.get(x2);
        code.op("f64x2.mul");
        code.set(p2);
      }
      fmma(code, r, range, single, at, sum);
    });
    add(code, x, single ? 8 : 16);
    add(code, weight, (single ? 8 : 16) * columns);
  };
  const endChunk = () =>
    sums.forEach((sum, v) => {
      code.get(totals[v]);
      code.get(sum);
      code.op("f64x2.add");
      code.set(h);
      roundToDlfloat(code, r, h, [t, b]);
      code.set(totals[v]);
      code.get(r.zero);
      code.set(sum);
    });
  const oneGroup = () => {
    loadState();
    code.get(xRow);
    code.set(x);
    code.const32(pass / piece);
    code.set(pieces);
    code.repeat(
      () => {
        code.const32(single ? piece : piece / 2);
        code.set(pairs);
        code.repeat(step, countDown(code, pairs));
        code.get(ends);
        code.when(endChunk);
      },
      countDown(code, pieces),
    );
    storeState();
    add(code, out, 4 * GROUP);
    code.get(weight);
    code.const32(blockBytes - 8 * GROUP);
    code.op("i32.sub");
    code.set(weight);
  };
  const oneRow = () => {
    sumAt(inBase, 0, list, from);
    sumAt(outBase, 1, list, out);
    code.get(xRow);
    code.set(to);
    widen(code, a, offsetA, pass, from, to, standsA);
    code.get(scratch);
    code.set(weight);
    code.const32(columns / GROUP);
    code.set(group);
    code.repeat(oneGroup, countDown(code, group));
    add(code, list, 8);
  };
  /** A reduction row of the block, its nonzero weights counted by `useful`. */
  const widenRows = () => {
    const [any, rowLeft] = [code.local("v128"), code.local("i32")];
    const seen = (offset: number) => {
      code.get(r.zero);
      code.set(any);
      for (let c = 0; c < columns; c += LANES) {
        code.get(any);
        load(to, offset + 8 * c, "v128.load");
        code.get(r.zero);
        code.op("f64x2.ne", "v128.or");
        code.set(any);
      }
      code.get(useful);
      code.get(any);
      code.op("v128.any_true", "i32.add");
      code.set(useful);
    };
    code.const32(pass / 2);
    code.set(rowLeft);
    code.repeat(
      () => {
        widen(code, w, offsetW, columns, from, to, [wEven, wEven]);
        widen(code, w, offsetW, columns, from, to, [wOdd, wOdd]);
        add(code, to, -16 * columns);
        seen(0);
        seen(8 * columns);
        add(code, to, 16 * columns);
      },
      countDown(code, rowLeft),
    );
  };
  const oneBlock = () => {
    load(weights, 0, "i32.load");
    code.const32(rows * columns);
    code.op("i32.mul");
    code.get(blocks);
    code.op("i32.add");
    code.set(from);
    code.get(scratch);
    code.set(to);
    widenRows();
    sumAt(input, 1, weights, inBase);
    sumAt(output, 2, weights, outBase);
    code.const32(1);
    code.set(ends);
    if (chunk > pass) {
      load(weights, 12, "i32.load");
      code.get(stepsBefore);
      code.op("i32.add");
      code.const32(1);
      code.op("i32.add");
      code.const32(chunk / pass - 1);
      code.op("i32.and", "i32.eqz");
      code.set(ends);
    }
    code.get(scratch);
    code.const32(blockBytes);
    code.op("i32.add");
    code.set(xRow);
    code.get(rowList);
    code.set(list);
    code.get(rowCount);
    code.set(left);
    code.repeat(oneRow, countDown(code, left));
    add(code, weights, 16);
  };
  code.repeat(oneBlock, countDown(code, weightCount));
  code.get(useful);
}
