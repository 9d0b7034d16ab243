import type { TileLists } from "./tiles.js";

/** What one thread does of a tile: entries [from, to) of the weights, on rows [from, to) of the list. */
export interface Share {
  readonly weights: readonly [from: number, to: number];
  readonly rows: readonly [from: number, to: number];
}

/** Rows that take as long as widening a block. */
const WIDENING = 8;
export const wholeOf = ({ weightCount, rowCount }: TileLists): Share => ({
  weights: [0, weightCount],
  rows: [0, rowCount],
});

const cut = (n: number, parts: number, i: number): number => Math.round((n * i) / parts);

/**
 * The tile's multiplications in at most `threads` shares, none of which adds to a row of outputs that another one does:
 * entries of the weights that move the output apart are apart, since outputs of a tile have OBUF rows of their own; and so
 * are rows, where no two of the list have the same output. Of the grids that this allows, the one whose largest share is
 * least.
 *
 * @param macsPerRow of one row against one block
 * @param leastMacs below which the tile stays whole
 */
export function sharesOf(lists: TileLists, threads: number, macsPerRow: number, leastMacs: number): readonly Share[] {
  const { groups, weightCount, rowCount, distinct } = lists;
  const whole = [wholeOf(lists)];
  if (threads === 1 || weightCount * rowCount * macsPerRow < leastMacs) return whole;
  const groupAt = (g: number): number => (g < groups.length ? groups[g] : weightCount);
  let best = weightCount * (rowCount + WIDENING);
  let found: readonly Share[] = whole;
  for (let across = 1; across <= Math.min(threads, groups.length); across++) {
    const down = distinct ? Math.min(Math.floor(threads / across), rowCount >> 1 || 1) : 1;
    const grid = Array.from({ length: across * down }, (_, n): Share => {
      const [g, r] = [Math.floor(n / down), n % down];
      const rowAt = (i: number): number => (i === down ? rowCount : 2 * cut(rowCount >> 1, down, i));
      return {
        weights: [groupAt(cut(groups.length, across, g)), groupAt(cut(groups.length, across, g + 1))],
        rows: [rowAt(r), rowAt(r + 1)],
      };
    });
    const cost = Math.max(...grid.map(({ weights: [w0, w1], rows: [r0, r1] }) => (w1 - w0) * (r1 - r0 + WIDENING)));
    if (cost < best) [best, found] = [cost, grid];
  }
  return found;
}
