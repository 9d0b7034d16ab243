/** How many rows a tile's buffers take, and where intervals of rows go. */
import type { TileDim } from "@accelc/ir";
import type { DraftBuffer } from "./vector-builder.js";

export interface TileShape {
  readonly dims: readonly TileDim[];
  /** Product of all tile counts. */
  readonly tiles: number;
}

/** Rows of a buffer under a tiling. `lanes` matters to turned and packed buffers only. */
export function bufferRows(
  b: Pick<DraftBuffer, "spans" | "stage" | "form" | "turn">,
  dims: readonly TileDim[],
  lanes: number,
): number {
  if (b.turn !== undefined)
    return dims.reduce(
      (n, d, i) => n * (i === b.turn ? Math.ceil(d.before.tile / lanes) * lanes : b.spans[i] ? d.before.tile : 1),
      1,
    );
  const steps = dims.reduce((n, d, i) => (b.spans[i] ? n * (b.stage === "before" ? d.before.tile : d.tile) : n), 1);
  const packed = Math.ceil(steps / lanes);
  return b.form === "rows" ? steps : b.form === "packed" ? packed : packed * lanes;
}

/** Loaded for the whole block: no dimension it spans is tiled. */
export const isOnce = (b: DraftBuffer, t: TileShape): boolean =>
  t.tiles > 1 && b.origin === "load" && t.dims.every((d, i) => !b.spans[i] || d.count === 1);

export interface RowInterval {
  readonly key: number;
  readonly rows: number;
  readonly from: number;
  readonly to: number;
}

/** First-fit rows for intervals, largest first; intervals that overlap in time do not overlap in rows. */
export function fitRows(wanted: readonly RowInterval[]): {
  readonly rows: ReadonlyMap<number, number>;
  readonly high: number;
} {
  const rows = new Map<number, number>();
  const placed: (RowInterval & { readonly at: number })[] = [];
  let high = 0;
  for (const w of [...wanted].sort((a, b) => b.rows - a.rows || a.key - b.key)) {
    const busy = placed.filter((p) => p.from <= w.to && w.from <= p.to).sort((a, b) => a.at - b.at);
    let at = 0;
    for (const p of busy) {
      if (at + w.rows <= p.at) break;
      at = Math.max(at, p.at + p.rows);
    }
    rows.set(w.key, at);
    placed.push({ ...w, at });
    high = Math.max(high, at + w.rows);
  }
  return { rows, high };
}
