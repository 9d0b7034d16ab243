/**
 * Shapes a transfer between DRAM and consecutive scratchpad rows: the innermost dimensions that are contiguous in DRAM
 * become one run, the others loops.
 */

/** A dimension of the rows on chip, outermost first. `stride`: DRAM bytes per step. `bounded`: some steps lie outside. */
export interface TransferDim {
  readonly extent: number;
  readonly stride: number;
  readonly bounded: boolean;
  /** The caller's name for the dimension. */
  readonly key: number;
}

export interface TransferLoop {
  readonly extent: number;
  readonly stride: number;
  /** Rows on chip per step. */
  readonly rows: number;
  readonly key: number;
}

export interface TransferShape {
  readonly loops: readonly TransferLoop[];
  readonly runRows: number;
  /** The dimension that the run is, where it is exactly one that may be bounded. */
  readonly runKey: number | undefined;
}

/** The largest divisor of `n` that is at most `most`; 1 where there is no other. */
export const largestDivisor = (n: number, most: number): number => {
  for (let d = Math.min(n, most); d > 1; d--) if (n % d === 0) return d;
  return 1;
};

/** @param rowBytes DRAM bytes of one row; @param mostRows rows that a run may have */
export function shapeTransfer(dims: readonly TransferDim[], rowBytes: number, mostRows: number): TransferShape {
  const rest = dims.filter((d) => d.extent > 1 || d.bounded);
  let runRows = 1;
  let runKey: number | undefined;
  let whole = true;
  while (rest.length > 0 && whole) {
    const d = rest[rest.length - 1]!;
    if (d.stride !== runRows * rowBytes || (runKey !== undefined && d.bounded) || (runRows > 1 && d.bounded)) break;
    const take = d.bounded
      ? d.extent <= mostRows
        ? d.extent
        : 1
      : largestDivisor(d.extent, Math.floor(mostRows / runRows));
    if (take === 1 && d.extent > 1) break;
    rest.pop();
    if (d.bounded) {
      runRows = take;
      runKey = d.key;
      break;
    }
    if (take < d.extent) {
      rest.push({ ...d, extent: d.extent / take, stride: d.stride * take });
      whole = false;
    }
    runRows *= take;
  }
  let rows = runRows;
  const loops = rest
    .reverse()
    .map((d) => {
      const loop = { extent: d.extent, stride: d.stride, rows, key: d.key };
      rows *= d.extent;
      return loop;
    })
    .reverse();
  return { loops, runRows, runKey };
}
