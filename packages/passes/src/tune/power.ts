/** Σ (w x)² − (Σ w x)² / count per row: what a layer's float results vary by over the vectors taken in. */
export class PowerCollector {
  private readonly squares: Float64Array;
  private readonly sums: Float64Array;
  private count = 0;

  /** `w`: rows of weights of one group, `inputs` each. */
  constructor(
    private readonly w: Float64Array,
    private readonly inputs: number,
  ) {
    this.squares = new Float64Array(w.length / inputs);
    this.sums = new Float64Array(w.length / inputs);
  }

  add(x: Float64Array): void {
    const n = this.inputs;
    this.count++;
    for (let r = 0; r < this.sums.length; r++) {
      let y = 0;
      for (let i = 0, at = r * n; i < n; i++, at++) y += this.w[at]! * x[i]!;
      this.sums[r]! += y;
      this.squares[r]! += y * y;
    }
  }

  power(): Float64Array {
    return this.squares.map((s, r) => s - this.sums[r]! ** 2 / Math.max(1, this.count));
  }
}
