import { elements } from "./types.js";

/**
 * How a tensor lies in DRAM and scratchpads. `lane` names the axis whose index is split into a block and a lane: the
 * physical order is all axes in place, the lane axis replaced by its block, then the lanes. `lane` equal to the rank is
 * a virtual trailing axis of extent 1: every element has a row of its own. `lane` null is row-major without gaps.
 * Spare lanes of a ragged last block hold no defined value; consumers must not depend on them.
 */
export interface Layout {
  readonly lane: number | null;
  /** A block is `factor` times the machine's lanes: what the array takes per pass of operands narrower than a byte. */
  readonly factor: number;
  readonly minor?: number;
  /** The last `extent` steps of an axis stand behind the lanes: neighbours along it share a byte of packed weights. */
  readonly inner?: { readonly axis: number; readonly extent: number };
  /**
   * Elements from one index of each axis to the next, along the lane axis from one block to the next: rows of lanes in any
   * order, with gaps. Without it the axes stand in order and without gaps.
   */
  readonly steps?: readonly number[];
}

/** One term of an element's address: floor(index[axis] / div) mod extent, times stride (elements). */
export interface PhysicalDim {
  readonly axis: number;
  readonly div: number;
  readonly extent: number;
  readonly stride: number;
}

export const LINEAR: Layout = { lane: null, factor: 1 };
export const laneLayout = (lane: number, factor = 1): Layout => ({ lane, factor });
/** Channels last and without gaps: what a packed load reads runs of whole pixels from. */
export const tightLayout = (minor: number): Layout => ({ lane: null, factor: 1, minor });
export const sameLayout = (a: Layout, b: Layout): boolean =>
  a.lane === b.lane &&
  a.factor === b.factor &&
  a.minor === b.minor &&
  a.inner?.axis === b.inner?.axis &&
  a.inner?.extent === b.inner?.extent &&
  (a.steps ?? []).join() === (b.steps ?? []).join();

/**
 * Physical dimensions, of a layout without steps outermost first; the lane dimension, where there is one, is last with
 * stride 1.
 */
export function physicalDims(shape: readonly number[], layout: Layout, lanes: number): readonly PhysicalDim[] {
  const { lane, inner } = layout;
  const block = lanes * layout.factor;
  const divisor = (axis: number) => (axis === lane ? block : axis === inner?.axis ? inner.extent : 1);
  const dims = shape.map((extent, axis) => ({ axis, div: divisor(axis), extent: Math.ceil(extent / divisor(axis)) }));
  if (lane !== null) dims.push({ axis: lane, div: 1, extent: block });
  if (inner) dims.push({ axis: inner.axis, div: 1, extent: inner.extent });
  if (layout.steps) return dims.map((d, i) => ({ ...d, stride: layout.steps![i] ?? 1 }));
  if (layout.minor !== undefined) dims.push(...dims.splice(layout.minor, 1));
  let stride = 1;
  return dims
    .reverse()
    .map((d) => {
      const out = { ...d, stride };
      stride *= d.extent;
      return out;
    })
    .reverse();
}

/** Elements a tensor occupies, spare lanes and gaps included; a linear tensor is rounded up to whole rows. */
export function physicalElements(shape: readonly number[], layout: Layout, lanes: number): number {
  if (layout.lane === null) return Math.max(1, Math.ceil(elements(shape) / lanes)) * lanes;
  const dims = physicalDims(shape, layout, lanes);
  if (layout.steps) return dims.reduce((n, d) => n + (d.extent - 1) * d.stride, 1);
  return dims.reduce((n, d) => n * d.extent, 1);
}

const product = (xs: readonly number[]): number => xs.reduce((a, b) => a * b, 1);

/** Whether the layout's bytes are those of the row-major order. */
export function isRowMajor(shape: readonly number[], layout: Layout, lanes: number): boolean {
  const { lane } = layout;
  if (layout.inner || layout.steps) return false;
  if (layout.minor !== undefined) return shape[layout.minor] === 1 || product(shape.slice(layout.minor + 1)) === 1;
  if (lane === null) return true;
  if (lane === shape.length) return elements(shape) === 1;
  if (elements(shape) === 1) return true;
  return (
    product(shape.slice(lane + 1)) === 1 &&
    (shape[lane]! % (lanes * layout.factor) === 0 || product(shape.slice(0, lane)) === 1)
  );
}

/** The layouts under which `to` has the bytes that `from` has under `layout`: what makes a reshape free. */
export function aliasLayouts(
  from: readonly number[],
  layout: Layout,
  to: readonly number[],
  lanes: number,
): readonly Layout[] {
  const candidates = [layout, LINEAR, ...to.map((_, axis) => laneLayout(axis, layout.factor))];
  return candidates.filter((c) => sameBytes(from, layout, to, c, lanes));
}

/** Whether a tensor of shape `a` under `la` and one of shape `b` under `lb` have the same bytes. */
export function sameBytes(a: readonly number[], la: Layout, b: readonly number[], lb: Layout, lanes: number): boolean {
  if (isRowMajor(a, la, lanes) && isRowMajor(b, lb, lanes)) return true;
  if (la.lane === null || lb.lane === null || la.lane >= a.length || lb.lane >= b.length) return false;
  if (la.factor !== lb.factor || la.inner || lb.inner || la.steps || lb.steps) return false;
  return (
    a[la.lane] === b[lb.lane] &&
    product(a.slice(0, la.lane)) === product(b.slice(0, lb.lane)) &&
    product(a.slice(la.lane + 1)) === product(b.slice(lb.lane + 1))
  );
}

export const printLayout = (l: Layout): string => {
  const inner = l.inner ? ` ${l.inner.extent} of @${l.inner.axis} inside` : "";
  const steps = l.steps ? ` steps ${l.steps.join(",")}` : "";
  if (l.lane !== null) return `lanes@${l.lane}${l.factor === 1 ? "" : `x${l.factor}`}${inner}${steps}`;
  return l.minor === undefined ? "linear" : `minor@${l.minor}`;
};
