import type { Code } from "./wasm.js";
import { add, countColumns, groupOf, INTERLEAVE_HIGH, INTERLEAVE_LOW, join, storeCounts } from "./widen-code.js";

/**
 * Widens a block of `rows` × `columns` bytes of `perByte` elements each, low bits first: the elements of a byte are
 * neighbouring reduction rows, so a pair of them is what the dot product wants side by side. Fills in `meta` as `writeWiden`.
 */
export function writeWidenPacked(
  code: Code,
  perByte: 2 | 4,
  rows: number,
  columns: number,
  source: number,
  target: number,
  meta: number,
): void {
  const bits = 8 / perByte;
  const group = groupOf(columns);
  const [row, from, to, pairs, used, nonZero] = Array.from({ length: 6 }, () => code.local("i32"));
  const bytes = code.local("v128");
  const elements = Array.from({ length: perByte }, () => code.local("v128"));
  const rowsSeen = Array.from({ length: perByte }, () => code.local("v128"));
  const columnsSeen = Array.from({ length: columns / group }, () => code.local("v128"));
  const clear = (locals: readonly number[]) => {
    for (const local of locals) {
      code.splat(0);
      code.set(local);
    }
  };
  clear(columnsSeen);
  for (const zero of [row, pairs, used, nonZero]) {
    code.const32(0);
    code.set(zero);
  }
  for (const [start, at] of [
    [source, from],
    [target, to],
  ]) {
    code.get(start);
    code.set(at);
  }
  const oneRow = () => {
    clear(rowsSeen);
    for (let c = 0; c < columns; c += 8) {
      code.get(from);
      code.memory("v128.load8x8_s", c);
      code.set(bytes);
      join(code, columnsSeen[Math.floor(c / group)], bytes);
      elements.forEach((element, j) => {
        code.get(bytes);
        code.const32(16 - bits * (j + 1));
        code.op("i16x8.shl");
        code.const32(16 - bits);
        code.op("i16x8.shr_s");
        code.set(element);
        join(code, rowsSeen[j], element);
      });
      for (let p = 0; p < perByte / 2; p++)
        for (const [lanes, offset] of [
          [INTERLEAVE_LOW, 0],
          [INTERLEAVE_HIGH, 16],
        ] as const) {
          code.get(to);
          code.get(elements[2 * p]);
          code.get(elements[2 * p + 1]);
          code.shuffle(lanes);
          code.memory("v128.store", 4 * columns * p + 4 * c + offset);
        }
    }
    for (const seen of rowsSeen) {
      code.get(nonZero);
      code.get(seen);
      code.op("v128.any_true", "i32.add");
      code.set(nonZero);
    }
    add(code, row, 1);
    code.get(row);
    code.const32(perByte / 2);
    code.op("i32.mul");
    code.get(pairs);
    code.get(rowsSeen[0]);
    for (const seen of rowsSeen.slice(1)) {
      code.get(seen);
      code.op("v128.or");
    }
    code.op("v128.any_true", "select");
    code.set(pairs);
    add(code, from, columns);
    add(code, to, 2 * perByte * columns);
  };
  code.repeat(oneRow, () => {
    code.get(row);
    code.const32(rows);
    code.op("i32.ne");
  });
  countColumns(code, columnsSeen, used);
  code.get(meta);
  code.const32(1);
  code.memory("i32.store");
  storeCounts(code, meta, [pairs, used, nonZero]);
}

/** 16-bit multipliers that bring elements 2p and 2p + 1 of a byte, which fills both halves of a lane, to the top bits. */
export const pairMultipliers = (perByte: 2 | 4, p: number): readonly number[] => {
  const bits = 8 / perByte;
  const lane = (element: number) => 2 ** (16 - bits * (element + 1));
  const [even, odd] = [lane(2 * p), lane(2 * p + 1)];
  return Array.from({ length: 4 }, () => [even & 255, even >> 8, odd & 255, odd >> 8]).flat();
};
