import { META_WORDS } from "./sizes.js";
import type { Code, FunctionSpec } from "./wasm.js";
import { add, countDown, groupOf, loadOffsets, writeWiden } from "./widen-code.js";
import { pairMultipliers, writeWidenPacked } from "./widen-packed-code.js";

/** One row of a diagonal block, as depthwise convolutions have them: out += in · diagonal, lane by lane. */
function writeDiagonalRow(code: Code, columns: number, weight: number, input: number, output: number): void {
  const x = code.local("v128");
  for (let c = 0; c < columns; c += 8) {
    code.get(input);
    code.memory("v128.load8x8_s", c);
    code.set(x);
    for (const [op, offset] of [
      ["i32x4.extmul_low_i16x8_s", 4 * c],
      ["i32x4.extmul_high_i16x8_s", 4 * c + 16],
    ] as const) {
      code.get(output);
      code.get(output);
      code.memory("v128.load", offset);
      code.get(x);
      code.get(weight);
      code.memory("v128.load", 2 * c);
      code.op(op, "i32x4.add");
      code.memory("v128.store", offset);
    }
  }
}

type PerByte = 1 | 2 | 4;

/** Elements 2p and 2p + 1 of the input at `address`, each sign-extended to 16 bits, in every lane. */
function writePair(code: Code, perByte: PerByte, p: number, address: number): void {
  code.get(address);
  if (perByte === 1) {
    code.memory("v128.load16_splat");
    code.op("i16x8.extend_low_i8x16_s");
    return;
  }
  code.memory("v128.load8_splat");
  code.constant(pairMultipliers(perByte, p));
  code.op("i16x8.mul");
  code.const32(16 - 8 / perByte);
  code.op("i16x8.shr_s");
}

/** `count` rows of one group of columns: out += Σ over pairs of dot products. */
function writeRows(code: Code, columns: number, perByte: PerByte, at: RowLocals, count: 1 | 2): void {
  const vectors = groupOf(columns) / 4;
  const { weight, weightEnd, inputs, outputs, acc, values } = at;
  const pairs = perByte === 4 ? 2 : 1;
  for (let r = 0; r < count; r++)
    for (let v = 0; v < vectors; v++) {
      code.get(outputs[r]);
      code.memory("v128.load", 16 * v);
      code.set(acc[r * vectors + v]);
    }
  code.repeat(
    () => {
      for (let p = 0; p < pairs; p++) {
        for (let r = 0; r < count; r++) {
          writePair(code, perByte, p, inputs[r]);
          code.set(values[r]);
        }
        for (let v = 0; v < vectors; v++) {
          code.get(weight);
          code.memory("v128.load", 4 * columns * p + 16 * v);
          code.set(at.loaded);
          for (let r = 0; r < count; r++) {
            const sum = acc[r * vectors + v];
            code.get(values[r]);
            code.get(at.loaded);
            code.op("i32x4.dot_i16x8_s");
            code.get(sum);
            code.op("i32x4.add");
            code.set(sum);
          }
        }
      }
      for (let r = 0; r < count; r++) add(code, inputs[r], perByte === 1 ? 2 : 1);
      add(code, weight, 4 * columns * pairs);
    },
    () => {
      code.get(weight);
      code.get(weightEnd);
      code.op("i32.ne");
    },
  );
  for (let r = 0; r < count; r++)
    for (let v = 0; v < vectors; v++) {
      code.get(outputs[r]);
      code.get(acc[r * vectors + v]);
      code.memory("v128.store", 16 * v);
    }
}

interface RowLocals {
  readonly weight: number;
  readonly weightEnd: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly acc: readonly number[];
  readonly values: readonly number[];
  readonly loaded: number;
}

/** Parameters of `tile`, all addresses except the counts. */
export const TILE_PARAMETERS = [
  /** Triples: block number, bytes added to input and to output rows. */
  "weights",
  "weightCount",
  /** Pairs: byte offset of the input row and of the output row. */
  "rows",
  /** Rows taken two at a time, the rest one at a time. */
  "pairCount",
  "singleCount",
  "blocks",
  "wide",
  "meta",
  "input",
  "output",
] as const;

/**
 * `tile(…)`: all multiplications of one tile, of operands with `perByte` elements in a byte; the result is the sum over
 * blocks of reduction rows with nonzero weights.
 */
