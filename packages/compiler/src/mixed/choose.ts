/** What one layer group costs in one format, all others being in the first: noise and cycles of the whole network. */
export interface Option<F> {
  readonly format: F;
  readonly noise: number;
  readonly cycles: number;
}

/** One group's change to a cheaper format. */
export interface Step<F> {
  readonly group: number;
  readonly format: F;
  /** Cycles saved and noise added by this step. */
  readonly saves: number;
  readonly adds: number;
}

/** The options on the lower convex hull of noise and cycles, from the first on: each next one saves the most cycles per noise. */
function hull<F>(options: readonly Option<F>[]): Option<F>[] {
  const out = [options[0]!];
  for (;;) {
    const last = out.at(-1)!;
    const rate = (o: Option<F>) => (last.cycles - o.cycles) / Math.max(o.noise - last.noise, Number.MIN_VALUE);
    const better = options.filter((o) => o.cycles < last.cycles);
    if (better.length === 0) return out;
    out.push(better.reduce((best, o) => (rate(o) > rate(best) ? o : best)));
  }
}

/**
 * All steps to cheaper formats, that which saves the most cycles per added noise first. Noise of several groups is taken to add up,
 * as that of independent errors does; what is chosen in the end is measured as a whole.
 */
export function rankSteps<F>(groups: readonly (readonly Option<F>[])[]): Step<F>[] {
  const steps = groups.flatMap((options, group) => {
    const corners = hull(options);
    return corners.slice(1).map((o, i): Step<F> => {
      const before = corners[i]!;
      return { group, format: o.format, saves: before.cycles - o.cycles, adds: Math.max(0, o.noise - before.noise) };
    });
  });
  const rate = (s: Step<F>) => s.saves / Math.max(s.adds, Number.MIN_VALUE);
  return steps
    .map((s, i) => ({ s, i }))
    .sort((a, b) => rate(b.s) - rate(a.s) || a.i - b.i)
    .map(({ s }) => s);
}

/**
 * The steps to take, by index: the longest run of the first ones for which `within` holds, by bisection, then of the next `more`
 * those with which it still holds. Nothing is taken without having been measured with all before it; none taken is taken to hold.
 */
export function takeSteps(count: number, more: number, within: (steps: readonly number[]) => boolean): number[] {
  const first = (n: number) => Array.from({ length: n }, (_, i) => i);
  let [low, high] = [0, count + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (within(first(middle))) low = middle;
    else high = middle;
  }
  let taken = first(low);
  for (let i = low + 1; i < Math.min(count, low + 1 + more); i++) if (within([...taken, i])) taken = [...taken, i];
  return taken;
}
