/** Movement without moving: a tensor seen through a transposition, slice or reshape, as rows of lanes in another order. */
import { type Layout, laneLayout, physicalDims, sameBytes } from "./layout.js";

/** How elements lie behind the start of a storage. */
export interface View {
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Elements from the start of the storage to the first one. */
  readonly offset: number;
}

/** Rows of lanes: a lane layout with its steps written out. */
interface Rows {
  readonly lane: number;
  readonly factor: number;
  readonly block: number;
  readonly steps: readonly number[];
}

/** Elements from one index of each axis to the next, along the lane axis from one block to the next. */
export const rowSteps = (shape: readonly number[], layout: Layout, lanes: number): readonly number[] =>
  physicalDims(shape, layout, lanes)
    .slice(0, shape.length)
    .map((d) => d.stride);

/** A tensor as rows of lanes; row-major ones where the last axis fills whole rows. Undefined for all others. */
function rowsOf({ shape, layout }: View, lanes: number): Rows | undefined {
  const { inner, minor, factor } = layout;
  if (inner || minor !== undefined) return undefined;
  const last = shape.findLastIndex((n) => n > 1);
  const lane = layout.lane ?? (last >= 0 && shape[last]! % lanes === 0 ? last : undefined);
  if (lane === undefined) return undefined;
  const steps = rowSteps(shape, layout.lane === null ? laneLayout(lane) : layout, lanes);
  return { lane, factor, block: lanes * factor, steps };
}

/** `v` as rows along `lane` in blocks of `factor`: under its own layout, or one of the same bytes. */
export function asLanes(v: View, lane: number, factor: number, lanes: number): Layout | undefined {
  const { layout, shape } = v;
  if (layout.lane === lane && layout.factor === factor && !layout.inner) return layout;
  const plain = laneLayout(lane, factor);
  return sameBytes(shape, layout, shape, plain, lanes) ? plain : undefined;
}

const rowCount = (n: number, axis: number, { lane, block }: Pick<Rows, "lane" | "block">): number =>
  axis === lane ? Math.ceil(n / block) : n;

/** The lane layout of these steps; those of axes with one row count for nothing. */
export function steppedLayout(
  shape: readonly number[],
  lane: number,
  factor: number,
  steps: readonly number[],
  lanes: number,
): Layout {
  const plain = laneLayout(lane, factor);
  const standard = rowSteps(shape, plain, lanes);
  const single = shape.map((n, axis) => rowCount(n, axis, { lane, block: lanes * factor }) === 1);
  const kept = steps.map((s, i) => (single[i] ? 0 : s));
  return kept.every((s, i) => single[i] || s === standard[i]) ? plain : { ...plain, steps: kept };
}

/** `v` with its axes in the order `perm`. */
export function transposedView(v: View, perm: readonly number[], lanes: number): View | undefined {
  const rows = rowsOf(v, lanes);
  if (!rows || v.shape.includes(0)) return undefined;
  const shape = perm.map((p) => v.shape[p]!);
  const lane = rows.lane < shape.length ? perm.indexOf(rows.lane) : rows.lane;
  const steps = perm.map((p) => rows.steps[p]!);
  return { shape, layout: steppedLayout(shape, lane, rows.factor, steps, lanes), offset: v.offset };
}

/** A box of `v`: index k of an axis is index `starts` + k · `steps` of v's. Lanes are cut at whole blocks only. */
export function slicedView(
  v: View,
  shape: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
  lanes: number,
): View | undefined {
  const rows = rowsOf(v, lanes);
  if (!rows || steps.some((s) => s < 1) || shape.includes(0)) return undefined;
  const { lane, factor, block } = rows;
  if (lane < shape.length && (starts[lane]! % block !== 0 || (steps[lane] !== 1 && shape[lane]! > 1))) return undefined;
  const offset = starts.reduce((sum, s, i) => sum + (i === lane ? s / block : s) * rows.steps[i]!, v.offset);
  const stepped = rows.steps.map((s, i) => (i === lane ? s : s * steps[i]!));
  return { shape, layout: steppedLayout(shape, lane, factor, stepped, lanes), offset };
}

interface Axis {
  readonly axis: number;
  readonly extent: number;
}

/** Pairs of neighbouring axes of two shapes of as many elements, as few in each as have the same product. */
function pairs(from: readonly Axis[], to: readonly Axis[]): readonly (readonly [readonly Axis[], readonly Axis[]])[] {
  const out: [Axis[], Axis[]][] = [];
  for (let i = 0, j = 0; i < from.length; ) {
    const pair: [Axis[], Axis[]] = [[from[i]!], [to[j]!]];
    let [a, b] = [from[i++]!.extent, to[j++]!.extent];
    while (a !== b) {
      const short = a < b ? from[i++]! : to[j++]!;
      pair[a < b ? 0 : 1].push(short);
      if (a < b) a *= short.extent;
      else b *= short.extent;
    }
    out.push(pair);
  }
  return out;
}

/**
 * `v` under another shape: axes that are merged must follow each other without gaps. The lane axis may be split or merged
 * with axes ahead of it where both its extents fill whole rows.
 */
export function reshapedView(v: View, shape: readonly number[], lanes: number): View | undefined {
  const rows = rowsOf(v, lanes);
  if (!rows || shape.includes(0) || (v.shape[rows.lane] ?? 1) === 1) return undefined;
  const wide = (xs: readonly number[]): Axis[] => xs.flatMap((extent, axis) => (extent > 1 ? [{ axis, extent }] : []));
  const steps = shape.map(() => 0);
  let lane = -1;
  for (const [olds, news] of pairs(wide(v.shape), wide(shape))) {
    const lanesHere = olds.some((o) => o.axis === rows.lane);
    const [last, into] = [olds.at(-1)!, news.at(-1)!];
    const whole = olds.length === 1 && news.length === 1;
    if (lanesHere) {
      const fills = last.axis === rows.lane && last.extent % rows.block === 0 && into.extent % rows.block === 0;
      if (!whole && !fills) return undefined;
      lane = into.axis;
    }
    const counts = olds
      .map((o) => ({ n: rowCount(o.extent, o.axis, rows), step: rows.steps[o.axis]! }))
      .filter((o) => o.n > 1);
    if (counts.some((o, i) => i + 1 < counts.length && o.step !== counts[i + 1]!.n * counts[i + 1]!.step))
      return undefined;
    let step = counts.at(-1)?.step ?? 0;
    for (const { axis, extent } of [...news].reverse()) {
      steps[axis] = step;
      step *= rowCount(extent, axis, { lane, block: rows.block });
    }
  }
  return { shape, layout: steppedLayout(shape, lane, rows.factor, steps, lanes), offset: v.offset };
}

/**
 * Rows with `axis` innermost and the other axes in order ahead of it. The axis takes `room` rows, or as many as it has
 * indices: the order in which the array wants a right operand whose rows are reduced, with rows to spare up to a whole block.
 */
export function innermost(
  shape: readonly number[],
  lane: number,
  axis: number,
  room: number,
  lanes: number,
): { readonly layout: Layout; readonly elements: number } {
  const steps = shape.map(() => 0);
  steps[axis] = lanes;
  let step = lanes * room;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (i === axis) continue;
    steps[i] = step;
    step *= rowCount(shape[i]!, i, { lane, block: lanes });
  }
  return { layout: steppedLayout(shape, lane, 1, steps, lanes), elements: step };
}
