/** Tiles with the steps of a dimension in lanes: the permutation that makes them, and their store. */
import type { Access, BlockProgram, ComputeBlock, TileBuffer, TileDim } from "@accelc/ir";
import { type DaeDim, emitTransfer } from "./dae.js";
import type { Emitter } from "./emit.js";
import { emitPermute } from "./permute.js";
import { tensorAddress, tensorOf } from "./tensors.js";
import { readable, rowStrides, tileOrder } from "./tile-steps.js";

/** Turns a tile: what were lanes become rows, the steps along a dimension lanes. */
export function turnAlong(
  e: Emitter,
  b: ComputeBlock,
  lanes: number,
  src: TileBuffer,
  dst: TileBuffer,
  turn: number,
): void {
  const others = b.dims.flatMap((_, i) => (src.spans[i] && i !== turn ? [i] : []));
  const from = rowStrides(b, src);
  const perLane = Math.ceil(b.dims[turn]!.tile / lanes);
  let rows = lanes * perLane;
  const to = new Map<number, number>();
  for (const i of [...others].reverse()) {
    to.set(i, rows);
    rows *= b.dims[i]!.tile;
  }
  const extents = [...others.map((i) => b.dims[i]!.tile), lanes, b.dims[turn]!.tile];
  const walk = (x: TileBuffer, strides: readonly number[]) => ({
    namespace: readable(x),
    base: x.row * lanes,
    strides,
  });
  emitPermute(
    e,
    extents,
    walk(src, [...others.map((i) => from[i]! * lanes), 1, from[turn]! * lanes]),
    walk(dst, [...others.map((i) => to.get(i)! * lanes), perLane * lanes, 1]),
  );
}

/** A tile turned along a dimension: for every step of the others and every lane, rows of that dimension's steps. */
export function storeTurned(
  e: Emitter,
  p: BlockProgram,
  b: ComputeBlock,
  buffer: number,
  access: Access,
  laneStride: number,
): void {
  const buf = b.vector.buffers[buffer]!;
  const t = tensorOf(p, access.tensor);
  const order = tileOrder(b);
  const rows = (d: number, n: number) => (d === buf.turn ? Math.ceil(n / p.lanes) : n);
  const dimOf = (d: TileDim, i: number): DaeDim => {
    const tile = order.indexOf(i);
    return {
      extent: rows(i, d.tile),
      stride: access.strides[i]!,
      ...(d.tile * d.count > d.extent ? { bound: { low: 0, high: rows(i, d.extent) } } : {}),
      ...(tile >= 0 ? { tile } : {}),
    };
  };
  const others = b.dims.flatMap((d, i) => (buf.spans[i] && i !== buf.turn ? [dimOf(d, i)] : []));
  const lanes = { extent: p.lanes, stride: laneStride };
  emitTransfer(e, {
    direction: "st",
    namespace: readable(buf),
    row: buf.row,
    bits: t.bits,
    lanes: p.lanes,
    address: tensorAddress(p, access.tensor) + access.offset,
    dims: [...others, lanes, dimOf(b.dims[buf.turn!]!, buf.turn!)],
    tiles: order.map((d) => ({ count: b.dims[d]!.count, stride: access.strides[d]! * rows(d, b.dims[d]!.tile) })),
    fill: 0,
  });
}
