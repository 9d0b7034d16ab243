/** Stores with another axis in lanes: the permute engine turns a tile so that what were steps become lanes. */
import { type DramTensor, rowSteps, type TileStore } from "@accelc/ir";
import { accessStrides, type Space } from "./space.js";
import type { DraftBuffer } from "./vector-builder.js";

/**
 * Dimensions along which a buffer with a value of `shape` can be turned, and their axes. Lanes become rows, so all of them
 * have to hold elements; behind a window or reduction, and where lanes are split in parts, nothing is turned.
 */
export function turnable(
  space: Space,
  shape: readonly number[],
  b: DraftBuffer,
  lanes: number,
): readonly { readonly dim: number; readonly axis: number }[] {
  const { lane } = space.layout;
  const plain = space.dims.every((d) => d.kernel === 1 && d.extent === d.before && (d.axis === lane || d.blocks === 1));
  const whole = lane !== null && shape.length === space.before.length && shape[lane]! % lanes === 0;
  const parts = space.dims.filter((d) => d.axis === lane && d.before > 1).length > 1;
  if (!plain || !whole || parts || b.form !== "rows" || b.stage !== "before") return [];
  return space.dims.flatMap(({ axis }, dim) => (axis !== lane && b.spans[dim] ? [{ dim, axis }] : []));
}

/** The store of a turned tile into `t`, whose lanes are along another axis than the space's. */
export function turnedAccess(space: Space, t: DramTensor, lanes: number): Omit<TileStore, "buffer"> {
  const { lane } = space.layout;
  const bytes = t.bits / 8;
  const step = rowSteps(t.shape, t.layout, lanes)[lane!]! * bytes;
  const strides = accessStrides(space, t.shape, t, lanes).map((s, i) => (space.dims[i]!.axis === lane ? s * lanes : s));
  return { access: { tensor: t.id, offset: 0, strides }, laneStride: step };
}
