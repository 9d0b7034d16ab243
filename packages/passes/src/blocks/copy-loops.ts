/**
 * Turns index maps between two layouts into boxes of affine loops. Per output axis, the pair (input offset, output
 * offset) of every index is listed and the list is compressed into nests of constant steps, so ragged lane blocks,
 * unaligned concatenations and arbitrary gathers need no case of their own.
 */
import { type CopyLoop, type Layout, physicalDims } from "@accelc/ir";
import type { AxisMap } from "./movement.js";

/** A sub-box of an axis: offsets of its first element, and the loops over it. */
interface AxisPiece {
  readonly src: number;
  readonly dst: number;
  readonly loops: readonly CopyLoop[];
}

export interface CopyBox {
  readonly src: number;
  readonly dst: number;
  readonly loops: readonly CopyLoop[];
}

/** Element offset of each index of `axis`. */
function axisOffsets(shape: readonly number[], layout: Layout, lanes: number, axis: number): (index: number) => number {
  const dims = physicalDims(shape, layout, lanes).filter((d) => d.axis === axis);
  return (index) => dims.reduce((sum, d) => sum + (Math.floor(index / d.div) % d.extent) * d.stride, 0);
}

/** Splits a sequence into runs of equal steps, then equal runs into nests of two loops. */
export function compress(src: Float64Array, dst: Float64Array): AxisPiece[] {
  const runs: { at: number; length: number; ds: number; dd: number }[] = [];
  for (let i = 0; i < src.length; ) {
    const ds = i + 1 < src.length ? src[i + 1]! - src[i]! : 0;
    const dd = i + 1 < src.length ? dst[i + 1]! - dst[i]! : 0;
    let end = i + 1;
    while (end < src.length && src[end]! - src[end - 1]! === ds && dst[end]! - dst[end - 1]! === dd) end++;
    runs.push({ at: i, length: end - i, ds: end - i > 1 ? ds : 0, dd: end - i > 1 ? dd : 0 });
    i = end;
  }
  const pieces: AxisPiece[] = [];
  for (let i = 0; i < runs.length; ) {
    const a = runs[i]!;
    const b = runs[i + 1];
    const alike = (r: (typeof runs)[number]) => r.length === a.length && r.ds === a.ds && r.dd === a.dd;
    const os = b ? src[b.at]! - src[a.at]! : 0;
    const od = b ? dst[b.at]! - dst[a.at]! : 0;
    let count = 1;
    while (i + count < runs.length && alike(runs[i + count]!)) {
      const [p, q] = [runs[i + count - 1]!, runs[i + count]!];
      if (src[q.at]! - src[p.at]! !== os || dst[q.at]! - dst[p.at]! !== od) break;
      count++;
    }
    const loops = [
      { extent: count, src: os, dst: od },
      { extent: a.length, src: a.ds, dst: a.dd },
    ].filter((l) => l.extent > 1);
    pieces.push({ src: src[a.at]!, dst: dst[a.at]!, loops });
    i += count;
  }
  return pieces;
}

export interface Side {
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** Boxes that carry out one segment; offsets and steps in elements. */
export function copyBoxes(from: Side | null, to: Side, axes: readonly AxisMap[], lanes: number): CopyBox[] {
  let boxes: CopyBox[] = [{ src: 0, dst: 0, loops: [] }];
  axes.forEach((map, axis) => {
    const target = axisOffsets(to.shape, to.layout, lanes, axis);
    const source = from && map.from !== null ? axisOffsets(from.shape, from.layout, lanes, map.from) : () => 0;
    const src = Float64Array.from(map.indices, (i) => source(i));
    const dst = Float64Array.from(map.indices, (_, k) => target(map.start + k));
    const pieces = compress(src, dst);
    boxes = boxes.flatMap((b) =>
      pieces.map((p) => ({ src: b.src + p.src, dst: b.dst + p.dst, loops: [...b.loops, ...p.loops] })),
    );
  });
  return boxes;
}
