import type { Code } from "./wasm.js";

export const arrayFits = (rows: number, columns: number): boolean => rows % 2 === 0 && columns % 8 === 0;

export const groupOf = (columns: number): number => (columns % 16 === 0 ? 16 : 8);

export const INTERLEAVE_LOW = [0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23];
export const INTERLEAVE_HIGH = INTERLEAVE_LOW.map((i) => i + 8);

export const add = (code: Code, local: number, by: number): void => {
  code.get(local);
  code.const32(by);
  code.op("i32.add");
  code.set(local);
};

export const countDown = (code: Code, local: number) => (): void => {
  code.get(local);
  code.const32(1);
  code.op("i32.sub");
  code.tee(local);
};

/** Each local becomes the word at `index` of the list plus a base. */
export const loadOffsets = (
  code: Code,
  list: number,
  entries: readonly (readonly [index: number, base: number, local: number])[],
): void => {
  for (const [index, base, local] of entries) {
    code.get(list);
    code.memory("i32.load", 4 * index);
    code.get(base);
    code.op("i32.add");
    code.set(local);
  }
};

/** seen |= value. */
export const join = (code: Code, seen: number, value: number): void => {
  code.get(seen);
  code.get(value);
  code.op("v128.or");
  code.set(seen);
};

/** `used` becomes one more than the last group of columns that has anything in it. */
export const countColumns = (code: Code, columnsSeen: readonly number[], used: number): void =>
  columnsSeen.forEach((seen, g) => {
    code.const32(g + 1);
    code.get(used);
    code.get(seen);
    code.op("v128.any_true", "select");
    code.set(used);
  });

/** The words of a block's `meta` behind the first: pairs of rows, groups of columns and rows with anything in them. */
export const storeCounts = (code: Code, meta: number, counts: readonly number[]): void =>
  counts.forEach((value, i) => {
    code.get(meta);
    code.get(value);
    code.memory("i32.store", 4 * (i + 1));
  });

/**
 * Widens the block of `rows` × `columns` bytes at `source` to int16, the two rows of a pair side by side column by column,
 * as the dot product wants them, and fills in `meta`.
 */
export function writeWiden(
  code: Code,
  rows: number,
  columns: number,
  source: number,
  target: number,
  meta: number,
): void {
  const group = groupOf(columns);
  const groups = columns / group;
  const [pair, from, to, pairs, used, nonZero] = Array.from({ length: 6 }, () => code.local("i32"));
  const [even, odd, evenRow, oddRow] = Array.from({ length: 4 }, () => code.local("v128"));
  const columnsSeen = Array.from({ length: groups }, () => code.local("v128"));
  const diagonal = Array.from({ length: columns / 8 }, () => code.local("v128"));
  const [beside, row] = [code.local("v128"), code.local("v128")];
  for (const seen of [...columnsSeen, ...diagonal, beside]) {
    code.splat(0);
    code.set(seen);
  }
  for (const zero of [pair, pairs, used, nonZero]) {
    code.const32(0);
    code.set(zero);
  }
  code.get(source);
  code.set(from);
  code.get(target);
  code.set(to);
  code.repeat(
    () => {
      for (const seen of [evenRow, oddRow]) {
        code.splat(0);
        code.set(seen);
      }
      for (let c = 0; c < columns; c += 8) {
        for (const [value, offset, seen] of [
          [even, c, evenRow],
          [odd, columns + c, oddRow],
        ]) {
          code.get(from);
          code.memory("v128.load8x8_s", offset);
          code.set(value);
          join(code, seen, value);
          join(code, columnsSeen[Math.floor(c / group)], value);
          code.get(pair);
          code.const32(1);
          code.op("i32.shl");
          if (value === odd) {
            code.const32(1);
            code.op("i32.add");
          }
          code.op("i16x8.splat");
          code.constant(Array.from({ length: 8 }, (_, i) => [c + i, 0]).flat());
          code.op("i16x8.eq");
          code.set(row);
          code.get(diagonal[c / 8]);
          code.get(value);
          code.get(row);
          code.op("v128.and", "v128.or");
          code.set(diagonal[c / 8]);
          code.get(beside);
          code.get(value);
          code.get(row);
          code.op("v128.andnot", "v128.or");
          code.set(beside);
        }
        for (const [lanes, offset] of [
          [INTERLEAVE_LOW, 0],
          [INTERLEAVE_HIGH, 16],
        ] as const) {
          code.get(to);
          code.get(even);
          code.get(odd);
          code.shuffle(lanes);
          code.memory("v128.store", 4 * c + offset);
        }
      }
      for (const seen of [evenRow, oddRow]) {
        code.get(nonZero);
        code.get(seen);
        code.op("v128.any_true", "i32.add");
        code.set(nonZero);
      }
      add(code, pair, 1);
      code.get(pair);
      code.get(pairs);
      code.get(evenRow);
      code.get(oddRow);
      code.op("v128.or", "v128.any_true", "select");
      code.set(pairs);
      add(code, from, 2 * columns);
      add(code, to, 4 * columns);
    },
    () => {
      code.get(pair);
      code.const32(rows / 2);
      code.op("i32.ne");
    },
  );
  countColumns(code, columnsSeen, used);
  storeCounts(code, meta, [pairs, used, nonZero]);
  code.get(meta);
  code.const32(1);
  code.const32(2);
  code.get(beside);
  code.op("v128.any_true", "select");
  code.memory("i32.store");
  code.get(beside);
  code.op("v128.any_true", "i32.eqz");
  code.when(() =>
    diagonal.forEach((values, i) => {
      code.get(target);
      code.get(values);
      code.memory("v128.store", 16 * i);
    }),
  );
}
