/** A row operand of a nest: its first address, bytes it is long, and bytes it moves by per level. */
export interface Walk {
  readonly pad: number;
  readonly address: number;
  readonly length: number;
  readonly strides: readonly number[];
}

/** Bytes [from, to) that a walk touches over the levels from `level` on. */
function reach(
  { address, length, strides }: Walk,
  counts: readonly number[],
  level: number,
): readonly [number, number] {
  let [from, to] = [address, address + length];
  for (let l = level; l < counts.length; l++) {
    const far = (counts[l] - 1) * strides[l];
    if (far < 0) from += far;
    else to += far;
  }
  return [from, to];
}

/** Does nothing that `written` writes in one iteration of the outermost level meet what `other` touches in another one? */
function apart(written: Walk, other: Walk, counts: readonly number[]): boolean {
  if (written.pad !== other.pad) return true;
  const [a, b] = [reach(written, counts, 0), reach(other, counts, 0)];
  if (a[1] <= b[0] || b[1] <= a[0]) return true;
  const step = written.strides[0];
  if (step !== other.strides[0]) return false;
  const [c, d] = [reach(written, counts, 1), reach(other, counts, 1)];
  return Math.max(c[1], d[1]) - Math.min(c[0], d[0]) <= Math.abs(step);
}

/**
 * Ranges of iterations of the outermost level that several threads may do at the same time: at most `threads` of them, and
 * one where iterations depend on one another.
 *
 * @param written indices of the walks that are written
 */
export function nestShares(
  counts: readonly number[],
  walks: readonly Walk[],
  written: readonly number[],
  threads: number,
): readonly (readonly [from: number, to: number])[] {
  const count = counts[0] ?? 1;
  const parts = Math.min(threads, count);
  if (parts === 1 || !written.every((w) => walks.every((x) => apart(walks[w], x, counts)))) return [[0, count]];
  const at = (i: number): number => Math.round((count * i) / parts);
  return Array.from({ length: parts }, (_, i) => [at(i), at(i + 1)] as const);
}
