/** Rows base + Σ trip · stride: runs of `length` consecutive rows at `first` + Σ trip · stride of the outer loops. */
export interface RowSet {
  readonly first: number;
  readonly length: number;
  /** Highest row. */
  readonly last: number;
  readonly outers: readonly { readonly count: number; readonly stride: number }[];
}

export function rowSet(base: number, strides: readonly number[], counts: readonly number[]): RowSet {
  let first = base;
  let last = base;
  const loops: { count: number; stride: number }[] = [];
  strides.forEach((stride, l) => {
    const reach = (counts[l] - 1) * stride;
    if (reach === 0) return;
    if (reach < 0) first += reach;
    else last += reach;
    loops.push({ count: counts[l], stride: Math.abs(stride) });
  });
  loops.sort((a, b) => a.stride - b.stride);
  let length = 1;
  const outers = loops.filter(({ count, stride }) => {
    if (stride > length) return true;
    length += (count - 1) * stride;
    return false;
  });
  return { first, length, last, outers };
}

function everyRun(set: RowSet, level: number, first: number, test: (first: number) => boolean): boolean {
  if (level === set.outers.length) return test(first);
  const { count, stride } = set.outers[level];
  for (let i = 0; i < count; i++) if (!everyRun(set, level + 1, first + i * stride, test)) return false;
  return true;
}

const fullRun = (written: Uint8Array, first: number, length: number): boolean => {
  if (length === 1) return written[first] === 1;
  const gap = written.indexOf(0, first);
  return gap < 0 || gap >= first + length;
};

/** The set lies inside `written`. */
export const everyWritten = (written: Uint8Array, set: RowSet): boolean =>
  everyRun(set, 0, set.first, (first) => fullRun(written, first, set.length));

export const rangeWritten = fullRun;

export function markWritten(written: Uint8Array, set: RowSet): void {
  everyRun(set, 0, set.first, (first) => {
    if (set.length === 1) written[first] = 1;
    else written.fill(1, first, first + set.length);
    return true;
  });
}

const MOST_RUNS = 2 ** 16;

/** Is the row set inside the pad, and does it have few enough runs to walk them? */
export const inside = (set: RowSet, rows: number): boolean =>
  set.first >= 0 && set.last < rows && set.outers.reduce((n, o) => n * o.count, 1) <= MOST_RUNS;