export const tileFunction = (rows: number, columns: number, perByte: PerByte) =>
  ({
    name: "tile",
    parameters: TILE_PARAMETERS.length,
    result: true,
    write: (code: Code) => writeTile(code, rows, columns, perByte),
  }) as const satisfies FunctionSpec;

function writeTile(code: Code, rows: number, columns: number, perByte: PerByte): void {
  const [weights, weightCount, rowList, pairCount, singleCount, blocks, wide, meta, input, output] =
    TILE_PARAMETERS.map((_, i) => i);
  const group = groupOf(columns);
  const [block, m, w, useful, groups, inBase, outBase, list, left, first, end] = Array.from({ length: 11 }, () =>
    code.local("i32"),
  );
  const vectors = group / 4;
  const at: RowLocals = {
    weight: w,
    weightEnd: end,
    inputs: [code.local("i32"), code.local("i32")],
    outputs: [code.local("i32"), code.local("i32")],
    acc: Array.from({ length: 2 * vectors }, () => code.local("v128")),
    values: [code.local("v128"), code.local("v128")],
    loaded: code.local("v128"),
  };
  const scaled = (local: number, by: number, base: number, to: number) => {
    code.get(local);
    code.const32(by);
    code.op("i32.mul");
    code.get(base);
    code.op("i32.add");
    code.set(to);
  };
  const field = (from: number, index: number, to: number) => {
    code.get(from);
    code.memory("i32.load", 4 * index);
    code.set(to);
  };
  const source = code.local("i32");
  const pass = (count: 1 | 2, times: number) => {
    code.get(times);
    code.when(() => {
      code.get(times);
      code.set(left);
      code.repeat(
        () => {
          for (let r = 0; r < count; r++)
            loadOffsets(code, list, [
              [2 * r, inBase, at.inputs[r]],
              [2 * r + 1, outBase, at.outputs[r]],
            ]);
          code.get(first);
          code.set(w);
          writeRows(code, columns, perByte, at, count);
          add(code, list, 8 * count);
        },
        countDown(code, left),
      );
    });
  };
  const diagonalRows = () => {
    code.get(rowList);
    code.set(list);
    code.get(pairCount);
    code.const32(1);
    code.op("i32.shl");
    code.get(singleCount);
    code.op("i32.add");
    code.set(left);
    code.repeat(
      () => {
        loadOffsets(code, list, [
          [0, inBase, at.inputs[0]],
          [1, outBase, at.outputs[0]],
        ]);
        writeDiagonalRow(code, columns, first, at.inputs[0], at.outputs[0]);
        add(code, list, 8);
      },
      countDown(code, left),
    );
  };
  const oneGroup = () => {
    code.get(rowList);
    code.set(list);
    pass(2, pairCount);
    pass(1, singleCount);
    add(code, first, 4 * group);
    add(code, end, 4 * group);
    add(code, outBase, 4 * group);
  };
  const oneBlock = () => {
    code.get(weights);
    code.memory("i32.load");
    code.set(block);
    scaled(block, 4 * META_WORDS, meta, m);
    scaled(block, 2 * perByte * rows * columns, wide, first);
    code.get(m);
    code.memory("i32.load");
    code.op("i32.eqz");
    code.when(() => {
      scaled(block, rows * columns, blocks, source);
      if (perByte === 1) writeWiden(code, rows, columns, source, first, m);
      else writeWidenPacked(code, perByte, rows, columns, source, first, m);
    });
    code.get(useful);
    code.get(m);
    code.memory("i32.load", 12);
    code.op("i32.add");
    code.set(useful);
    field(m, 2, groups);
    code.get(groups);
    code.when(() => {
      code.get(m);
      code.memory("i32.load", 4);
      code.const32(4 * columns);
      code.op("i32.mul");
      code.get(first);
      code.op("i32.add");
      code.set(end);
      loadOffsets(code, weights, [
        [1, input, inBase],
        [2, output, outBase],
      ]);
      const everyGroup = () => code.repeat(oneGroup, countDown(code, groups));
      if (perByte > 1) everyGroup();
      else {
        code.get(m);
        code.memory("i32.load");
        code.const32(2);
        code.op("i32.eq");
        code.when(diagonalRows, everyGroup);
      }
    });
    add(code, weights, 12);
  };
  code.repeat(oneBlock, countDown(code, weightCount));
  code.get(useful);
}
