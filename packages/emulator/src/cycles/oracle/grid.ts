/** Streamed rows of a step: tokens up to `last`, and sums of theirs that have yet to be accumulated. */
interface Stream {
  readonly last: number;
  left: number;
}

/**
 * A weight-stationary grid of processing elements, one register each for the input passing right and the sum passing
 * down. Inputs are tokens: number of the streamed row + 1 over all steps, 0 where nothing is. Row r of the grid gets its input r cycles
 * late, so that a sum meets its inputs on the way down; the accumulators take a sum in the cycle after it leaves.
 */
export class Grid {
  private readonly input: Int32Array;
  private readonly sum: Int32Array;
  /** What is still on its way to row r: the last r inputs. */
  private readonly skew: Int32Array[];
  private readonly leaving: Int32Array;
  private fed = 0;
  /** Steps that have not ended, the oldest first. */
  private readonly streams: Stream[] = [];

  constructor(
    private readonly rows: number,
    private readonly columns: number,
  ) {
    this.input = new Int32Array(rows * columns);
    this.sum = new Int32Array(rows * columns);
    this.skew = Array.from({ length: rows }, (_, r) => new Int32Array(r));
    this.leaving = new Int32Array(columns);
  }

  get busy(): boolean {
    return this.streams.length > 0;
  }

  /** Rows are still entering. */
  get feeding(): boolean {
    return this.fed < (this.streams.at(-1)?.last ?? 0);
  }

  /** Streams one row for every iteration of the loops, behind those that have entered. */
  begin(counts: readonly number[]): void {
    let iterations = 0;
    const walk = (l: number): void => {
      if (l === counts.length) iterations += 1;
      else for (let i = 0; i < counts[l]; i++) walk(l + 1);
    };
    walk(0);
    this.streams.push({ last: this.fed + iterations, left: iterations * this.columns });
  }

  /** True where the oldest step has ended. */
  tick(): boolean {
    const { rows, columns, input, sum, leaving, streams } = this;
    for (let c = 0; c < columns; c++) {
      const stream = leaving[c] === 0 ? undefined : streams.find((s) => leaving[c] <= s.last);
      if (stream !== undefined) stream.left -= 1;
      leaving[c] = 0;
    }
    const token = this.feeding ? ++this.fed : 0;
    for (let r = rows - 1; r >= 0; r--)
      for (let c = columns - 1; c >= 0; c--) {
        const at = r * columns + c;
        const x = c > 0 ? input[at - 1] : this.entering(r, token);
        const above = r > 0 ? sum[at - columns] : x;
        if (x !== above) throw new Error(`element ${r},${c} meets input ${x} and sum ${above}`);
        input[at] = x;
        sum[at] = x;
      }
    for (let c = 0; c < columns; c++) leaving[c] = sum[(rows - 1) * columns + c];
    if (streams[0]?.left !== 0) return false;
    streams.shift();
    return true;
  }

  private entering(r: number, token: number): number {
    const line = this.skew[r];
    if (r === 0) return token;
    const out = line[r - 1];
    line.copyWithin(1, 0);
    line[0] = token;
    return out;
  }
}
