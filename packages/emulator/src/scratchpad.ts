import type { Arena } from "./arena.js";

/** One scratchpad, or one half of a double-buffered one: `rows` rows of `width` cells; `written[r]` is 1 once row r was written. */
export interface Pad<Cells extends Int8Array | Int32Array> {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  readonly cells: Cells;
  readonly written: Uint8Array;
}

export type WordPad = Pad<Int32Array>;
export type BytePad = Pad<Int8Array>;

/** Two halves; programs address the current one. */
export interface Double<P> {
  readonly halves: readonly [P, P];
  current: 0 | 1;
}

export const wordPad = (arena: Arena, name: string, rows: number, width: number): WordPad => ({
  name,
  rows,
  width,
  cells: arena.int32(rows * width),
  written: arena.uint8(rows),
});

export const bytePad = (arena: Arena, name: string, rows: number, width: number): BytePad => ({
  name,
  rows,
  width,
  cells: arena.int8(rows * width),
  written: arena.uint8(rows),
});

/** `totalRows` is the described size, both halves together. */
export const doubled = <P>(make: (rows: number) => P, totalRows: number): Double<P> => ({
  halves: [make(totalRows / 2), make(totalRows / 2)],
  current: 0,
});

export const currentHalf = <P>(d: Double<P>): P => d.halves[d.current];

export const otherHalf = <P>(d: Double<P>): P => d.halves[d.current === 0 ? 1 : 0];

export const turnOver = (d: Double<unknown>): void => {
  d.current = d.current === 0 ? 1 : 0;
};
